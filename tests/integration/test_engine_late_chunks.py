"""A chunk that comes back after its job has ended: nothing of it counts, whatever its lease says."""

import asyncio
from datetime import timedelta
from typing import Any

from jobmonitor.contract.events import JobCancelled, JobFailed, JobStopRequested
from jobmonitor.ledger.claims import Claim, hold_plan
from support.engine import Engine
from support.job_events import NOON
from support.waiting import until

LEASE = timedelta(seconds=30)


async def under_way(engine: Engine, **parameters: Any) -> Claim:
    """The first chunk of a job of two, claimed by a worker that takes its time."""
    job_id = await engine.submit(units=4, chunk_units=2, **parameters)
    await engine.runner.run(job_id, 0)
    claimed = await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=LEASE)
    assert claimed is not None
    return claimed


async def test_a_chunk_under_way_while_its_job_fails_leaves_no_effect(engine: Engine) -> None:
    slow = await under_way(engine, refuse_at=3)
    await engine.runner.run(slow.job_id, 2)
    assert isinstance((await engine.facts(slow.job_id))[-1], JobFailed)
    assert await engine.runner._run_claimed(slow) == "lease_lost"
    assert await engine.effects() == []


async def test_a_worker_back_after_its_job_was_cancelled_without_it_leaves_no_effect(engine: Engine) -> None:
    """It was paused, or cut off from the database, for longer than its lease; the cancelled job says 0 units done."""
    paused = await under_way(engine)
    stop = JobStopRequested(account_id=1, requested_by=2)
    await engine.end_leases(paused.job_id)
    await engine.ledger.stop(paused.job_id, stop, NOON, stoppable=True)
    await engine.run_to_end(paused.job_id)
    cancelled = (await engine.facts(paused.job_id))[-1]
    assert isinstance(cancelled, JobCancelled)
    assert cancelled.done == 0
    assert await engine.runner._run_claimed(paused) == "lease_lost"
    assert await engine.effects() == []


async def test_what_a_plan_writes_while_its_stopped_job_is_tidied_up_is_tidied_up_as_well(engine: Engine) -> None:
    job_id = await engine.submit(units=4)
    plan = await engine.ledger.claims.claim(job_id, 0, job_type="probe", lease=LEASE)
    assert plan is not None
    async with engine.ledger.transaction() as transaction:
        await hold_plan(transaction.connection, plan)
        stop = JobStopRequested(account_id=1, requested_by=2)
        await engine.ledger.stop(job_id, stop, NOON, stoppable=True)
        tidying = asyncio.ensure_future(engine.ledger.cleanup.forget_chunks(job_id))
        await until(lambda: waits_for_a_lock(engine))
        await transaction.add_chunks(job_id, "work", [(1, 2, None), (2, 2, None)])
    await tidying
    assert isinstance((await engine.facts(job_id))[-1], JobCancelled)
    assert await engine.owner.fetchval("SELECT count(*) FROM ledger.chunks") == 0


async def waits_for_a_lock(engine: Engine) -> bool:
    return bool(await engine.owner.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
