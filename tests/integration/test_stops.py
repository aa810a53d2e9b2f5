"""A stop: what is done by then is the job's file, nothing else counts, and it does not take long."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from jobmonitor.contract.events import JobCancelled, JobStopping, JobStopRequested, result_key
from jobmonitor.job_types.probe.job_type import ProbeParameters
from jobmonitor.job_types.protocol import Assembly, AssemblyContext, Refused
from jobmonitor.ledger.claims import Claim
from jobmonitor.ledger.leases import Leases
from jobmonitor.reconciler.repairs import Repairs
from jobmonitor.reconciler.settings import ReconcilerSettings
from support.engine import Engine
from support.job_events import NOON
from support.probe import FailingProbe
from support.waiting import until

STOP = JobStopRequested(account_id=1, requested_by=2)
ASSEMBLY_S = 2.0
"""How long an assembly may take after a stop."""


@pytest.fixture
def engine_settings() -> dict[str, Any]:
    return {"stop_assembly_s": ASSEMBLY_S}


async def stop(engine: Engine, job_id: UUID) -> None:
    await engine.ledger.stop(job_id, STOP, NOON, stoppable=True)


async def started(engine: Engine, **parameters: Any) -> UUID:
    """A job of four chunks of two units each, two of which are done and two dispatched."""
    job_id = await engine.submit(units=8, chunk_units=2, **parameters)
    for chunk in (0, 1, 2):
        await engine.runner.run(job_id, chunk)
    return job_id


async def claim(engine: Engine, job_id: UUID, chunk: int) -> Claim:
    claimed = await engine.ledger.claims.claim(job_id, chunk, job_type="probe", lease=engine.lease)
    assert claimed is not None
    return claimed


async def cancelled(engine: Engine, job_id: UUID) -> JobCancelled:
    """How the job ended."""
    last = (await engine.facts(job_id))[-1]
    assert isinstance(last, JobCancelled), last
    return last


async def file_of(engine: Engine, job_id: UUID) -> list[str]:
    """The lines of the job's file behind its heading."""
    result = (await cancelled(engine, job_id)).result
    assert result is not None
    content = b"".join([piece async for piece in engine.objects.stream(result_key(1, job_id, result))])
    lines = content.decode().splitlines()[1:]
    assert result.rows == len(lines)
    return lines


def repairs_of(engine: Engine) -> Repairs:
    settings = ReconcilerSettings(
        database_url=engine.settings.database_url,
        object_store_url=engine.settings.object_store_url,
        with_probe=True,
        unclaimed_after_s=0,
    )
    return Repairs(engine.ledger, engine.producer, engine.objects, settings)


async def test_a_stopped_job_ends_with_a_file_of_exactly_what_was_done(engine: Engine) -> None:
    job_id = await started(engine)
    await stop(engine, job_id)
    await engine.run_to_end(job_id)
    end = await cancelled(engine, job_id)
    assert (end.done, end.total) == (4, 8)
    assert await file_of(engine, job_id) == ["0", "1", "2", "3"]
    assert await engine.effects() == [0, 1, 2, 3]


async def test_a_job_stopped_before_its_first_chunk_ended_has_a_file_without_rows(engine: Engine) -> None:
    job_id = await engine.submit(units=4)
    await engine.runner.run(job_id, 0)
    await stop(engine, job_id)
    await engine.run_to_end(job_id)
    assert await file_of(engine, job_id) == []


async def test_a_job_stopped_before_its_start_has_done_nothing_of_nothing_and_no_file(engine: Engine) -> None:
    job_id = await engine.submit(units=4)
    await stop(engine, job_id)
    end = await cancelled(engine, job_id)
    assert (end.done, end.total, end.result) == (0, 0, None)


@pytest.mark.parametrize("hears_stop", [True, False], ids=["hears", "is cancelled"])
async def test_work_under_way_ends_within_two_seconds_and_counts_not_at_all(engine: Engine, hears_stop: bool) -> None:
    job_id = await engine.submit(units=4, chunk_units=1, chunk_s=30, hears_stop=hears_stop)
    await engine.runner.run(job_id, 0)
    under_way = [asyncio.create_task(engine.runner.run(job_id, chunk)) for chunk in (1, 2)]
    await until(lambda: _leased(engine, job_id, 2))
    async with asyncio.timeout(2):
        await stop(engine, job_id)
        await asyncio.gather(*under_way)
    await engine.run_to_end(job_id)
    assert await file_of(engine, job_id) == []
    assert await engine.effects() == []
    assert [row["attempt"] - row["uncounted"] for row in await _chunks(engine, job_id, "work")] == [0, 0, 0, 0]


async def _leased(engine: Engine, job_id: UUID, chunks: int) -> bool:
    return len(engine.ledger.leases.held()) == chunks


async def _chunks(engine: Engine, job_id: UUID, kind: str) -> list[Any]:
    statement = "SELECT * FROM ledger.chunks WHERE job_id = $1 AND kind = $2 ORDER BY chunk"
    return await engine.owner.fetch(statement, job_id, kind)


async def test_a_worker_that_hears_of_a_stop_looks_at_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Leases, "_pause_s", lambda _: 3600.0)
    job_id = await engine.submit(units=1, chunk_s=30)
    await engine.runner.run(job_id, 0)
    under_way = asyncio.create_task(engine.runner.run(job_id, 1))
    await until(lambda: _leased(engine, job_id, 1))
    await stop(engine, job_id)
    engine.ledger.leases.look_soon()
    try:
        async with asyncio.timeout(10):
            await under_way
    finally:
        engine.ledger.leases.look_soon()  # it has nothing to look at any more, and ends


async def test_work_that_ends_within_a_second_of_the_stop_counts(engine: Engine) -> None:
    job_id = await engine.submit(units=2, chunk_units=1, chunk_s=0.4, hears_stop=False)
    await engine.runner.run(job_id, 0)
    under_way = asyncio.create_task(engine.runner.run(job_id, 1))
    await until(lambda: _leased(engine, job_id, 1))
    await stop(engine, job_id)
    await under_way
    await engine.run_to_end(job_id)
    assert await file_of(engine, job_id) == ["0"]


async def test_a_worker_that_was_silent_until_the_assembly_began_adds_nothing(engine: Engine) -> None:
    """Else the job would say that more is done than its file holds."""
    job_id = await started(engine)
    frozen = await claim(engine, job_id, 3)
    await stop(engine, job_id)
    assert isinstance((await engine.facts(job_id))[-1], JobStopping)
    await engine.end_leases(job_id)
    assert await repairs_of(engine).finish_stops() == 1
    assembly = await claim(engine, job_id, 5)
    assert await engine.runner._run_claimed(frozen) == "lease_lost"
    assert await engine.runner._run_claimed(assembly) == "done"
    assert (await cancelled(engine, job_id)).done == 4
    assert await file_of(engine, job_id) == ["0", "1", "2", "3"]


async def test_an_assembly_under_way_at_the_stop_goes_on(engine: Engine) -> None:
    job_id = await engine.submit(units=2, assemble_s=0.8)
    for chunk in (0, 1):
        await engine.runner.run(job_id, chunk)
    assembly = asyncio.create_task(engine.runner.run(job_id, 2))
    await until(lambda: _leased(engine, job_id, 1))
    await stop(engine, job_id)
    await assembly
    assert (await engine.run(job_id))["state"] == "cancelled"
    assert await file_of(engine, job_id) == ["0", "1"]


@pytest.mark.parametrize("begun_before", [True, False])
async def test_an_assembly_that_takes_too_long_after_the_stop_leaves_no_file(
    engine: Engine, begun_before: bool
) -> None:
    job_id = await engine.submit(units=2, assemble_s=600)
    for chunk in (0, 1):
        await engine.runner.run(job_id, chunk)
    if not begun_before:
        await stop(engine, job_id)
    assembly = asyncio.create_task(engine.runner.run(job_id, 2))
    await until(lambda: _leased(engine, job_id, 1))
    if begun_before:
        await stop(engine, job_id)
    async with asyncio.timeout(ASSEMBLY_S + 2):
        await assembly
    end = await cancelled(engine, job_id)
    assert (end.done, end.total, end.result) == (2, 2, None)
    assert [key async for key in engine.objects.keys_under("results")] == []


async def test_an_assembly_whose_worker_died_is_done_by_another(engine: Engine) -> None:
    job_id = await started(engine)
    await stop(engine, job_id)
    await claim(engine, job_id, 5)
    await engine.end_leases(job_id)
    assert await repairs_of(engine).redispatch_chunks() == 1
    await engine.run_to_end(job_id)
    assert await file_of(engine, job_id) == ["0", "1", "2", "3"]


async def test_where_no_worker_assembles_the_job_ends_without_a_file(engine: Engine) -> None:
    job_id = await started(engine)
    await stop(engine, job_id)
    await engine.owner.execute("UPDATE ledger.chunks SET assemble_until = now() - interval '1 s' WHERE chunk = 5")
    assert await repairs_of(engine).redispatch_chunks() == 0
    assert await repairs_of(engine).finish_stops() == 1
    end = await cancelled(engine, job_id)
    assert (end.done, end.result) == (4, None)


class RefusesToAssemble(FailingProbe):
    """Finds nothing worth a file."""

    def assemble(self, params: ProbeParameters, parts: AsyncIterator[bytes], context: AssemblyContext) -> Assembly:
        raise Refused("nothing", "There is nothing to tell.")


async def test_an_assembly_that_is_refused_after_the_stop_leaves_no_file(engine: Engine) -> None:
    engine.use(RefusesToAssemble())
    job_id = await started(engine)
    await stop(engine, job_id)
    await engine.run_to_end(job_id)
    end = await cancelled(engine, job_id)
    assert (end.done, end.result) == (4, None)


class WithoutFile(FailingProbe):
    """What half a job did is of no use."""

    result_when_stopped = False


async def test_a_type_that_wants_no_file_of_half_a_job_ends_without_one(engine: Engine) -> None:
    engine.use(WithoutFile())
    job_id = await started(engine)
    await stop(engine, job_id)
    await engine.run_to_end(job_id)
    assert (await cancelled(engine, job_id)).result is None


async def test_a_type_that_wants_no_file_has_its_assembly_ended_by_the_stop(engine: Engine) -> None:
    engine.use(WithoutFile())
    job_id = await engine.submit(units=2, assemble_s=600)
    for chunk in (0, 1):
        await engine.runner.run(job_id, chunk)
    assembly = asyncio.create_task(engine.runner.run(job_id, 2))
    await until(lambda: _leased(engine, job_id, 1))
    async with asyncio.timeout(2):
        await stop(engine, job_id)
        await assembly
        await engine.run_to_end(job_id)
    assert (await cancelled(engine, job_id)).result is None


async def test_work_that_is_refused_after_the_stop_is_work_that_was_not_done(engine: Engine) -> None:
    job_id = await engine.submit(units=4, chunk_units=2, refuse_at=3)
    for chunk in (0, 1):
        await engine.runner.run(job_id, chunk)
    under_way = await claim(engine, job_id, 2)
    await stop(engine, job_id)
    assert await engine.runner._run_claimed(under_way) == "refused"
    await engine.run_to_end(job_id)
    assert await file_of(engine, job_id) == ["0", "1"]
