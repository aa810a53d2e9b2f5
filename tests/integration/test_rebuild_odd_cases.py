"""Rebuilding from a log that is not whole, into tables a migration changed, and on a system that never rests."""

import asyncio

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from jobmonitor.contract.envelope import Event, encode
from jobmonitor.database.statement import statements
from jobmonitor.projection.rebuild import rebuild as rebuilding
from jobmonitor.projection.rebuild.tables import FRESH, LIVE, make_fresh_tables, remove_leftovers, shape
from support.brokers import broker_at
from support.job_events import ordinary_life
from support.projecting import Views, delete_messages, home_of
from support.rebuilding import lives, projected, rebuild, run_script, schemas
from support.servers import Database


async def test_jobs_whose_events_were_deleted_from_the_log_are_kept(views: Views) -> None:
    old, new = lives(views, 9), lives(views, 9)
    await views.publish(event for life in old for event in life)
    async with views.projecting():
        await views.caught_up()
    ends = await views.fetch("SELECT topic, partition, next_offset FROM projection.offsets")
    open_job, rest = new[0][:4], new[0][4:]
    await views.publish(event for life in [open_job, *new[1:]] for event in life)
    async with views.projecting():
        await views.caught_up()
    await delete_messages(views.bootstrap, {(row["topic"], row["partition"]): row["next_offset"] for row in ends})
    right = await views.dump()
    changed = new[1][0].job_id
    await views.fetch("UPDATE projection.job_monitor SET done = 77 WHERE job_id = $1", changed)

    done = await rebuild(views, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "9 jobs are kept as they are: the log no longer has all their events." in done.stdout
    assert "job_monitor: 1 rows differ." in done.stdout
    assert await views.dump() == right
    async with views.projecting():
        await views.publish(rest)
        assert (await views.folded(open_job[0].job_id, sequence=8))["view"] == "job_history"


async def test_another_log_than_that_of_the_tables_is_refused(views: Views) -> None:
    await projected(views, 3)
    before = await views.dump()
    await views.fetch("UPDATE projection.offsets SET next_offset = next_offset + 1000")
    longer = await rebuild(views, "--yes")
    await views.fetch("UPDATE projection.offsets SET topic = 'jobs.nobody' WHERE topic LIKE 'jobs.%'")
    elsewhere = await rebuild(views, "--yes")

    for refused in (longer, elsewhere):
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
        assert "Is it the right broker?" in refused.stderr
    assert await views.dump() == before
    assert await schemas(views) == []


async def test_the_partitions_are_replayed_in_the_order_of_time(views: Views) -> None:
    """A wish to stop says too little to begin a job with, and may stand on another partition than the submission."""
    others = [event for life in lives(views, 300) for event in life]
    job = views.job()
    async with views.projecting():
        await send(views, 1, others)
        await send(views, 1, [job.submitted()])
        await views.folded(job.job_id)
        await send(views, 0, [job.stop_requested()])
        await views.caught_up()
    assert await views.dead_letters() == []

    checked = await rebuild(views, "--dry-run")
    assert checked.returncode == 0, checked.stdout


async def send(views: Views, partition: int, events: list[Event]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=views.bootstrap) as producer:
        for event in events:
            value = encode(event)
            await producer.send(home_of(value, views.job_type), value, partition=partition)


# The shape -----------------------------------------------------------------------------------------------------------

LATER_MIGRATION = """
ALTER TABLE projection.job_monitor ADD COLUMN stars int NOT NULL DEFAULT 3 CHECK (stars < 6);
ALTER TABLE projection.job_history ADD COLUMN stars int NOT NULL DEFAULT 3;
ALTER TABLE projection.job_timeline DROP COLUMN sequence, ADD COLUMN "odd name" text COLLATE "C" DEFAULT 'x';
ALTER TABLE projection.offsets SET (fillfactor = 50);
CREATE UNIQUE INDEX "Odd" ON projection.job_timeline (lower(event_id) DESC, month) INCLUDE (at) WHERE slot > 0;
CREATE INDEX history_by_stars ON projection.job_history (stars);
CREATE POLICY "few stars" ON projection.job_monitor AS RESTRICTIVE FOR UPDATE TO PUBLIC USING (stars < 5);
ALTER TABLE projection.offsets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT ON projection.offsets TO PUBLIC;
GRANT INSERT ON projection.job_timeline TO jobmonitor_worker WITH GRANT OPTION;
COMMENT ON TABLE projection.job_history IS 'it''s over';
COMMENT ON COLUMN projection.job_monitor.stars IS 'how good';
"""


@pytest.mark.parametrize("migration", ["SELECT", LATER_MIGRATION], ids=["as_it_is", "later"])
async def test_the_fresh_tables_have_the_shape_of_the_live_ones_whatever_a_migration_made_of_them(
    views: Views, migration: str
) -> None:
    await run_script(views, migration)
    owner = await asyncpg.connect(views.owner_url)
    await make_fresh_tables(owner)
    live, fresh = await shape(owner, LIVE), await shape(owner, FRESH)
    assert fresh == live
    assert {line.split()[1] for line in live} == {"table", "right", "column", "constraint", "index", "policy"}
    assert await remove_leftovers(owner)
    await owner.close()


async def test_a_shape_that_cannot_be_copied_is_refused_before_anything_is_done(views: Views) -> None:
    await projected(views, 3)
    await run_script(views, "CREATE STATISTICS projection.kinds ON type, slot FROM projection.job_timeline")
    refused = await rebuild(views, "--yes")
    assert (refused.returncode, "job_timeline statistics" in refused.stderr) == (1, True)

    await run_script(
        views,
        "DROP STATISTICS projection.kinds; "
        "CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM projection.job_monitor",
    )
    refused = await rebuild(views, "--yes")
    assert (refused.returncode, "totals would stay with the old tables" in refused.stderr) == (1, True)


async def test_every_table_of_the_projection_is_rebuilt(views: Views) -> None:
    tables = statements("jobmonitor.projection.rebuild.sql")["tables_of"]
    rebuilt = {row["relname"] for row in await views.fetch(tables.text, LIVE)}
    there = await views.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'projection'::regnamespace AND relkind IN ('r', 'p')"
    )
    assert rebuilt == {row["relname"] for row in there}


async def test_a_swap_keeps_the_shape_and_the_rights(views: Views, database: Database) -> None:
    await projected(views)
    owner = await asyncpg.connect(views.owner_url)
    before = await shape(owner, LIVE)
    assert (await rebuild(views, "--yes")).returncode == 0
    assert await shape(owner, LIVE) == before
    await owner.close()
    stranger = await asyncpg.connect(database.url("jobmonitor_gateway"))
    assert await stranger.fetch("SELECT FROM projection.job_monitor") == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await stranger.execute("DELETE FROM projection.job_history")
    await stranger.close()


async def test_a_compacted_log_is_refused_and_the_tables_stay(views: Views) -> None:
    await projected(views, 3)
    before = await views.dump()
    admin = AIOKafkaAdminClient(bootstrap_servers=views.bootstrap)
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, views.topic, {"cleanup.policy": "compact"})])
    await admin.close()

    refused = await rebuild(views, "--yes")

    assert refused.returncode == 1
    assert f"{views.topic} is compacted" in refused.stderr
    assert await views.dump() == before
    assert await schemas(views) == []


async def test_a_busy_system_is_held_longer_until_the_rebuild_gets_there(
    views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is folded meanwhile never fits into the first hold, however often it is tried.

    Each try is held longer than the one before: the tries at hand lead to the longest hold, whatever the machine.
    """
    monkeypatch.setattr(rebuilding, "HOLD_AT_MOST_S", 0.005)
    monkeypatch.setattr(rebuilding, "TRIES_PER_HOLD", 1)
    await projected(views, 20)
    ended = asyncio.Event()

    async def go_on() -> None:
        while not ended.is_set():
            await views.publish(ordinary_life(views.job()))

    async with views.projecting():
        traffic = asyncio.create_task(go_on())
        work = await rebuilding.Rebuild.open(views.owner_url, broker_at(views.bootstrap), lambda _: None)
        try:
            findings = await work.prepare()
            await work.swap()
        finally:
            await work.close()
            ended.set()
            await traffic
        await views.caught_up()

    assert (findings.rows, work.swapped) == (0, True)
    checked = await rebuild(views, "--dry-run")
    assert checked.returncode == 0, checked.stdout
