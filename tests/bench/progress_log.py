"""Topics full of events, and the rows their jobs had before."""

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from jobmonitor.contract.envelope import CONTENT_TYPE, TYPE_HEADER, Event, encode, type_name
from jobmonitor.contract.events import JobProgressed
from support.engine import PARTITIONS

EVENTS_A_SECOND = 50_000
"""By their own clock: so close together do the events lie, whatever time it takes to write them."""
BEGAN_AT = datetime(2026, 11, 1, tzinfo=UTC)
ACCOUNTS = 50
FACTS_BEFORE = 2
"""A job has been queued and started."""
BATCH_BYTES = 500_000


def job_ids(jobs: int) -> list[UUID]:
    """The same at every call."""
    randomness = random.Random(jobs)
    return [UUID(int=randomness.getrandbits(128), version=4) for _ in range(jobs)]


def progress(job_id: UUID, place: int, job_type: str, sequence: int, at: datetime) -> Event:
    """The fact of the job in this place of the list; ``sequence`` counts from 1 behind the facts before."""
    fact = JobProgressed(
        account_id=place % ACCOUNTS + 1,
        owner_id=place % (10 * ACCOUNTS) + 1,
        job_type=job_type,
        sequence=FACTS_BEFORE + sequence,
        done=sequence,
        total=1_000_000,
    )
    return Event(id=f"{job_id}:{fact.sequence}", source="/bench", job_id=job_id, time=at, data=fact)


async def write_log(bootstrap: str, topic: str, job_type: str, ids: Sequence[UUID], events: int) -> None:
    """Round by round each job says how far it is, every round in another order; a job's events share a partition."""
    async with writers(bootstrap, topic) as to:
        for number, place in enumerate(_turns(len(ids), events)):
            at = BEGAN_AT + timedelta(seconds=number / EVENTS_A_SECOND)
            event = progress(ids[place], place, job_type, number // len(ids) + 1, at)
            await to[place % PARTITIONS].write(event)


@asynccontextmanager
async def writers(bootstrap: str, topic: str) -> AsyncIterator[Sequence["Writer"]]:
    """One for each partition of the topic; all they were given is in it at the end."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", compression_type="lz4", max_batch_size=2**20)
    await producer.start()
    some = [Writer(producer, topic, partition) for partition in range(PARTITIONS)]
    yield some
    for writer in some:
        await writer.flush()
    await producer.stop()


def _turns(jobs: int, events: int) -> Iterator[int]:
    randomness = random.Random(jobs)
    order = list(range(jobs))
    for number in range(events):
        if number % jobs == 0:
            randomness.shuffle(order)
        yield order[number % jobs]


class Writer:
    """Fills one partition, a large batch at a time."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partition: int) -> None:
        self._producer, self._topic, self._partition = producer, topic, partition
        self._batch = producer.create_batch()

    async def write(self, event: Event) -> None:
        headers = [("content-type", CONTENT_TYPE.encode()), (TYPE_HEADER, type_name(event.data).encode())]
        key, value = str(event.job_id).encode(), encode(event)
        self._batch.append(key=key, value=value, timestamp=None, headers=headers)
        if self._batch.size() > BATCH_BYTES:
            await self.flush()

    async def flush(self) -> None:
        await (await self._producer.send_batch(self._batch, self._topic, partition=self._partition))
        self._batch = self._producer.create_batch()


async def put_running_jobs(database_url: str, job_type: str, ids: Sequence[UUID]) -> None:
    """Empty views but for these jobs, which are running; nothing folded yet."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "TRUNCATE projection.job_monitor, projection.job_history, projection.job_timeline, projection.offsets, "
        "registry.job_numbers RESTART IDENTITY"
    )
    await connection.execute(
        "INSERT INTO registry.job_numbers (job_id) SELECT * FROM unnest($1::uuid[])", [str(job_id) for job_id in ids]
    )
    await connection.execute(
        "INSERT INTO projection.job_monitor (job_id, number, account_id, owner_id, job_type, parameters, state, "
        "sequence, submitted_at, accepted_at, started_at, done, total, unit, rejected, updated_at) "
        'SELECT id, r.number, (place - 1) % $3 + 1, (place - 1) % (10 * $3) + 1, $2, \'{"format": "user"}\', '
        "'running', $4, $5, $5, $5, 0, 1000000, 'supporters', 0, $5 "
        "FROM unnest($1::uuid[]) WITH ORDINALITY AS job (id, place) JOIN registry.job_numbers AS r ON r.job_id = id",
        *([str(job_id) for job_id in ids], job_type, ACCOUNTS, FACTS_BEFORE, BEGAN_AT),
    )
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()
