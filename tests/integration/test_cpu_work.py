"""CPU work of chunks on real servers: it holds nobody up, and what breaks in it is one unit's."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import psutil
import pytest

from jobmonitor.contract.events import JobCompleted
from jobmonitor.contract.topics import DEAD_LETTERS, requests_topic
from support.engine import Engine, create_topics
from support.processors import processors
from support.waiting import until

LEASE_S = 1.0
WORK_S = 6 * LEASE_S
"""Longer than a transaction may be silent."""
UNDER_WAY = """
SELECT lease_until FROM ledger.chunks
WHERE job_id = $1 AND chunk = 1 AND state = 'dispatched' AND lease_until > now()
"""
ATTEMPTS = "SELECT attempt FROM ledger.chunks WHERE job_id = $1 AND chunk = 1 AND state = 'done'"


@pytest.fixture
def engine_settings() -> dict[str, Any]:
    return {"lease_s": LEASE_S}


async def outcomes(engine: Engine, job_id: UUID) -> dict[str, int]:
    completed = (await engine.facts(job_id))[-1]
    assert isinstance(completed, JobCompleted), completed
    return dict(completed.outcomes)


async def test_work_longer_than_six_leases_holds_up_neither_the_loop_nor_the_lease(engine: Engine) -> None:
    """A loop that is held up for so long sees two ends of the lease at most: that of the claim, and one afterwards."""
    job_id = await engine.submit(units=1, chunk_units=1, cpu_s=WORK_S)
    await engine.runner.run(job_id, 0)
    at_work = asyncio.create_task(engine.runner.run(job_id, 1))
    ends: set[datetime] = set()

    async def extended_again_and_again() -> bool:
        ends.update(row["lease_until"] for row in await engine.owner.fetch(UNDER_WAY, job_id))
        return len(ends) > 2

    await until(extended_again_and_again)
    await at_work
    assert await engine.owner.fetchval(ATTEMPTS, job_id) == 1
    await engine.run_to_end(job_id)
    assert await engine.effects() == [0]
    assert await outcomes(engine, job_id) == {"counted": 1}


async def test_a_crash_fails_its_unit_and_no_other(engine: Engine) -> None:
    job_id = await engine.submit(units=4, chunk_units=4, cpu_crash_at=1)
    await engine.run_to_end(job_id)
    assert await outcomes(engine, job_id) == {"counted": 3, "failed": 1}
    assert await engine.effects() == [0, 2, 3]


async def test_work_that_takes_too_long_fails_its_unit(engine: Engine) -> None:
    job_id = await engine.submit(units=1, cpu_s=60, cpu_timeout_s=0.2)
    await engine.run_to_end(job_id)
    assert await outcomes(engine, job_id) == {"counted": 0, "failed": 1}


async def test_a_killed_processor_leaves_no_process_at_work(engine: Engine) -> None:
    await create_topics(engine.bootstrap, requests_topic("probe"), DEAD_LETTERS)
    job_id = await engine.submit(units=1, cpu_s=300, cpu_timeout_s=300)
    await engine.runner.run(job_id, 0)
    with processors() as some:
        killed = psutil.Process(some.start(engine, "probe").pid)

        async def children() -> list[psutil.Process]:
            return killed.children(recursive=True)

        (at_work,) = await until(children)
        killed.kill()
        await asyncio.to_thread(at_work.wait, 5)
