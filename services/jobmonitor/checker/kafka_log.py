"""Reads topics from their beginning to where they end when the reading starts, in no group: nobody notices it."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from jobmonitor.checker.report import CouldNotLook
from jobmonitor.contract.envelope import Undecodable, decode
from jobmonitor.contract.topics import DEAD_LETTERS, Topic
from jobmonitor.projection.batch import Message
from jobmonitor.runtime.consumer import new_consumer
from jobmonitor.runtime.consumer import take as take_records
from jobmonitor.runtime.dead_letters import PREFIX
from jobmonitor.runtime.kafka_client import client_options
from jobmonitor.runtime.settings import KafkaSettings
from jobmonitor.runtime.topic_admin import Difference, find_differences

REQUEST_TIMEOUT_S = 10.0
POLL_MS = 500
SILENT_POLLS_MAX = 40
"""So often in a row nothing may come before the broker counts as away."""
BATCH_MESSAGES = 5000

Take = Callable[[Message], None]
Offsets = dict[TopicPartition, int]


class Extent(NamedTuple):
    """From where to where a log was read; all by (topic, partition)."""

    begins: dict[tuple[str, int], int]
    """The first offset the broker still has, after the reading. Not 0: the beginning was deleted."""
    ends: dict[tuple[str, int], int]
    """The offset after the last message."""


async def read_log(kafka: KafkaSettings, topics: Collection[str], take: Take) -> Extent:
    """Hand over every message there is of these topics; a topic that is not there is empty.

    Raises CouldNotLook: the broker is away.
    """
    async with _consumer(kafka) as consumer:
        partitions = await _partitions(kafka, topics)
        ends = await _read(consumer, await consumer.beginning_offsets(partitions), take)
        begins = await consumer.beginning_offsets(partitions)  # some may have been deleted while it was read
    return Extent(_by_place(begins), _by_place(ends))


def _by_place(offsets: Offsets) -> dict[tuple[str, int], int]:
    return {(partition.topic, partition.partition): offset for partition, offset in offsets.items()}


async def jobs_given_up(kafka: KafkaSettings) -> set[UUID]:
    """The jobs of which a message of the work topics is among the dead letters. Raises CouldNotLook."""
    found: set[UUID] = set()

    def take(letter: Message) -> None:
        if (dict(letter.headers).get(f"{PREFIX}topic") or b"").startswith(b"work."):
            found.update(_job_of(letter))

    async with _consumer(kafka) as consumer:
        partitions = await _partitions(kafka, [DEAD_LETTERS])
        await _read(consumer, await consumer.beginning_offsets(partitions), take)
    return found


async def read_topic_differences(kafka: KafkaSettings, catalogue: Collection[Topic]) -> list[Difference]:
    """Where the broker's topics are not as the catalogue says. Raises CouldNotLook."""
    try:
        return await find_differences(kafka, catalogue)
    except (KafkaError, OSError, TimeoutError) as error:
        raise CouldNotLook(
            f"Kafka at {kafka.kafka_bootstrap} does not tell the settings of its topics ({error!r})."
        ) from error


@asynccontextmanager
async def _consumer(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = new_consumer(kafka, auto_offset_reset="earliest", request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000))
    try:
        await consumer.start()
        yield consumer
    except (KafkaError, OSError, TimeoutError) as error:
        where = kafka.kafka_bootstrap
        raise CouldNotLook(f"Kafka at {where} does not answer, or not to the end ({error!r}).") from error
    finally:
        await consumer.stop()


async def _partitions(kafka: KafkaSettings, topics: Collection[str]) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(**client_options(kafka), request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000))
    try:
        await admin.start()
        there = await admin.describe_topics()
    finally:
        await admin.close()
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in there
        if topic["topic"] in topics
        for partition in topic["partitions"]
    ]


async def _read(consumer: AIOKafkaConsumer, begins: Offsets, take: Take) -> Offsets:
    ends: Offsets = await consumer.end_offsets(list(begins)) if begins else {}
    rest = {partition for partition, end in ends.items() if begins[partition] < end}
    consumer.assign(list(rest))
    for partition in rest:
        consumer.seek(partition, begins[partition])
    silent = 0
    while rest:
        batches = await take_records(consumer, timeout_ms=POLL_MS, records_max=BATCH_MESSAGES)
        silent = 0 if batches else silent + 1
        if silent > SILENT_POLLS_MAX:
            raise TimeoutError("nothing more comes")
        for partition, records in batches.items():
            for record in records:
                if record.offset < ends[partition]:
                    take(record)
        rest = {partition for partition in rest if await consumer.position(partition) < ends[partition]}
    return ends


def _job_of(letter: Message) -> set[UUID]:
    try:
        return {decode(letter.value).job_id}
    except Undecodable:
        return set()
