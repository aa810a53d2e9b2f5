"""``jobmonitor rebuild`` on real servers: it finds what differs, mends it, and nobody who reads or writes notices."""

import asyncio
import json
import os
import pty
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from jobmonitor.projection.rebuild.tables import FRESH
from support.gateway import SUPER, running_gateway
from support.job_events import ordinary_life
from support.projecting import Views
from support.rebuilding import command, environment, projected, rebuild, run_script, schemas
from support.servers import Database
from support.waiting import until


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
