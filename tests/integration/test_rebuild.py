"""``jobmonitor rebuild`` on real servers: it finds what differs, mends it, and nobody who reads or writes notices."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from jobmonitor.contract.envelope import Event, encode
from jobmonitor.database.statement import statements
from jobmonitor.projection.rebuild import rebuild as rebuilding
from jobmonitor.projection.rebuild.tables import FRESH, LIVE, make_fresh_tables, remove_leftovers, shape
from support.brokers import broker_at
from support.gateway import SUPER, running_gateway
from support.job_events import ordinary_life
from support.projecting import Views, home_of
from support.servers import Database
from support.waiting import until

SERVICES = Path(__file__).parents[2] / "services"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "jobmonitor.cli", "rebuild", *arguments]


def environment(views: Views) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SERVICES),
        "JOBMONITOR_OWNER_URL": views.owner_url,
        "JOBMONITOR_KAFKA_BOOTSTRAP": views.bootstrap,
    }


async def rebuild(views: Views, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run,
        command(*arguments),
        env={**environment(views), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


async def run_script(views: Views, script: str) -> None:
    """Several statements, as the owner."""
    connection = await asyncpg.connect(views.owner_url)
    await connection.execute(script)
    await connection.close()


def lives(views: Views, jobs: int) -> list[list[Event]]:
    """Lives of jobs of two accounts, the first whole, the others broken off at different places."""
    made = [ordinary_life(views.job(account_id=1 + number % 2)) for number in range(jobs)]
    return [life[: len(life) - number % 9] for number, life in enumerate(made)]


async def projected(views: Views, jobs: int = 20) -> list[list[Event]]:
    """Jobs that are in the log and in the live tables, among messages nobody can use."""
    made = lives(views, jobs)
    await views.publish(event for life in made for event in life)
    await views.publish_raw([(b"x", b"no event"), (b"y", None)])
    async with views.projecting():
        await views.caught_up()
    return made


async def schemas(views: Views) -> list[str]:
    """What a rebuild has beside the live tables."""
    rows = await views.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'projection\\_%' ORDER BY 1")
    return [row["nspname"] for row in rows]


async def test_tables_that_are_what_the_log_says_are_said_to_be_so_and_stay_the_same_bytes(views: Views) -> None:
    await projected(views)
    before, numbers = await views.dump(), await views.fetch("SELECT * FROM registry.job_numbers ORDER BY 1")

    checked = await rebuild(views, "--dry-run")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "no row differs" in checked.stdout
    assert "2 of them unusable" in checked.stdout
    done = await rebuild(views, "--yes")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.splitlines()[-1] == "The rebuilt tables are the live ones now."

    assert await views.dump() == before
    assert await views.fetch("SELECT * FROM registry.job_numbers ORDER BY 1") == numbers
    assert await schemas(views) == []


async def test_without_settings_it_is_about_the_local_stack(views: Views, tmp_path: Path) -> None:
    await projected(views)
    note = {"http_url": "", "kafka_bootstrap": views.bootstrap, "owner_url": views.owner_url}
    (tmp_path / "stack.json").write_text(json.dumps(note))
    nothing_set = {"JOBMONITOR_OWNER_URL": "", "JOBMONITOR_KAFKA_BOOTSTRAP": "", "JOBMONITOR_DATA_DIR": str(tmp_path)}

    checked = await rebuild(views, "--dry-run", **nothing_set)

    assert (checked.returncode, checked.stderr, "no row differs" in checked.stdout) == (0, "", True)


async def test_what_differs_is_found_told_and_mended_and_open_pages_hear_of_it(views: Views) -> None:
    await projected(views)
    right = await views.dump()
    changed, lost = await some_jobs(views, "job_monitor", 1), await some_jobs(views, "job_history", 1)
    await views.fetch("UPDATE projection.job_monitor SET done = 77, reference = NULL WHERE number = $1", changed[0])
    await views.fetch("DELETE FROM projection.job_history WHERE number = $1", lost[0])
    await views.fetch("UPDATE projection.job_timeline SET slot = slot + 1 WHERE type = 'job_queued'")
    wrong = await views.dump()

    checked = await rebuild(views, "--dry-run")
    assert checked.returncode == 1
    assert "job_monitor: 1 rows differ." in checked.stdout
    assert "job_history: 1 rows are missing in the live table." in checked.stdout
    assert f"job {changed[0]} in job_monitor: done is 77, rebuilt " in checked.stdout
    assert 'reference is empty, rebuilt "Spring"' in checked.stdout
    assert f"job {lost[0]} in job_history: missing in the live table" in checked.stdout
    assert checked.stdout.splitlines()[-1] == "The live tables are as they were."
    assert await views.dump() == wrong

    async with listening(views) as heard:
        done = await rebuild(views, "--yes")
        assert (done.returncode, done.stderr) == (0, "")

        async def told() -> bool:
            return {str(job_id) for job_id in await ids_of(views, [*changed, *lost])} <= heard

        await until(told)
    assert await views.dump() == right
    assert (await rebuild(views, "--dry-run")).returncode == 0


async def some_jobs(views: Views, view: str, many: int) -> list[int]:
    rows = await views.fetch(
        f"SELECT number FROM projection.{view} WHERE reference IS NOT NULL ORDER BY 1 LIMIT {many}"
    )
    assert len(rows) == many
    return [row["number"] for row in rows]


async def ids_of(views: Views, numbers: list[int]) -> list[UUID]:
    rows = await views.fetch("SELECT job_id FROM registry.job_numbers WHERE number = ANY ($1::bigint[])", numbers)
    return [row["job_id"] for row in rows]


@asynccontextmanager
async def listening(views: Views) -> AsyncIterator[set[str]]:
    """The ids of the jobs that listeners are told of."""
    heard: set[str] = set()
    listener = await asyncpg.connect(views.owner_url)
    await listener.add_listener("jobs_changed", lambda *said: heard.update(json.loads(str(said[3]))["job_ids"]))
    yield heard
    await listener.close()


async def test_a_dry_run_tells_listeners_nothing(views: Views) -> None:
    await projected(views)
    async with listening(views) as heard:
        assert (await rebuild(views, "--dry-run")).returncode == 0
        await asyncio.to_thread(lambda: None)
        assert heard == set()


async def test_at_a_terminal_it_asks_before_the_swap_and_nobody_to_ask_is_said_at_once(views: Views) -> None:
    await projected(views, 3)
    assert (await rebuild(views)).returncode == 2
    await views.fetch("UPDATE projection.job_monitor SET done = 77")
    wrong = await views.dump()
    ours, theirs = pty.openpty()
    try:
        for answer, status, same in ((b"n\n", 1, True), (b"y\n", 0, False)):
            os.write(ours, answer)
            asked = await asyncio.to_thread(
                subprocess.run,
                command(),
                env=environment(views),
                stdin=theirs,
                capture_output=True,
                text=True,
                check=False,
            )
            assert (asked.returncode, asked.stderr) == (status, "")
            assert asked.stdout.count("Swap the live tables for the rebuilt ones? [y/N]") == 1
            assert (await views.dump() == wrong) is same
    finally:
        os.close(ours)
        os.close(theirs)


# Nobody notices ------------------------------------------------------------------------------------------------------

BI = """
CREATE SCHEMA bi;
CREATE VIEW bi.jobs WITH (security_barrier = true) AS
    SELECT number, state, updated_at FROM projection.job_monitor UNION ALL
    SELECT number, state, updated_at FROM projection.job_history;
CREATE VIEW bi.states AS SELECT state, count(*) AS jobs FROM bi.jobs GROUP BY state;
GRANT USAGE ON SCHEMA bi TO jobmonitor_worker;
GRANT SELECT ON bi.jobs, bi.states TO jobmonitor_worker;
"""


async def test_readers_and_the_live_projection_go_on_through_swaps_and_notice_nothing(
    views: Views, database: Database, broker: str, tmp_path: Path
) -> None:
    known = [life[0].job_id for life in await projected(views, 40)]
    await run_script(views, BI)
    new = [ordinary_life(views.job()) for _ in range(120)]
    ended = asyncio.Event()
    async with running_gateway(database, broker, tmp_path) as gateway, views.projecting() as projector:
        await until(lambda: holds_all(projector))
        epochs = await views.fetch("SELECT topic, partition, epoch FROM projection.offsets ORDER BY 1, 2")
        client = await gateway.logged_in(SUPER)
        mine = {
            str(row["job_id"])
            for row in await views.fetch("SELECT job_id FROM projection.job_timeline WHERE account_id = 1")
        }
        assert len(mine) == 20

        async def look_at_the_lists() -> None:
            listed: set[str] = set()
            for view in ("monitor", "history"):
                answer = await client.get("/api/v1/jobs", params={"view": view, "limit": 200})
                assert answer.status_code == 200, answer.text
                listed |= {item["id"] for item in answer.json()["items"]}
            assert mine <= listed

        async def look_at_one() -> None:
            answer = await client.get(f"/api/v1/jobs/{min(mine)}")
            assert answer.status_code == 200, answer.text
            assert answer.json()["timeline"]

        async def publish() -> None:
            if new:
                await views.publish(new.pop())

        readers = [
            all_the_time(ended, look_at_the_lists),
            all_the_time(ended, look_at_one),
            all_the_time(ended, lambda: look_back(database, len(known))),
            all_the_time(ended, publish, every_s=0.05),
        ]
        tasks = [asyncio.ensure_future(reader) for reader in readers]
        for _ in range(3):
            done = await rebuild(views, "--yes")
            assert (done.returncode, done.stderr) == (0, "")
            assert "no row differs" in done.stdout
        ended.set()
        looks = await asyncio.gather(*tasks)
        assert min(looks) > 10
        await views.publish(event for life in new for event in life)
        await views.caught_up()
        assert epochs == await views.fetch("SELECT topic, partition, epoch FROM projection.offsets ORDER BY 1, 2")

    history = await views.fetch("SELECT job_id, sequence FROM projection.job_history WHERE sequence = 8")
    assert len(history) >= 120
    assert (await views.fetch("SELECT sum(jobs) FROM bi.states"))[0][0] == 160
    options = await views.fetch("SELECT reloptions FROM pg_class WHERE oid = 'bi.jobs'::regclass")
    assert options[0]["reloptions"] == ["security_barrier=true"]
    assert (await rebuild(views, "--dry-run")).returncode == 0


async def holds_all(projector: Any) -> bool:
    return len(projector.positions) == 8


async def all_the_time(ended: asyncio.Event, act: Callable[[], Awaitable[None]], *, every_s: float = 0.0) -> int:
    """How often it was done."""
    count = 0
    while not ended.is_set():
        await act()
        count += 1
        await asyncio.sleep(every_s)
    return count


async def look_back(database: Database, jobs: int) -> None:
    """A report whose transaction has begun before it looks at the jobs for the first time."""
    connection = await asyncpg.connect(database.url("jobmonitor_worker"))
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.fetchval("SELECT count(*) FROM ledger.runs")
            await asyncio.sleep(0.1)
            assert await connection.fetchval("SELECT count(*) FROM bi.jobs") >= jobs
            first = await connection.fetchval("SELECT sum(jobs) FROM bi.states")
            assert first == await connection.fetchval("SELECT count(*) FROM bi.jobs")
    finally:
        await connection.close()


async def test_a_report_that_is_being_read_is_waited_for(views: Views, database: Database) -> None:
    await projected(views)
    await run_script(views, BI)
    reader = await asyncpg.connect(database.url("jobmonitor_worker"))
    transaction = reader.transaction(isolation="repeatable_read")
    await transaction.start()
    before = await reader.fetch("SELECT * FROM bi.jobs ORDER BY number")
    process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
        command("--yes"), env=environment(views), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "no row differs" not in await asyncio.to_thread(process.stdout.readline):
        assert process.poll() is None

    assert await reader.fetch("SELECT * FROM bi.jobs ORDER BY number") == before
    assert await reader.fetchval("SELECT count(DISTINCT job_id) FROM projection.job_timeline") == 20
    assert process.poll() is None
    await transaction.commit()
    await reader.close()
    assert await asyncio.to_thread(process.wait, 60) == 0


# Interrupted ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def held_in_the_middle(views: Views) -> AsyncIterator["subprocess.Popen[str]"]:
    """A rebuild that waits with a batch half folded, until the context ends."""
    blocker = await asyncpg.connect(views.owner_url)
    await blocker.execute("BEGIN; LOCK TABLE registry.job_numbers IN EXCLUSIVE MODE")
    pipe = subprocess.PIPE
    process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
        command("--yes"), env=environment(views), stdout=pipe, stderr=pipe, text=True
    )
    waiting = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'registry.job_numbers'::regclass"
    try:
        await until(lambda: views.fetch(waiting))
        yield process
    finally:
        process.kill()
        await asyncio.to_thread(process.wait, 20)
        await blocker.close()


async def test_killed_in_the_middle_it_changes_nothing_and_the_next_one_tidies_up(views: Views) -> None:
    await projected(views)
    right = await views.dump()
    await views.fetch("DELETE FROM projection.job_timeline WHERE type = 'job_queued'")
    wrong = await views.dump()
    async with held_in_the_middle(views) as process:
        process.kill()
    assert await schemas(views) == [FRESH]
    assert await views.dump() == wrong

    again = await rebuild(views, "--yes")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.splitlines()[0] == "Removed what an interrupted rebuild had left."
    assert await views.dump() == right
    assert await schemas(views) == []


async def test_ctrl_c_leaves_the_live_tables_alone_and_nothing_behind(views: Views) -> None:
    await projected(views)
    before = await views.dump()
    async with held_in_the_middle(views) as process:
        process.send_signal(signal.SIGINT)
        output, errors = await asyncio.to_thread(process.communicate, timeout=20)
    assert (process.returncode, errors) == (130, "")
    assert output.splitlines()[-1] == "The live tables are as they were."
    assert await schemas(views) == []
    assert await views.dump() == before


async def test_a_second_rebuild_at_once_is_refused_and_disturbs_nothing(views: Views) -> None:
    await projected(views)
    async with held_in_the_middle(views) as process:
        refused = await rebuild(views, "--yes")
        assert (refused.returncode, refused.stderr) == (
            1,
            "jobmonitor: Another rebuild is running. Wait for its end.\n",
        )
        assert await schemas(views) == [FRESH]
        assert process.poll() is None


# The log -------------------------------------------------------------------------------------------------------------


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
    await forget(views, {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in ends})
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


async def forget(views: Views, before: dict[TopicPartition, int]) -> None:
    """Delete the messages before these offsets, as a retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=views.bootstrap)
    await admin.start()
    await admin.delete_records({partition: RecordsToDelete(offset) for partition, offset in before.items()})
    await admin.close()


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
CREATE UNIQUE INDEX "Odd" ON projection.job_timeline (lower(event_id) DESC) INCLUDE (at) WHERE slot > 0;
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
    """What is folded meanwhile never fits into the first hold, however often it is tried."""
    monkeypatch.setattr(rebuilding, "HOLD_AT_MOST_S", 0.005)
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
