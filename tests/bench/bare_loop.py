"""The least that can be done with the same libraries: the yardstick of the projection's figure.

Read with aiokafka, decode with msgspec, keep each job's newest progress of the batch, COPY it to PostgreSQL, MERGE it
into one table, commit. No timeline, no notices, no numbers, no offsets, no fencing, nothing refused, no second process.

``python -m bench.bare_loop <bootstrap> <topic> <database url> <events>`` prints events a second and its largest
resident memory in MB.
"""

import resource
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from jobmonitor.contract.events import JobProgressed
from jobmonitor.projection.gc_tuning import tune_gc

BATCH_EVENTS = 50_000
"""As the projection's setting. Each batch is a durable commit, as there."""
TABLE = """
CREATE TABLE bare_jobs (
    job_id uuid PRIMARY KEY, account_id bigint, owner_id bigint, job_type text, sequence int, done bigint, total bigint,
    updated_at timestamptz
) WITH (fillfactor = 70)
"""
ARRIVED = "CREATE TEMPORARY TABLE arrived (LIKE bare_jobs) ON COMMIT DELETE ROWS"
MERGE = """
MERGE INTO bare_jobs AS j USING arrived AS a ON j.job_id = a.job_id
WHEN MATCHED AND a.sequence > j.sequence THEN
    UPDATE SET sequence = a.sequence, done = a.done, total = a.total, updated_at = a.updated_at
WHEN NOT MATCHED THEN
    INSERT VALUES (a.job_id, a.account_id, a.owner_id, a.job_type, a.sequence, a.done, a.total, a.updated_at)
"""


class Progress(msgspec.Struct):
    """The event with as much of its envelope as the loop needs."""

    subject: UUID
    time: datetime
    data: JobProgressed


_decode = msgspec.json.Decoder(Progress).decode


async def run(bootstrap: str, topic: str, database_url: str, events: int) -> float:
    """Events a second, from the first that is read to the last commit."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(ARRIVED)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, max_partition_fetch_bytes=4 * 1024 * 1024)
    await consumer.start()
    partitions = [TopicPartition(topic, number) for number in await _partitions(consumer, topic)]
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    began_at, left = 0.0, events
    while left:
        several = await consumer.getmany(timeout_ms=250, max_records=BATCH_EVENTS)
        began_at = began_at or time.monotonic()
        left -= sum(map(len, several.values()))
        await _merge(connection, _newest(message for messages in several.values() for message in messages))
    took_s = time.monotonic() - began_at
    await consumer.stop()
    await connection.close()
    return events / took_s


async def _partitions(consumer: Any, topic: str) -> list[int]:
    await consumer._client.force_metadata_update()
    while not (found := consumer.partitions_for_topic(topic)):
        await consumer._client.add_topic(topic)
    return sorted(found)


def _newest(messages: Iterable[Any]) -> Iterable[Progress]:
    newest: dict[UUID, Progress] = {}
    for message in messages:
        event = _decode(message.value)
        known = newest.get(event.subject)
        if known is None or event.data.sequence > known.data.sequence:
            newest[event.subject] = event
    return newest.values()


async def _merge(connection: Any, newest: Iterable[Progress]) -> None:
    rows = [
        (e.subject, d.account_id, d.owner_id, d.job_type, d.sequence, d.done, d.total, e.time)
        for e in newest
        for d in (e.data,)
    ]
    if rows:
        async with connection.transaction():
            await connection.copy_records_to_table("arrived", records=rows)
            await connection.execute(MERGE)


if __name__ == "__main__":
    tune_gc()
    rate = uvloop.run(run(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
    print(rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)  # noqa: T201
