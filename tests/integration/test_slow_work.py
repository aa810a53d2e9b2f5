"""Slow plans and assemblies, under leases far shorter than they are: done at the first try, and in nobody's way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from jobmonitor.contract.events import JobCancelled, JobCompleted, JobFailed, JobStopRequested
from jobmonitor.job_types.probe.job_type import ProbeParameters
from jobmonitor.job_types.protocol import Context, PlannedChunk, Refused
from jobmonitor.ledger.claims import Claim, LeaseLost
from support.engine import Engine
from support.job_events import NOON
from support.probe import FailingProbe
from support.servers import Database
from support.waiting import until

LEASE_S = 0.5
STOP = JobStopRequested(account_id=1, requested_by=2)


@pytest.fixture
def engine_settings() -> dict[str, Any]:
    """Its leases end after half a second, its silent transactions after two."""
    return {"lease_s": LEASE_S}


@asynccontextmanager
async def under_way(engine: Engine, job_id: UUID, chunk: int) -> AsyncIterator["asyncio.Task[None]"]:
    """The chunk is being run when the body begins."""
    task = asyncio.create_task(engine.runner.run(job_id, chunk))

    async def claimed() -> bool:
        lease = await engine.owner.fetchval(
            "SELECT lease_token FROM ledger.chunks WHERE job_id = $1 AND chunk = $2", job_id, chunk
        )
        return lease is not None

    await until(claimed)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def claim_anew(engine: Engine, job_id: UUID, chunk: int) -> Claim:
    """As if its worker had been silent for so long that another one took the chunk over."""

    async def taken() -> Claim | None:
        await engine.end_leases(job_id)
        return await engine.ledger.claims.claim(job_id, chunk, job_type="probe", lease=engine.lease)

    return await until(taken)


async def attempts(engine: Engine, job_id: UUID) -> list[int]:
    rows = await engine.owner.fetch("SELECT attempt FROM ledger.chunks WHERE job_id = $1 ORDER BY chunk", job_id)
    return [row["attempt"] for row in rows]


async def completes_at_the_first_try(engine: Engine, job_id: UUID) -> JobCompleted:
    await engine.run_to_end(job_id)
    completed = (await engine.facts(job_id))[-1]
    assert isinstance(completed, JobCompleted)
    assert set(await attempts(engine, job_id)) == {1}
    return completed


async def test_an_assembly_many_times_as_long_as_its_lease_completes_at_the_first_try(engine: Engine) -> None:
    job_id = await engine.submit(units=2, assemble_s=3, assemble_bytes=3_000_000)
    completed = await completes_at_the_first_try(engine, job_id)
    assert completed.result is not None
    assert completed.result.size_bytes > 3_000_000


async def test_a_plan_many_times_as_long_as_its_lease_completes_at_the_first_try(engine: Engine) -> None:
    job_id = await engine.submit(units=3, chunk_units=1, plan_s=9)
    await completes_at_the_first_try(engine, job_id)
    assert await engine.effects() == [0, 1, 2]


async def count_connections(database: Database, condition: str) -> int:
    """How many of the engine's connections are like this."""
    superuser = await asyncpg.connect(database.superuser_url)
    try:
        count: int = await superuser.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'test' "
            f"AND {condition}"
        )
        return count
    finally:
        await superuser.close()


async def test_no_transaction_is_open_while_a_file_is_assembled(engine: Engine, database: Database) -> None:
    job_id = await engine.submit(units=2, assemble_s=30)
    for chunk in (0, 1):
        await engine.runner.run(job_id, chunk)
    async with under_way(engine, job_id, 2):
        assert await count_connections(database, "true") > 0
        assert await count_connections(database, "state = 'idle in transaction'") == 0


async def test_a_stop_while_a_plan_is_being_written_answers_at_once_and_ends_the_plan(engine: Engine) -> None:
    job_id = await engine.submit(units=10_000, chunk_units=1, plan_s=600)
    async with under_way(engine, job_id, 0) as plan:
        await until(lambda: _planned(engine, job_id))
        async with asyncio.timeout(2):
            await engine.ledger.stop(job_id, STOP, NOON, stoppable=True)
            await plan
    assert isinstance((await engine.facts(job_id))[-1], JobCancelled)


async def _planned(engine: Engine, job_id: UUID) -> int:
    count: int = await engine.owner.fetchval(
        "SELECT count(*) FROM ledger.chunks WHERE job_id = $1 AND chunk > 0", job_id
    )
    return count


async def test_a_stop_takes_effect_within_two_seconds_with_chunks_in_flight(engine: Engine) -> None:
    """A chunk that takes long hears of the stop, and gives up what it began."""
    job_id = await engine.submit(units=4, chunk_units=1, chunk_s=30)
    await engine.runner.run(job_id, 0)
    async with under_way(engine, job_id, 1) as first, under_way(engine, job_id, 2) as second:
        async with asyncio.timeout(2):
            await engine.ledger.stop(job_id, STOP, NOON, stoppable=True)
            await asyncio.gather(first, second)
    await engine.run_to_end(job_id)
    assert isinstance((await engine.facts(job_id))[-1], JobCancelled)
    assert await engine.effects() == []


async def test_a_chunk_that_lost_its_lease_is_cancelled_and_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    job_id = await engine.submit(units=2, chunk_s=30)
    await engine.runner.run(job_id, 0)
    async with under_way(engine, job_id, 1) as chunk:
        successor = await claim_anew(engine, job_id, 1)
        async with asyncio.timeout(2):
            await chunk
    assert await engine.effects() == []
    assert (await engine.run(job_id))["state"] == "running"
    assert successor.attempt == 2


async def test_an_assembly_that_lost_its_lease_is_cancelled_and_leaves_no_file(engine: Engine, tmp_path: Path) -> None:
    job_id = await engine.submit(units=2, assemble_s=30, assemble_bytes=20_000_000)
    for chunk in (0, 1):
        await engine.runner.run(job_id, chunk)
    async with under_way(engine, job_id, 2) as assembly:
        await claim_anew(engine, job_id, 2)
        async with asyncio.timeout(2):
            await assembly
    assert [path for path in tmp_path.rglob("results/*/*/*") if path.is_file()] == []
    assert (await engine.run(job_id))["state"] == "running"


async def test_a_part_of_a_worker_that_lost_its_lease_is_deleted(engine: Engine, tmp_path: Path) -> None:
    job_id = await engine.submit(units=2)
    await engine.runner.run(job_id, 0)
    zombie = await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=engine.lease)
    assert zombie is not None
    await claim_anew(engine, job_id, 1)
    assert await engine.runner._run_claimed(zombie) == "lease_lost"
    assert [path for path in tmp_path.rglob("parts/*/*/*") if path.is_file()] == []


async def test_a_refusal_of_a_worker_that_lost_its_lease_fails_nothing(engine: Engine) -> None:
    job_id = await engine.submit(units=2, refuse_at=0)
    await engine.runner.run(job_id, 0)
    zombie = await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=engine.lease)
    assert zombie is not None
    await claim_anew(engine, job_id, 1)
    with pytest.raises(LeaseLost):
        await engine.ledger.fail_chunk(zombie, "impossible", "Nobody may hear this.")
    assert await engine.runner._run_claimed(zombie) == "lease_lost"
    assert (await engine.run(job_id))["state"] == "running"


async def test_a_stop_and_a_claim_come_one_after_the_other(engine: Engine, database: Database) -> None:
    """While a stop is being written no chunk of its job is claimed; afterwards none is either."""
    job_id = await engine.submit(units=2)
    await engine.runner.run(job_id, 0)
    async with engine.ledger.transaction() as stopping:
        await stopping.lock(job_id)
        claiming = asyncio.create_task(engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=engine.lease))
        await until(lambda: count_connections(database, "wait_event_type = 'Lock'"))
        await stopping.connection.execute("UPDATE ledger.runs SET state = 'stopping' WHERE job_id = $1", job_id)
    assert await claiming is None


class PlanThatFails(FailingProbe):
    """Its first plan breaks off behind so many chunks; the next ones are shorter."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks_off_behind = [120]

    async def plan(self, params: ProbeParameters, context: Context) -> AsyncIterator[PlannedChunk]:
        written = 0
        async for chunk in super().plan(params, context):
            if self.breaks_off_behind and written == self.breaks_off_behind[0]:
                self.breaks_off_behind.pop()
                raise OSError("The plan broke off.")
            written += 1
            yield chunk
            if not self.breaks_off_behind and written == 3:
                return


async def test_what_an_earlier_attempt_at_a_plan_wrote_is_no_part_of_the_plan(engine: Engine) -> None:
    engine.use(PlanThatFails())
    job_id = await engine.submit(units=200, chunk_units=1)
    await engine.runner.run(job_id, 0)
    assert await _planned(engine, job_id) == 100
    await engine.end_leases(job_id)
    await engine.run_to_end(job_id)
    assert await engine.effects() == [0, 1, 2]
    assert (await engine.run(job_id))["chunks_total"] == 3


class LostCount(FailingProbe):
    """Its parts do not say what became of one of their units."""

    async def run_chunk(self, params: ProbeParameters, payload: Any, context: Context) -> Any:
        part = await super().run_chunk(params, payload, context)
        return type(part)(content=part.content, outcomes={"counted": 1}, rows=part.rows)


async def test_a_part_that_does_not_add_up_fails_its_job_at_once_and_ends_no_process(engine: Engine) -> None:
    engine.use(LostCount())
    job_id = await engine.submit(units=4, chunk_units=2)
    await engine.run_to_end(job_id)
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert failed.code == "bad_part"
    assert failed.reason == (
        "A part of the work says what became of 1 of its 2 units. This is a fault of the software."
    )
    assert await engine.effects() == []


class PlanThatRefuses(FailingProbe):
    """Finds out late that the job is impossible."""

    async def plan(self, params: ProbeParameters, context: Context) -> AsyncIterator[PlannedChunk]:
        async for chunk in super().plan(params, context):
            yield chunk
        raise Refused("too_many", "There are too many.")


async def test_a_plan_that_is_refused_late_fails_its_job(engine: Engine) -> None:
    engine.use(PlanThatRefuses())
    job_id = await engine.submit(units=200, chunk_units=1)
    await engine.run_to_end(job_id)
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert (failed.code, await engine.effects()) == ("too_many", [])
