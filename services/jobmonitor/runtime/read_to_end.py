"""Reads partitions up to where they ended when the reading began, in no consumer group."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from jobmonitor.runtime.consumer import Records, take

POLL_MS = 500
BATCH_RECORDS = 5_000


async def read_to_end(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], *, silence_s: float
) -> AsyncIterator[Records]:
    """Batches of these partitions, from where the consumer stands to before these offsets.

    Raises KafkaError, and TimeoutError: for so long nothing came, though there is more.
    """
    async with asyncio.timeout(silence_s):
        unread = await _unread(consumer, ends)
    while unread:
        found = await next_records(consumer, unread, silence_s=silence_s, records_max=BATCH_RECORDS)
        yield {
            partition: [record for record in records if record.offset < ends[partition]]
            for partition, records in found.items()
        }
        unread = await _unread(consumer, {partition: ends[partition] for partition in unread})


async def next_records(
    consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition], *, silence_s: float, records_max: int
) -> Records:
    """The next messages of these; none where the position moves over what is no message: marks of transactions, and
    what they took back. Raises KafkaError, and TimeoutError: nothing came for so long."""
    wanted = list(partitions)
    async with asyncio.timeout(silence_s):
        before = [await consumer.position(partition) for partition in wanted]
        while not (found := await take(consumer, *wanted, timeout_ms=POLL_MS, records_max=records_max)):
            if [await consumer.position(partition) for partition in wanted] != before:
                break
    return found


async def _unread(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> list[TopicPartition]:
    return [partition for partition, end in ends.items() if await consumer.position(partition) < end]
