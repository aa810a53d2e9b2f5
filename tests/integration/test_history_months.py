"""The history's partitions: made by themselves, one for each month, and no way around the policies of the whole."""

import asyncio
import json
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from jobmonitor.database.migrate import migrate
from jobmonitor.database.pool import Pool
from jobmonitor.projection.batch import read
from jobmonitor.projection.store import Partition, Position, Store
from support.job_events import JobEvents, ordinary_life
from support.old_shapes import migrate_to
from support.projecting import arrived
from support.servers import ROLE_PASSWORDS, Database, Postgres

OLD = date(2019, 3, 1)
"""A month no migration makes a partition for."""
JOB_TYPE = "user-data-export"
WAY = Partition(f"jobs.{JOB_TYPE}", 0)


@pytest.fixture
def store(projection_pool: Pool) -> Store:
    async def keep(rejected: Any) -> None:
        assert not rejected

    return Store(projection_pool, keep)


async def _flush(store: Store, *events: Any) -> None:
    places = await store.claim([WAY])
    messages = [arrived(event, WAY.partition, job_type=JOB_TYPE) for event in events]
    await store.flush(read(messages), {WAY: Position(places[WAY].epoch, 1)})


async def _number_in(superuser: Any, month: date, job_id: UUID) -> None:
    await superuser.execute("INSERT INTO registry.job_numbers (job_id, month) VALUES ($1, $2)", job_id, month)


async def _partition_of(superuser: Any, job_id: UUID) -> list[str]:
    rows = await superuser.fetch(
        "SELECT tableoid::regclass::text AS name FROM projection.job_history WHERE job_id = $1", job_id
    )
    return [row["name"] for row in rows]


async def test_the_partition_of_a_month_comes_into_being_with_its_first_job(superuser: Any, store: Store) -> None:
    job = JobEvents()
    await _number_in(superuser, OLD, job.job_id)

    await _flush(store, *ordinary_life(job))

    assert await _partition_of(superuser, job.job_id) == ["projection.job_history_2019_03"]


async def test_late_events_and_replays_leave_a_job_in_its_month(superuser: Any, store: Store) -> None:
    job, young = JobEvents(), JobEvents()
    await _number_in(superuser, OLD, job.job_id)
    life = ordinary_life(job)
    *before, downloaded = ordinary_life(young)
    await _flush(store, downloaded)
    expired = job.expired()

    await _flush(store, *life)
    await _flush(store, *reversed(life), expired)
    await _flush(store, *before)

    assert await _partition_of(superuser, job.job_id) == ["projection.job_history_2019_03"]
    assert len(await _partition_of(superuser, young.job_id)) == 1
    assert await superuser.fetchval("SELECT count(*) FROM projection.job_monitor") == 0


async def test_several_processes_may_need_a_month_at_once(superuser: Any, store: Store) -> None:
    jobs = [JobEvents() for _ in range(4)]
    for job in jobs:
        await _number_in(superuser, OLD, job.job_id)
    ways = [Partition(WAY.topic, number) for number in range(4)]
    places = await store.claim(ways)

    async def flush(way: Partition, job: JobEvents) -> None:
        messages = [arrived(event, way.partition, job_type=JOB_TYPE) for event in ordinary_life(job)]
        await store.flush(read(messages), {way: Position(places[way].epoch, 1)})

    await asyncio.gather(*(flush(way, job) for way, job in zip(ways, jobs, strict=True)))

    for job in jobs:
        assert await _partition_of(superuser, job.job_id) == ["projection.job_history_2019_03"]


async def test_a_new_partition_holds_up_neither_readers_nor_writers(superuser: Any, store: Store) -> None:
    """Somebody reads and writes the history in a long transaction: the batch that needs a new month commits at once."""
    old, new = JobEvents(), JobEvents()
    await _flush(store, *ordinary_life(old))
    await _number_in(superuser, OLD, new.job_id)
    async with superuser.transaction():
        await superuser.execute("UPDATE projection.job_history SET reference = 'held' WHERE job_id = $1", old.job_id)
        async with asyncio.timeout(20):
            await _flush(store, *ordinary_life(new))


@pytest.mark.parametrize("role", ["jobmonitor_gateway", "jobmonitor_worker", "jobmonitor_projection"])
async def test_nobody_reads_a_partition_past_the_policies(
    database: Database, superuser: Any, store: Store, role: str
) -> None:
    await _flush(store, *ordinary_life(JobEvents()))
    (part,) = [
        row[0] for row in await superuser.fetch("SELECT DISTINCT tableoid::regclass::text FROM projection.job_history")
    ]
    login = await asyncpg.connect(database.url(role))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await login.fetch(f"SELECT * FROM {part}")
        # Somebody grants "all tables", a tool for reports perhaps: the row-level security of the partition remains.
        await superuser.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA projection TO {role}")
        assert await login.fetch(f"SELECT * FROM {part}") == []
    finally:
        await login.close()


async def test_a_lookup_by_id_reads_the_partition_of_its_month_only(superuser: Any, store: Store) -> None:
    for number in range(1, 13):
        await superuser.execute("SELECT registry.add_month('projection', $1)", date(2018, number, 1))
    job = JobEvents()
    await _number_in(superuser, date(2018, 5, 1), job.job_id)
    await _flush(store, *ordinary_life(job))
    await superuser.execute("SET enable_hashjoin = off")
    await superuser.execute("SET enable_mergejoin = off")

    plan = await superuser.fetchval(
        "EXPLAIN (ANALYZE, FORMAT JSON) SELECT h.* FROM registry.job_numbers AS r "
        "JOIN projection.job_history AS h ON h.job_id = r.job_id AND h.month = r.month "
        "WHERE r.job_id = ANY ($1::uuid[])",
        [job.job_id],
    )

    scans = list(_scans(json.loads(plan)[0]["Plan"]))
    assert len(scans) >= 14
    assert [scan["Relation Name"] for scan in scans if scan["Actual Loops"]] == ["job_history_2018_05"]


def _scans(node: dict[str, Any]) -> Any:
    if node.get("Relation Name", "").startswith("job_history"):
        yield node
    for child in node.get("Plans", ()):
        yield from _scans(child)


async def test_the_jobs_there_were_move_to_the_month_they_were_first_heard_of(
    postgres: Postgres,
) -> None:
    database = postgres.empty_database()
    await asyncio.to_thread(migrate_to, database, "0005")
    old = await asyncpg.connect(database.superuser_url)
    moments = ["2024-02-29T23:59:59Z", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z"]
    for number, moment in enumerate(moments):
        await _put_old(old, "job_history", number, moment)
    await _put_old(old, "job_monitor", 7, "2025-12-31T23:00:00-02:00")
    added = "ARRAY['month', 'reference_key', 'parent_job_id', 'stop_rejected_at', 'waits_for']"
    rows = f"SELECT (to_jsonb(h) - {added})::text FROM projection.job_history AS h ORDER BY number"
    before = await old.fetch(rows)

    await asyncio.to_thread(migrate, database.owner_url, ROLE_PASSWORDS)

    assert await old.fetch(rows) == before
    parts = await old.fetch("SELECT tableoid::regclass::text FROM projection.job_history ORDER BY number")
    this_month = await old.fetchval("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")
    assert [part[0] for part in parts] == [
        "projection.job_history_2024_02",
        "projection.job_history_2026_01",
        f"projection.job_history_{this_month}",
    ]
    assert await old.fetchval("SELECT month FROM projection.job_monitor") == date(2026, 1, 1)
    months = "SELECT count(*) FROM projection.job_history JOIN registry.job_numbers USING (job_id, number, month)"
    assert await old.fetchval(months) == len(moments)
    await old.close()


async def _put_old(connection: Any, view: str, number: int, moment: str) -> None:
    job_id = uuid4()
    await connection.execute(
        "INSERT INTO registry.job_numbers (number, job_id) OVERRIDING SYSTEM VALUE VALUES ($1, $2)", number, job_id
    )
    await connection.execute(
        f"INSERT INTO projection.{view} (job_id, number, account_id, owner_id, job_type, state, sequence, done, total, "
        "rejected, updated_at, submitted_at, result) VALUES ($1, $2, 1, 2, 'x', 'completed', 3, 1, 1, 0, now(), "
        "$3::text::timestamptz, '{\"rows\": 1}')",
        *(job_id, number, moment),
    )
