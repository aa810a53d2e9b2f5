"""What a run left behind, as far as the verdict asks: read from the view, the effects, the ledger and the log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from jobmonitor.contract.envelope import Undecodable, decode
from jobmonitor.contract.topics import DEAD_LETTERS, catalogue, jobs_topic, requests_topic
from jobmonitor.database.pool import Connection
from jobmonitor.dead_letters.kept import KeptLetters, Record
from jobmonitor.job_types.registry import installed, slugs

JOBS = """
SELECT v.job_id, v.account_id, v.state, v.done, v.total, v.failure_code, v.failure_reason, v.run_at, v.started_at,
       v.completed_at, v.result, r.done AS ledger_done
FROM (SELECT job_id, account_id, state, done, total, failure_code, failure_reason, run_at, started_at, completed_at,
             result
      FROM projection.job_monitor
      UNION ALL
      SELECT job_id, account_id, state, done, total, failure_code, failure_reason, run_at, started_at, completed_at,
             result
      FROM projection.job_history) AS v
LEFT JOIN ledger.runs AS r USING (job_id)
"""
RECORDED = """
SELECT job_id, count(*) FILTER (WHERE outcome IN ('done', 'refused')) AS reached,
       count(*) FILTER (WHERE outcome = 'unknown') AS unknown
FROM probe.outside_units
GROUP BY job_id
"""
ENDS = """
SELECT job_id,
       count(*) FILTER (WHERE type IN ('job_completed', 'job_failed', 'job_cancelled')) AS ends,
       count(*) FILTER (WHERE type = 'job_started') AS starts
FROM projection.job_timeline GROUP BY job_id
"""
PARTICIPATIONS = """
SELECT job_id, count(supporter_id) AS rows, count(DISTINCT supporter_id) AS units
FROM (SELECT DISTINCT job_id FROM crm.import_rows) AS imported
FULL JOIN (
    SELECT job_id, supporter_id FROM crm.activities WHERE source = 'import' AND job_id IS NOT NULL
) AS activities USING (job_id)
GROUP BY job_id
"""
"""As many as rows of the import, each of which takes part for somebody else. An import without any has a row too."""
OPEN = """
SELECT (SELECT count(*) FROM projection.job_monitor WHERE state IN ('scheduled', 'queued', 'running', 'stopping')
        AND job_type <> 'nobody-serves'),
       (SELECT count(*) FROM ledger.chunks),
       (SELECT count(*) FROM ledger.outbox)
"""
"""Open jobs, but those nobody serves; chunks, which are swept a moment after their job ended; messages on their way."""
READ_TIMEOUT_MS = 2000
VIEW_TOPICS = [
    topic for topic in catalogue(slugs(with_probe=True)) if topic.name.startswith((requests_topic(""), jobs_topic("")))
]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A job as the view shows it. Tests make them by hand."""

    job_id: UUID
    account_id: int = 1
    state: str = "completed"
    done: int = 0
    total: int = 0
    failure_code: str | None = None
    failure_reason: str | None = None
    run_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    has_result: bool = False
    ledger_done: int | None = 0
    """What the ledger counted; None for a job the ledger does not know."""


class Reached(NamedTuple):
    """Calls of one job."""

    different: int
    all: int


class Recorded(NamedTuple):
    """Units of one job."""

    reached: int
    """Surely."""
    unknown: int


@dataclass(frozen=True)
class World:
    """Everything the verdict looks at."""

    seen: tuple[Seen, ...]
    """A row for each place a job is shown in; one that is in two places has two."""
    ends: Mapping[UUID, tuple[int, int]]
    """How often each job ended and how often it started, in its timeline."""
    effects: Mapping[UUID, tuple[int, int]]
    """Rows that each job left, and how many different units they stand for."""
    dead_lettered: frozenset[UUID]
    """Jobs of which a message is among the dead letters."""
    strange_letters: tuple[str, ...]
    """Why other messages are there."""
    unsent: int
    """Messages in the outbox."""
    participations: Mapping[UUID, tuple[int, int]] = field(default_factory=dict)
    """The effects of imports told by others: participations written, and how many different people they are of."""
    recorded: Mapping[UUID, Recorded] = field(default_factory=dict)
    """What jobs that call the service once at most know of it."""
    reached: Mapping[UUID, Reached] = field(default_factory=dict)
    """What of each job reached the service outside."""


async def read_world(database_url: str, kafka_bootstrap: str) -> World:
    """Read it all. ``database_url`` is the superuser's, whom row-level security does not bind."""
    connection = await asyncpg.connect(database_url)
    try:
        seen = tuple(_seen(row) for row in await connection.fetch(JOBS))
        ends = {row["job_id"]: (row["ends"], row["starts"]) for row in await connection.fetch(ENDS)}
        effects = await _effects(connection)
        participations = {job_id: (rows, units) for job_id, rows, units in await connection.fetch(PARTICIPATIONS)}
        recorded = {job_id: Recorded(*counts) for job_id, *counts in await connection.fetch(RECORDED)}
        unsent = await connection.fetchval("SELECT count(*) FROM ledger.outbox")
    finally:
        await connection.close()
    dead_lettered, strange = _letters(await _records(kafka_bootstrap, DEAD_LETTERS))
    return World(seen, ends, effects, dead_lettered, strange, unsent, participations, recorded)


async def _effects(connection: Connection) -> dict[UUID, tuple[int, int]]:
    """As the types count them."""
    found: dict[UUID, tuple[int, int]] = {}
    for count in (job_type.effects for job_type in installed() if job_type.effects is not None):
        for row in await count.statement.fetch(connection):
            rows, units = found.get(row["job_id"], (0, 0))
            found[row["job_id"]] = rows + row["units"], units + row["units"] - row["doubled"]
    return found


def _seen(row: asyncpg.Record) -> Seen:
    values = dict(row)
    values["has_result"] = values.pop("result") is not None
    return Seen(**values)


def _letters(records: Iterable[Record]) -> tuple[frozenset[UUID], tuple[str, ...]]:
    """The jobs whose message was dead-lettered, and the reasons of letters that belong to no job."""
    dead_lettered, strange = set(), []
    for record in records:
        letters = KeptLetters()
        letters.add([record])
        for letter in letters.newest_first():
            try:
                dead_lettered.add(decode(record.value).job_id)
            except Undecodable:
                strange.append(letter.reason)
    return frozenset(dead_lettered), tuple(strange)


async def _records(kafka_bootstrap: str, topic: str) -> list[Record]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        records: list[Record] = []
        while await consumer.position(partition) < end:
            batch = await consumer.getmany(partition, timeout_ms=READ_TIMEOUT_MS)
            records += batch.get(partition, [])
        return records
    finally:
        await consumer.stop()


async def waiting_messages(connection: Connection, consumer: AIOKafkaConsumer) -> int:
    """Messages of requests and facts that the projection has not folded yet."""
    partitions = [TopicPartition(topic.name, number) for topic in VIEW_TOPICS for number in range(topic.partitions)]
    ends = await consumer.end_offsets(partitions)
    rows = await connection.fetch("SELECT topic, partition, next_offset FROM projection.offsets")
    folded = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    return sum(max(0, end - folded.get(partition, 0)) for partition, end in ends.items())
