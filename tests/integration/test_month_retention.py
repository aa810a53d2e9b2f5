"""Old months of jobs go as a whole, with their timelines, and nothing of them comes back; what lasts moves on."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from jobmonitor.contract.envelope import Event
from jobmonitor.database.migrate import migrate
from jobmonitor.database.pool import Pool
from jobmonitor.projection.batch import read
from jobmonitor.projection.store import Partition, Position, Store
from jobmonitor.reconciler.retention import PATIENCE_MS, Retention
from support.job_events import JobEvents, ordinary_life, result_of
from support.old_shapes import migrate_to
from support.projecting import Views, arrived
from support.rebuilding import rebuild
from support.retention import drop_all, job_of, months_ago, number_in, open_retention
from support.servers import ROLE_PASSWORDS, Database, Postgres

WAY = Partition("jobs.user-data-export", 0)
DUE, NOT_DUE, NOW = months_ago(25), months_ago(24), months_ago(0)


@pytest.fixture
async def retention(database: Database) -> AsyncIterator[Retention]:
    async with open_retention(database) as opened:
        yield opened


@pytest.fixture
def store(projection_pool: Pool) -> Store:
    async def keep(rejected: Any) -> None:
        assert not rejected

    return Store(projection_pool, keep)


async def flush(store: Store, *events: Event) -> None:
    places = await store.claim([WAY])
    messages = [arrived(event, WAY.partition, job_type="user-data-export") for event in events]
    await store.flush(read(messages), {WAY: Position(places[WAY].epoch, 1)})


async def done(superuser: Any, store: Store, month: date, *, ended: date | None = None) -> JobEvents:
    """A job with its Job# of a month that ended and was fetched then, or later."""
    job = job_of(ended or month)
    await number_in(superuser, month, job.job_id)
    await flush(store, *ordinary_life(job), job.expired())
    return job


async def months(superuser: Any, *jobs: JobEvents) -> list[tuple[date | None, date | None]]:
    """In which month the row and the timeline of each job lie; None where there is none."""
    query = (
        "SELECT (SELECT month FROM projection.job_monitor WHERE job_id = $1 UNION ALL "
        "SELECT month FROM projection.job_history WHERE job_id = $1), "
        "(SELECT DISTINCT month FROM projection.job_timeline WHERE job_id = $1)"
    )
    return [tuple(await superuser.fetchrow(query, job.job_id)) for job in jobs]


async def test_a_month_goes_24_months_after_its_end_and_not_before(
    superuser: Any, store: Store, retention: Retention
) -> None:
    old, young = await done(superuser, store, DUE), await done(superuser, store, NOT_DUE)

    assert await drop_all(retention) == 1

    assert await months(superuser, old, young) == [(None, None), (NOT_DUE, NOT_DUE)]
    assert await superuser.fetchval("SELECT month FROM registry.job_numbers WHERE job_id = $1", old.job_id) == DUE
    assert [row[0] for row in await superuser.fetch("SELECT month FROM registry.dropped_months")] == [DUE]
    left = await superuser.fetch("SELECT relname FROM pg_class WHERE relname LIKE 'job_%' || $1", f"{DUE:%Y_%m}")
    assert left == []


async def test_how_long_jobs_are_kept_can_be_set(superuser: Any, store: Store, database: Database) -> None:
    old, young = await done(superuser, store, months_ago(4)), await done(superuser, store, months_ago(3))
    async with open_retention(database, history_retention_months=3) as retention:
        assert await drop_all(retention) == 1
    assert await months(superuser, old, young) == [(None, None), (months_ago(3),) * 2]


async def test_what_lasts_moves_to_the_present_month_and_goes_on(
    superuser: Any, store: Store, retention: Retention
) -> None:
    """One that runs for three years, a scheduled one, one that ended lately, one whose result can still be fetched."""
    past = months_ago(36)
    over, ended = await done(superuser, store, past), await done(superuser, store, past, ended=months_ago(1))
    running, scheduled, fetched = job_of(past), job_of(past), job_of(past)
    for job in (running, scheduled, fetched):
        await number_in(superuser, past, job.job_id)
    await flush(store, running.submitted(), running.queued(), running.started(), running.progressed(10))
    await flush(store, scheduled.submitted(run_at=datetime(2099, 1, 1, tzinfo=UTC)))
    offered = fetched.completed(
        result=msgspec.structs.replace(result_of(3), expires_at=datetime(2099, 1, 1, tzinfo=UTC))
    )
    await flush(store, fetched.submitted(), fetched.queued(), fetched.started(), offered, fetched.downloaded())
    numbers = "SELECT number FROM registry.job_numbers ORDER BY job_id"
    before = await superuser.fetch(numbers)

    assert await drop_all(retention) == 2
    assert await months(superuser, over, ended, running, scheduled, fetched) == [(None, None), *[(NOW, NOW)] * 4]
    assert await superuser.fetch(numbers) == before

    await flush(store, running.progressed(20))
    await flush(store, running.completed(), running.downloaded())
    await flush(store, scheduled.queued())
    assert await months(superuser, running, scheduled) == [(NOW, NOW)] * 2
    points = await superuser.fetch("SELECT type FROM projection.job_timeline WHERE job_id = $1", running.job_id)
    assert len(points) == 7
    assert await superuser.fetchval("SELECT done FROM projection.job_history WHERE job_id = $1", running.job_id) == 100
    assert await drop_all(retention) == 0


async def test_whatever_is_heard_of_a_dropped_job_makes_no_row_of_it(
    superuser: Any, store: Store, retention: Retention
) -> None:
    job, other = await done(superuser, store, DUE), job_of(NOW)
    await drop_all(retention)
    again = JobEvents(job_id=job.job_id)
    life = ordinary_life(again)

    await flush(store, *life, *ordinary_life(other))
    for event in [*life, again.stop_requested(), again.rejected(), again.expired()]:
        await flush(store, event)

    assert await months(superuser, job, other) == [(None, None), (NOW, NOW)]
    assert await superuser.fetchval("SELECT count(*) FROM registry.job_numbers") == 2


async def test_a_reader_in_the_way_is_not_disturbed_and_holds_up_no_others(
    superuser: Any, store: Store, retention: Retention, database: Database
) -> None:
    job = await done(superuser, store, DUE)
    report = await asyncpg.connect(database.superuser_url)
    async with report.transaction():
        await report.fetch("SELECT * FROM projection.job_history")
        trying = asyncio.create_task(retention.drop_month())
        async with asyncio.timeout(20):
            while not trying.done():
                await superuser.fetch("SELECT * FROM projection.job_history WHERE job_id = $1", job.job_id)
                await superuser.fetch("SELECT * FROM projection.job_timeline WHERE job_id = $1", job.job_id)
        assert await trying == 0
        assert await months(superuser, job) == [(DUE, DUE)]
        async with asyncio.timeout(20):
            await flush(store, *ordinary_life(JobEvents()))
        assert len(await report.fetch("SELECT * FROM projection.job_history")) == 2
    await report.close()
    assert retention._months._patience_ms > PATIENCE_MS
    assert await drop_all(retention) == 1


async def test_the_months_to_come_are_made_ahead(superuser: Any, retention: Retention) -> None:
    await superuser.execute(
        "DO $$ DECLARE part regclass; BEGIN FOR part IN SELECT inhrelid FROM pg_inherits AS i "
        "JOIN pg_class AS c ON c.oid = i.inhparent WHERE c.relname IN ('job_history', 'job_timeline', 'import_rows') "
        "AND c.relkind = 'p' LOOP EXECUTE 'DROP TABLE ' || part; END LOOP; END $$"
    )
    await retention.add_months_ahead()
    await retention.add_months_ahead()
    names = [
        f"{table}_{month:%Y_%m}"
        for table in ("job_history", "job_timeline")
        for month in map(months_ago, range(0, -4, -1))
    ]
    found = await superuser.fetch(
        "SELECT relname FROM pg_class WHERE relispartition AND relname LIKE 'job%' AND relkind = 'r'"
    )
    assert sorted(row[0] for row in found) == sorted(names)
    imports = "SELECT count(*) FROM pg_class WHERE relispartition AND relname LIKE 'import_rows_20%' AND relkind = 'r'"
    assert await superuser.fetchval(imports) == 4


async def test_a_timeline_is_read_from_the_partition_of_its_month_only(superuser: Any, store: Store) -> None:
    for number in range(1, 13):
        await superuser.execute("SELECT registry.add_month('projection', $1)", date(2018, number, 1))
    job = await done(superuser, store, date(2018, 5, 1))
    plan = await superuser.fetchval(
        "EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM projection.job_timeline WHERE job_id = $1 "
        "AND month = (SELECT month FROM registry.job_numbers WHERE job_id = $1)",
        job.job_id,
    )
    scans = list(scanned(json.loads(plan)[0]["Plan"]))
    assert len(scans) >= 14
    assert [scan["Relation Name"] for scan in scans if scan["Actual Loops"]] == ["job_timeline_2018_05"]


def scanned(node: dict[str, Any]) -> Any:
    if node.get("Relation Name", "").startswith("job_timeline"):
        yield node
    for child in node.get("Plans", ()):
        yield from scanned(child)


async def test_a_rebuild_brings_back_nothing_that_was_dropped_and_gives_no_number_anew(
    views: Views, database: Database, superuser: Any
) -> None:
    old, lasting, young = (views.job(began_at=datetime(2020, 1, 2, tzinfo=UTC)) for _ in range(3))
    for job in (old, lasting):
        await number_in(superuser, date(2020, 1, 1), job.job_id)
    await views.publish(
        [*ordinary_life(old), old.expired(), *ordinary_life(young), lasting.submitted(), lasting.queued()]
    )
    async with views.projecting():
        await views.caught_up()
    numbers = await superuser.fetch("SELECT * FROM registry.job_numbers ORDER BY number")
    async with open_retention(database) as retention:
        assert await drop_all(retention) == 2
    before = await views.dump()

    compared = await rebuild(views, "--dry-run")
    swapped = await rebuild(views, "--yes")

    assert "no row differs" in compared.stdout, compared.stdout + compared.stderr
    assert swapped.returncode == 0, swapped.stderr
    assert await views.dump() == before
    assert await months(superuser, old, lasting, young) == [(None, None), (NOW, NOW), (NOW, NOW)]
    after = await superuser.fetch("SELECT job_id, number FROM registry.job_numbers ORDER BY number")
    assert after == [(row["job_id"], row["number"]) for row in numbers]
    async with views.projecting():  # and the log may be read from its beginning
        await views.fetch("UPDATE projection.offsets SET next_offset = 0")
        await views.caught_up()
    assert await views.dump() == before


async def test_no_month_is_dropped_beside_a_rebuild(superuser: Any, store: Store, retention: Retention) -> None:
    await done(superuser, store, DUE)
    await superuser.execute("SELECT pg_advisory_lock(7301944021)")
    assert await retention.drop_month() == 0
    await superuser.execute("SELECT pg_advisory_unlock(7301944021)")
    assert await drop_all(retention) == 1


async def test_timelines_there_were_move_to_the_month_of_their_job(postgres: Postgres) -> None:
    database = postgres.empty_database()
    await asyncio.to_thread(migrate_to, database, "0033")
    old = await asyncpg.connect(database.superuser_url)
    for number, month in enumerate((date(2024, 2, 1), date(2026, 1, 1))):
        job_id = UUID(int=number)
        await number_in(old, month, job_id)
        await old.execute(
            "INSERT INTO projection.job_timeline (job_id, type, slot, event_id, account_id, owner_id, at, data) "
            "SELECT $1, 'job_queued', slot, 'x', 1, 2, '2026-01-01Z', '{}' FROM generate_series(1, 3) AS slot",
            job_id,
        )
    rows = "SELECT (to_jsonb(t) - 'month')::text FROM projection.job_timeline AS t ORDER BY job_id, slot"
    before = await old.fetch(rows)

    await asyncio.to_thread(migrate, database.owner_url, ROLE_PASSWORDS)

    assert await old.fetch(rows) == before
    parts = await old.fetch("SELECT DISTINCT tableoid::regclass::text FROM projection.job_timeline ORDER BY 1")
    assert [row[0] for row in parts] == [f"projection.job_timeline_{month}" for month in ("2024_02", "2026_01")]
    await old.close()


async def test_progress_of_several_months_in_one_batch_lies_in_the_month_of_each_job(
    superuser: Any, store: Store
) -> None:
    past, present, other = job_of(months_ago(2)), job_of(NOW), job_of(NOW)
    await number_in(superuser, months_ago(2), past.job_id)
    jobs = (past, present, other)
    for job in jobs:
        await flush(store, job.submitted(), job.queued(), job.started())
    await flush(store, *(job.progressed(10) for job in jobs))
    await flush(store, *(job.progressed(20) for job in (present, other)))
    assert await months(superuser, *jobs) == [(months_ago(2),) * 2, (NOW, NOW), (NOW, NOW)]
    of_months = "SELECT month, count(*) FROM projection.job_timeline WHERE type = 'job_progressed' GROUP BY month"
    points = await superuser.fetch(f"{of_months} ORDER BY month")
    assert [tuple(row) for row in points] == [(months_ago(2), 1), (NOW, 4)]
