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
from jobmonitor.runtime.dead_letters import PREFIX
from jobmonitor.runtime.kafka_client import client_options
from jobmonitor.runtime.read_to_end import read_to_end
from jobmonitor.runtime.settings import KafkaSettings
from jobmonitor.runtime.topic_admin import Difference, find_differences

REQUEST_TIMEOUT_S = 10.0
SILENCE_S = 20.0
"""After so long without a message the broker counts as away."""

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
    return Extent(_by_partition(begins), _by_partition(ends))


def _by_partition(offsets: Offsets) -> dict[tuple[str, int], int]:
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
    consumer.assign(list(begins))
    for partition, begin in begins.items():
        consumer.seek(partition, begin)
    async for batches in read_to_end(consumer, ends, silence_s=SILENCE_S):
        for records in batches.values():
            for record in records:
                take(record)
    return ends


def _job_of(letter: Message) -> set[UUID]:
    try:
        return {decode(letter.value).job_id}
    except Undecodable:
        return set()
