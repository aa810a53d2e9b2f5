"""The producer on a real broker: a message that cannot be sent is told from a broker that is away."""

import asyncio
import os
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from jobmonitor.contract.topics import MESSAGE_BYTES_MAX
from jobmonitor.gateway.adapters.broker import Broker
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.runtime.kafka import KafkaUnavailable, MessageRefused, Outgoing, Producer
from jobmonitor.runtime.settings import KafkaSettings
from support.engine import read_records
from support.waiting import until

PARTITIONS = 4


@pytest.fixture
async def producer(kafka: KafkaServer) -> AsyncIterator[Producer]:
    made = Producer(KafkaSettings(kafka_bootstrap=kafka.bootstrap))
    await made.start()
    yield made
    await made.stop()


async def new_topic(kafka: KafkaServer, **configs: str) -> str:
    """A topic with such settings; gives its name."""
    name = f"test-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        settings = {option.replace("_", "."): value for option, value in configs.items()}
        await admin.create_topics([NewTopic(name, PARTITIONS, 1, topic_configs=settings)])
    finally:
        await admin.close()
    return name


def message(topic: str, size: int = 10, key: bytes = b"key") -> Outgoing:
    """One that cannot be compressed."""
    return Outgoing(topic, key, os.urandom(size), "test")


async def values(kafka: KafkaServer, topic: str) -> list[bytes]:
    return [record.value for record in await read_records(kafka.bootstrap, topic)]


async def test_of_many_messages_only_the_one_that_is_too_large_is_refused(
    kafka: KafkaServer, producer: Producer
) -> None:
    topic = await new_topic(kafka)
    first, large, last = message(topic), message(topic, MESSAGE_BYTES_MAX), message(topic)
    failures = await producer.deliver([first, large, last])
    assert [type(failure) for failure in failures] == [type(None), MessageRefused, type(None)]
    assert isinstance(failures[1], MessageRefused)
    assert failures[1].too_large
    assert f"{MESSAGE_BYTES_MAX + 3:,} bytes" in str(failures[1])
    assert await values(kafka, topic) == [first.value, last.value]


async def test_what_the_broker_alone_refuses_costs_no_later_message_of_its_partition(
    kafka: KafkaServer, producer: Producer
) -> None:
    """The broker's limit lies beneath ours; after a refusal it would take nothing more from the same connection."""
    topic, other = await new_topic(kafka, max_message_bytes="5000"), await new_topic(kafka)
    with pytest.raises(MessageRefused, match=r"5,003 bytes.*MessageSizeTooLarge"):
        await producer.send_messages([message(other), message(topic, 5000)])
    assert len(await values(kafka, other)) == 1
    for _ in range(3):
        await producer.send_messages([message(topic)])
    assert len(await values(kafka, topic)) == 3


async def test_a_topic_that_does_not_exist_is_told_at_once_and_holds_up_no_other(
    kafka: KafkaServer, producer: Producer
) -> None:
    topic = await new_topic(kafka)
    failures = await producer.deliver([message("test-nowhere"), message(topic)])
    assert isinstance(failures[0], MessageRefused)
    assert (str(failures[0]), failures[0].too_large) == (
        "There is no topic test-nowhere, or no right to see it.",
        False,
    )
    assert failures[1] is None


async def test_with_the_broker_away_everything_is_unconfirmed(kafka: KafkaServer) -> None:
    topic = await new_topic(kafka)
    producer = Producer(KafkaSettings(kafka_bootstrap=kafka.bootstrap), send_timeout_s=0.5)
    await producer.start()
    await producer.send_messages([message(topic)])
    kafka.stop()
    try:
        failures = await producer.deliver([message(topic), message("test-nowhere")])
        with pytest.raises(KafkaUnavailable):
            await producer.check()
    finally:
        kafka.start()
        await producer.stop()
    assert [type(failure) for failure in failures] == [KafkaUnavailable, KafkaUnavailable]


async def test_a_dead_letter_that_is_too_large_is_kept_by_its_position(kafka: KafkaServer, producer: Producer) -> None:
    topic = await new_topic(kafka, max_message_bytes="5000")
    with pytest.raises(MessageRefused):
        await producer.send_raw(topic, os.urandom(6000), key=b"k", headers=[])
    await producer.send_raw(topic, b"small", key=b"k", headers=[])
    assert await values(kafka, topic) == [b"small"]


async def test_the_gateway_tells_people_to_try_again_where_a_topic_is_missing(kafka: KafkaServer) -> None:
    broker = Broker(KafkaSettings(kafka_bootstrap=kafka.bootstrap))
    running = asyncio.create_task(broker.run())
    try:
        await until(lambda: _answers(broker))
        with pytest.raises(KafkaUnavailable, match="There is no topic test-nowhere"):
            await broker.send_messages([message("test-nowhere")])
        assert broker.check().ok
    finally:
        running.cancel()
        await broker.close()


async def _answers(broker: Broker) -> bool:
    return broker.check().ok
