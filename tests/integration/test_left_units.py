"""Units that a piece of work leaves for later: a chunk of their own, with its own time and all its tries."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from jobmonitor.contract.events import JobCancelled, JobCompleted, JobFailed, JobStopRequested
from jobmonitor.job_types.outside import Left
from jobmonitor.job_types.probe.job_type import ProbeParameters
from jobmonitor.job_types.protocol import Context, Part, RetryPolicy
from support.engine import Engine
from support.job_events import NOON
from support.probe import FailingProbe

LATER_S = 3600.0


class LeavingProbe(FailingProbe):
    """Of each chunk it leaves all units but the first, ``times`` times."""

    def __init__(self, *, times: int = 1) -> None:
        super().__init__()
        self.times = times

    async def run_chunk(self, params: ProbeParameters, payload: Any, context: Context) -> Part:
        first, end = payload
        if end - first == 1 or context.times_left >= self.times:
            return await super().run_chunk(params, payload, context)
        part = await super().run_chunk(params, [first, first + 1], context)
        left = Left(units=end - first - 1, payload=[first + 1, end], after_s=LATER_S, reason="too_busy")
        return Part(part.content, part.outcomes, part.rejected, part.rows, left)


@pytest.fixture
def engine(engine: Engine) -> Engine:
    engine.use(LeavingProbe())
    return engine


async def chunks(engine: Engine, job_id: UUID) -> list[asyncpg.Record]:
    return list(
        await engine.owner.fetch(
            "SELECT * FROM ledger.chunks WHERE job_id = $1 AND kind = 'work' ORDER BY chunk", job_id
        )
    )


async def planned(engine: Engine, **parameters: Any) -> UUID:
    job_id = await engine.submit(**parameters)
    await engine.runner.run(job_id, 0)
    return job_id


async def to_end(engine: Engine, job_id: UUID) -> Any:
    """As if so much time passed whenever nothing may be done; gives the last fact."""
    while (await engine.run(job_id))["state"] in ("running", "stopping"):
        for chunk in await engine.dispatched(job_id):
            await engine.runner.run(job_id, chunk)
        await engine.end_leases(job_id)
    return (await engine.facts(job_id))[-1]


async def test_they_are_done_later_and_each_once(engine: Engine) -> None:
    job_id = await planned(engine, units=6, chunk_units=3)
    for chunk in (1, 2):
        await engine.runner.run(job_id, chunk)
    first, second, *left = await chunks(engine, job_id)
    assert [each["units"] for each in (first, second, *left)] == [1, 1, 2, 2]
    assert [(each["attempt"], each["times_left"]) for each in left] == [(0, 1), (0, 1)]
    assert (await engine.run(job_id))["done"] == 2
    for chunk in (3, 4):
        await engine.runner.run(job_id, chunk)
    assert [each["state"] for each in await chunks(engine, job_id)][2:] == ["dispatched"] * 2, "not before their time"
    end = await to_end(engine, job_id)
    assert isinstance(end, JobCompleted)
    assert (end.done, end.outcomes) == (6, {"counted": 6})
    assert await engine.effects() == list(range(6))


async def test_the_window_of_chunks_in_flight_goes_on_beside_them(engine: Engine) -> None:
    """Two are handed out at once: what pauses for an hour does not hold up the others."""
    job_id = await planned(engine, units=12, chunk_units=3)
    for chunk in (1, 2, 3, 4):
        await engine.runner.run(job_id, chunk)
    assert [each["state"] for each in await chunks(engine, job_id)] == ["done"] * 4 + ["dispatched"] * 4
    assert isinstance(await to_end(engine, job_id), JobCompleted)


async def test_what_is_left_too_often_is_refused_with_its_reason(engine: Engine) -> None:
    probe = LeavingProbe(times=99)
    probe.retries = RetryPolicy(later_max=2)
    engine.use(probe)
    job_id = await planned(engine, units=6, chunk_units=6)
    end = await to_end(engine, job_id)
    assert isinstance(end, JobCompleted)
    assert (end.outcomes, end.rejected) == ({"counted": 3, "too_busy": 3}, 3)


async def test_a_job_that_seemed_small_goes_on_as_chunks(engine: Engine) -> None:
    assert isinstance(engine.probe, LeavingProbe)
    engine.probe.small = True
    job_id = await planned(engine, units=4, chunk_units=4)
    end = await to_end(engine, job_id)
    assert isinstance(end, JobCompleted)
    assert await engine.effects() == list(range(4)), "what was done in one step was rolled back"


async def test_a_stopped_job_does_not_do_them(engine: Engine) -> None:
    job_id = await planned(engine, units=3, chunk_units=3)
    await engine.runner.run(job_id, 1)
    await engine.ledger.stop(job_id, JobStopRequested(account_id=1, requested_by=2), NOON, stoppable=True)
    end = await to_end(engine, job_id)
    assert isinstance(end, JobCancelled)
    assert (end.done, await engine.effects()) == (1, [0])


async def test_a_type_whose_chunks_run_in_order_must_not_leave_any(engine: Engine) -> None:
    engine.probe.in_order = True
    job_id = await planned(engine, units=3, chunk_units=3)
    await engine.runner.run(job_id, 1)
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert failed.code == "bad_part"
