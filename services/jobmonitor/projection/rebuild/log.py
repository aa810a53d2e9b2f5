"""Reads requests and facts from the beginning up to where the live tables are folded, all partitions merged by time.

That is about the order in which the live projection read them. It matters where messages contradict each other, and for
a stop request, which says too little to begin a job with: such messages may be on different partitions.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from heapq import merge
from math import inf
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from jobmonitor.projection.batch import Message
from jobmonitor.projection.rebuild.tables import RebuildRefused
from jobmonitor.projection.store import Partition
from jobmonitor.runtime.consumer import new_consumer
from jobmonitor.runtime.kafka_client import client_options
from jobmonitor.runtime.read_to_end import next_records
from jobmonitor.runtime.settings import KafkaSettings
from jobmonitor.runtime.topic_admin import compacted_topics

ANSWER_TIMEOUT_S = 30.0
FETCH_MESSAGES = 10_000


class Log:
    """The messages of some partitions, each read once and in order; ``rewind`` goes back."""

    def __init__(self, kafka: KafkaSettings, consumer: AIOKafkaConsumer) -> None:
        self._kafka = kafka
        self._consumer = consumer
        self._waiting: dict[Partition, deque[Any]] = {}

    @classmethod
    async def open(cls, kafka: KafkaSettings) -> "Log":
        """Raises RebuildRefused: no broker answers."""
        consumer = new_consumer(
            kafka, auto_offset_reset="none", fetch_max_wait_ms=50, max_partition_fetch_bytes=4 * 1024 * 1024
        )
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await consumer.start()
        except (KafkaError, OSError) as error:
            await consumer.stop()
            where = kafka.kafka_bootstrap
            raise RebuildRefused(f"Kafka at {where} does not answer. Is it running, and the address right?") from error
        return cls(kafka, consumer)

    async def close(self) -> None:
        await self._consumer.stop()

    async def extent(self, partitions: Iterable[Partition]) -> dict[Partition, tuple[int, int]]:
        """The offsets of each partition's first and of its next message. Raises RebuildRefused: no such topic."""
        await self._must_exist(partitions)
        named = [TopicPartition(*partition) for partition in partitions]
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            first = await self._consumer.beginning_offsets(named)
            last = await self._consumer.end_offsets(named)
        return {Partition(*partition): (first[partition], last[partition]) for partition in named}

    async def must_be_whole(self, topics: Iterable[str]) -> None:
        """Raises RebuildRefused: messages were removed from the middle of the log, and nobody can say which."""
        if compacted := await compacted_topics(self._kafka, topics):
            raise RebuildRefused(
                f"{', '.join(compacted)} is compacted (cleanup.policy): it does not have every message any more, and "
                "rebuilt tables would say too little. Set the policy to `delete`; what is gone cannot be rebuilt."
            )

    async def _must_exist(self, partitions: Iterable[Partition]) -> None:
        admin = AIOKafkaAdminClient(**client_options(self._kafka))
        try:
            await admin.start()
            found = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
        finally:
            await admin.close()
        for topic, number in partitions:
            if number >= found.get(topic, 0):
                raise RebuildRefused(
                    f"The live tables are made from {topic}, partition {number}, which Kafka at "
                    f"{self._kafka.kafka_bootstrap} does not have. Is it the right broker?"
                )

    def rewind(self, positions: Mapping[Partition, int]) -> None:
        """Go on from these offsets; from here on these are the partitions."""
        self._consumer.assign([TopicPartition(*partition) for partition in positions])
        for partition, offset in positions.items():
            self._consumer.seek(TopicPartition(*partition), offset)
        self._waiting = {partition: deque() for partition in positions}

    async def up_to(self, ends: Mapping[Partition, int], *, at_most: int) -> AsyncIterator[list[Message]]:
        """Batches of about so many messages, all before these offsets.

        Raises RebuildRefused: the messages were deleted meanwhile, or Kafka stopped delivering.
        """
        batch: list[Message] = []
        while unread := [partition for partition in ends if await self._has_more(partition, ends[partition])]:
            if hungry := [partition for partition in unread if not self._waiting[partition]]:
                await self._fetch(hungry)
            batch += self._take(ends, unread)
            if len(batch) >= at_most:
                yield batch
                batch = []
        batch += self._take(ends, [])
        if batch:
            yield batch

    async def _has_more(self, partition: Partition, end: int) -> bool:
        """Whether messages before the end are still to be fetched."""
        reached: int = await self._consumer.position(TopicPartition(*partition))
        return reached < end

    async def _fetch(self, hungry: list[Partition]) -> None:
        named = [TopicPartition(*partition) for partition in hungry]
        try:
            found = await next_records(self._consumer, named, silence_s=ANSWER_TIMEOUT_S, records_max=FETCH_MESSAGES)
        except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
            raise RebuildRefused(
                "Kafka deleted the log's beginning while it was read. Start the rebuild again."
            ) from error
        except TimeoutError as error:
            where = self._kafka.kafka_bootstrap
            raise RebuildRefused(f"Kafka at {where} stopped delivering. Start the rebuild again.") from error
        for partition, messages in found.items():
            self._waiting[Partition(*partition)].extend(messages)

    def _take(self, ends: Mapping[Partition, int], unread: list[Partition]) -> list[Message]:
        """Of what is at hand all that is older than whatever is still to be fetched."""
        if not all(self._waiting[partition] for partition in unread):
            return []
        horizon = min((max(map(_time, self._waiting[partition])) for partition in unread), default=inf)
        ways = [self._take_from(partition, end, horizon) for partition, end in ends.items()]
        return list(merge(*ways, key=_time))

    def _take_from(self, partition: Partition, end: int, horizon: float) -> list[Message]:
        waiting, taken = self._waiting[partition], []
        while waiting and waiting[0].offset < end and waiting[0].timestamp <= horizon:
            taken.append(waiting.popleft())
        return taken


def _time(message: Any) -> int:
    """When its producer sent it, in milliseconds."""
    at_ms: int = message.timestamp
    return at_ms
