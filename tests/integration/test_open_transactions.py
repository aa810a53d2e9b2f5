"""A producer that leaves a transaction open holds up those behind it for a few seconds at most: the broker ends it."""

import asyncio
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from jobmonitor.contract.access import USERS
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.runtime.consumer import new_consumer
from support.brokers import broker_at
from support.engine import create_topics


def test_no_user_has_a_right_to_a_transaction() -> None:
    assert {grant.kind for user in USERS for grant in user.grants} <= {"topic", "group"}


async def test_a_producer_that_asks_for_a_longer_transaction_is_refused(kafka: KafkaServer) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, transactional_id=f"test-{uuid4()}", transaction_timeout_ms=5001
    )
    with pytest.raises(KafkaError, match=r"[Tt]imeout"):
        await producer.start()
    await producer.stop()


async def test_what_is_behind_a_transaction_left_open_is_read_when_the_broker_has_ended_it(kafka: KafkaServer) -> None:
    topic = f"test-{uuid4().hex}"
    await create_topics(kafka.bootstrap, topic)
    hanging = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, transactional_id=f"test-{uuid4()}", transaction_timeout_ms=5000
    )
    await hanging.start()
    await hanging.begin_transaction()
    await hanging.send_and_wait(topic, b"open", partition=0)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as honest:
        await honest.send_and_wait(topic, b"honest", partition=0)

    consumer = new_consumer(broker_at(kafka.bootstrap), topic, auto_offset_reset="earliest")
    await consumer.start()
    async with asyncio.timeout(30):
        assert (await consumer.getone()).value == b"honest"
    await consumer.stop()
    await hanging.client.close()
