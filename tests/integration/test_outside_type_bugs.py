"""Bugs of a job type with effects outside: each fails tries of its own chunk, and nothing is done twice."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any

import pytest

from jobmonitor.contract.events import JobCompleted, JobFailed, JobProgressed
from jobmonitor.job_types.outside import Effect, OutsideContext, Recorded, Settled
from jobmonitor.job_types.outside_probe.job_type import Calls, OutsideProbe, OutsideProbeParameters
from jobmonitor.job_types.protocol import Context, RetryPolicy
from support.outside import OutsideService
from support.outside_jobs import OutsideJobs, reached


@pytest.fixture
def service(outside_service: OutsideService) -> OutsideService:
    return outside_service


@pytest.fixture
def jobs(outside_jobs: OutsideJobs) -> OutsideJobs:
    return outside_jobs


async def test_a_bug_in_what_records_is_a_try_of_that_chunk_and_does_nothing_again(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    class FailsFirst(Calls):
        failed = False

        async def record(
            self, params: OutsideProbeParameters, settled: Sequence[tuple[int, Settled]], context: Context
        ) -> Recorded:
            if not self.failed:
                self.failed = True
                raise ZeroDivisionError
            return await super().record(params, settled, context)

    probe = OutsideProbe(service.url)
    probe.outside = FailsFirst(service.url)
    jobs.engine.serve(probe)
    job_id = await jobs.submit(units=3, chunk_units=3)
    await jobs.engine.runner.run(job_id, 1)
    await jobs.engine.end_leases(job_id)
    await jobs.end_of(job_id)
    assert await jobs.must_hold(job_id, service.calls) == {"unknown": 3}
    assert len(service.calls) == 3


async def test_what_a_type_raises_while_it_tidies_up_fails_its_own_try_only(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    class Untidy(Calls):
        async def act(
            self, params: OutsideProbeParameters, effects: Sequence[Effect], context: OutsideContext
        ) -> AsyncGenerator[Any, None]:
            try:
                async for answer in super().act(params, effects, context):
                    yield answer
            finally:
                raise ZeroDivisionError

    probe = OutsideProbe(service.url)
    probe.outside = Untidy(service.url)
    jobs.engine.serve(probe)
    job_id = await jobs.submit(units=3, chunk_units=3)
    assert isinstance(await jobs.end_of(job_id), JobCompleted)
    assert await jobs.must_hold(job_id, service.calls) == {"done": 3}


async def test_a_type_that_will_not_be_cancelled_begins_nothing_after_its_lease_is_lost(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    class Stubborn(Calls):
        async def act(
            self, params: OutsideProbeParameters, effects: Sequence[Effect], context: OutsideContext
        ) -> AsyncGenerator[Any, None]:
            for effect in effects:
                with suppress(asyncio.CancelledError):
                    async for answer in super().act(params, [effect], context):
                        yield answer
                        continue
                yield Settled("cancelled")

    probe = OutsideProbe(service.url)
    probe.outside = Stubborn(service.url)
    jobs.engine.serve(probe)
    job_id = await jobs.submit(units=3, chunk_units=3)
    service.may_answer.clear()
    running = asyncio.create_task(jobs.engine.runner.run(job_id, 1))
    await reached(service, 1)
    await jobs.engine.owner.execute(
        "UPDATE ledger.chunks SET lease_token = gen_random_uuid() WHERE job_id = $1", job_id
    )
    await running
    assert len(service.calls) == 1


async def test_a_job_that_gives_up_says_so_and_does_nothing_twice(jobs: OutsideJobs, service: OutsideService) -> None:
    """Each try is in doubt about one effect more; then its tries are used up."""
    probe = OutsideProbe(service.url)
    probe.retries = RetryPolicy(tries_max=1)
    jobs.engine.serve(probe)
    job_id = await jobs.submit(units=5, chunk_units=5, fail_at=1)
    await jobs.engine.runner.run(job_id, 1)
    await jobs.engine.end_leases(job_id)
    assert isinstance(await jobs.end_of(job_id), JobFailed)
    assert await jobs.must_hold(job_id, service.calls) == {"unknown": 1, "done": 1}
    progress = [fact.done for fact in await jobs.facts(job_id) if isinstance(fact, JobProgressed)]
    assert progress == [2]
