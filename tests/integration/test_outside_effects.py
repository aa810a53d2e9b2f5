"""Effects outside the database: at most once each, whatever ends the work, and nothing is done about them twice."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from jobmonitor.contract.events import (
    JobCancelled,
    JobCompleted,
    JobStopRequested,
    JobWaiting,
)
from jobmonitor.job_types.outside import Effect, OutsideContext
from jobmonitor.job_types.outside_probe.job_type import Calls, OutsideProbe, OutsideProbeParameters
from jobmonitor.job_types.protocol import Context, RetryPolicy
from support.job_events import NOON
from support.outside import OutsideService
from support.outside_jobs import OutsideJobs, reached

STOP = JobStopRequested(account_id=1, requested_by=2)


@pytest.fixture
def service(outside_service: OutsideService) -> OutsideService:
    return outside_service


@pytest.fixture
def jobs(outside_jobs: OutsideJobs) -> OutsideJobs:
    return outside_jobs


class Crash(BaseException):
    """The worker is gone: nothing of it runs any more."""


class CrashingCalls(Calls):
    """Crashes once, when so many effects were answered."""

    def __init__(self, url: str, *, after: int) -> None:
        super().__init__(url)
        self.after: int | None = after

    async def act(
        self, params: OutsideProbeParameters, effects: Sequence[Effect], context: OutsideContext
    ) -> AsyncGenerator[Any, None]:
        answered = 0
        async for answer in super().act(params, effects, context):
            if answered == self.after:
                self.after = None
                raise Crash
            answered += 1
            yield answer


def crashing(service: OutsideService, *, after: int) -> OutsideProbe:
    probe = OutsideProbe(service.url)
    probe.outside = CrashingCalls(service.url, after=after)
    return probe


async def crash(jobs: OutsideJobs, job_id: UUID) -> None:
    """The worker of its first chunk crashes, and its lease ends."""
    with suppress(Crash):
        await jobs.engine.runner.run(job_id, 1)
    await jobs.engine.end_leases(job_id)


async def test_each_unit_reaches_the_service_once_and_without_a_crash_nothing_is_unknown(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    job_id = await jobs.submit(units=12, chunk_units=5, refuse_every=4, skip_every=5)
    end = await jobs.end_of(job_id)
    assert isinstance(end, JobCompleted)
    outcomes = await jobs.must_hold(job_id, service.calls)
    assert outcomes == {"skipped": 3, "refused": 2, "done": 7}
    assert end.rejected == 2


async def test_even_a_small_job_is_not_done_in_the_transaction_that_accepts_it(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    """A roll-back would leave what reached the service, and do it again."""

    class Small(OutsideProbe):
        async def is_small(self, params: OutsideProbeParameters, context: Context) -> bool:
            return True

    jobs.engine.serve(Small(service.url))
    job_id = await jobs.submit(units=1)
    assert service.calls == []
    await jobs.end_of(job_id)
    assert await jobs.must_hold(job_id, service.calls) == {"done": 1}


async def test_no_connection_is_held_and_no_transaction_open_while_it_acts(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    job_id = await jobs.submit(units=1)
    service.may_answer.clear()
    running = asyncio.create_task(jobs.engine.runner.run(job_id, 1))
    await reached(service, 1)
    open_transactions = await jobs.engine.owner.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'test' AND state LIKE 'idle in transaction%'"
    )
    service.may_answer.set()
    await running
    assert open_transactions == 0


async def test_what_a_crash_left_reserved_is_unknown_and_never_done_again(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    jobs.engine.serve(crashing(service, after=2))
    job_id = await jobs.submit(units=7, chunk_units=5)
    await crash(jobs, job_id)
    assert isinstance(await jobs.end_of(job_id), JobCompleted)
    outcomes = await jobs.must_hold(job_id, service.calls)
    assert outcomes == {"unknown": 5, "done": 2}
    assert len(service.calls) == 3 + 2, "two that were answered, one in flight, and those of the other chunk"


async def test_what_is_reserved_is_settled_however_often_workers_were_killed_over_it(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    """Else the job would fail, and say nothing of what may have reached the service."""
    jobs.engine.serve(crashing(service, after=2))
    job_id = await jobs.submit(units=5, chunk_units=5)
    await crash(jobs, job_id)
    await jobs.engine.owner.execute("UPDATE ledger.chunks SET attempt = 50 WHERE job_id = $1", job_id)
    assert isinstance(await jobs.end_of(job_id), JobCompleted)
    assert await jobs.must_hold(job_id, service.calls) == {"unknown": 5}


async def test_a_stop_waits_until_what_a_crash_left_is_settled(jobs: OutsideJobs, service: OutsideService) -> None:
    """Else a job would end of which more reached the service than it says it may have."""
    jobs.engine.serve(crashing(service, after=2))
    job_id = await jobs.submit(units=7, chunk_units=5)
    await crash(jobs, job_id)
    await jobs.engine.ledger.stop(job_id, STOP, NOON, stoppable=True)
    assert (await jobs.engine.run(job_id))["state"] == "stopping"
    await jobs.engine.runner.run(job_id, 1)
    await jobs.engine.run_to_end(job_id)
    end = (await jobs.facts(job_id))[-1]
    assert isinstance(end, JobCancelled)
    assert end.done == 5
    assert await jobs.must_hold(job_id, service.calls) == {"unknown": 5}


async def test_a_crash_before_the_reservation_is_committed_leaves_nothing_in_doubt(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    class CrashesFirst(Calls):
        crashed = False

        async def reserve(self, params: OutsideProbeParameters, units: Sequence[int], context: Context) -> Any:
            if not self.crashed:
                self.crashed = True
                raise Crash
            return await super().reserve(params, units, context)

    probe = OutsideProbe(service.url)
    probe.outside = CrashesFirst(service.url)
    jobs.engine.serve(probe)
    job_id = await jobs.submit(units=3, chunk_units=3)
    await crash(jobs, job_id)
    await jobs.end_of(job_id)
    assert await jobs.must_hold(job_id, service.calls) == {"done": 3}


async def test_a_service_away_uses_up_no_tries_and_the_job_says_what_it_waits_for(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    job_id = await jobs.submit(units=3, chunk_units=3)
    await service.stop()
    for _ in range(12):
        await jobs.engine.runner.run(job_id, 1)
        await jobs.engine.end_leases(job_id)
    (chunk,) = await jobs.chunks(job_id)
    assert (chunk["attempt"], chunk["uncounted"], chunk["reserved"]) == (12, 12, None)
    assert (await jobs.engine.run(job_id))["waits_for"] == "the outside service"
    await service.start()
    await jobs.end_of(job_id)
    assert await jobs.must_hold(job_id, service.calls) == {"done": 3}
    facts = [type(fact) for fact in await jobs.facts(job_id)]
    assert facts.count(JobWaiting) == 1, "said once, however long it takes"
    assert (await jobs.engine.run(job_id))["waits_for"] is None


async def test_a_service_that_goes_away_in_the_middle_leaves_the_rest_for_when_it_is_back(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    job_id = await jobs.submit(units=5, chunk_units=5)
    service.failing_after = 2
    await jobs.engine.runner.run(job_id, 1)
    first, rest = await jobs.chunks(job_id)
    assert (first["state"], first["units"], rest["units"]) == ("done", 2, 3)
    assert rest["attempt"] - rest["uncounted"] == 0
    assert (await jobs.engine.run(job_id))["waits_for"] == "the outside service"
    service.failing_after = None
    await jobs.engine.end_leases(job_id)
    assert isinstance(await jobs.end_of(job_id), JobCompleted)
    assert await jobs.must_hold(job_id, service.calls) == {"done": 5}


async def test_a_stop_begins_no_further_effect_and_records_what_was_done(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    job_id = await jobs.submit(units=200, chunk_units=200, call_s=0.02)
    running = asyncio.create_task(jobs.engine.runner.run(job_id, 1))
    await reached(service, 3)
    await jobs.engine.ledger.stop(job_id, STOP, NOON, stoppable=True)
    await running
    await jobs.engine.run_to_end(job_id)
    end = (await jobs.facts(job_id))[-1]
    assert isinstance(end, JobCancelled)
    assert await jobs.must_hold(job_id, service.calls) == {"done": len(service.calls)}
    assert end.done == len(service.calls) < 200


async def test_an_effect_still_in_flight_a_second_after_the_stop_is_unknown(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    job_id = await jobs.submit(units=5, chunk_units=5)
    service.may_answer.clear()
    running = asyncio.create_task(jobs.engine.runner.run(job_id, 1))
    await reached(service, 1)
    await jobs.engine.ledger.stop(job_id, STOP, NOON, stoppable=True)
    await running
    await jobs.engine.run_to_end(job_id)
    assert isinstance((await jobs.facts(job_id))[-1], JobCancelled)
    assert await jobs.must_hold(job_id, service.calls) == {"unknown": 1}


async def test_a_worker_that_ends_leaves_the_rest_to_others_and_nothing_in_doubt(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    job_id = await jobs.submit(units=100, chunk_units=100, call_s=0.02)
    running = asyncio.create_task(jobs.engine.runner.run(job_id, 1))
    await reached(service, 3)
    jobs.engine.runner.end()
    await running
    (first, rest) = await jobs.chunks(job_id)
    assert (first["units"] + rest["units"], rest["attempt"] - rest["uncounted"], rest["waits"]) == (100, 0, False)
    jobs.engine.serve(OutsideProbe(service.url))
    await jobs.end_of(job_id)
    assert await jobs.must_hold(job_id, service.calls) == {"done": 100}


async def test_a_worker_that_is_ended_past_its_grace_records_what_it_did(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    job_id = await jobs.submit(units=5, chunk_units=5)
    service.may_answer.clear()
    running = asyncio.create_task(jobs.engine.runner.run(job_id, 1))
    await reached(service, 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    service.may_answer.set()
    assert isinstance(await jobs.end_of(job_id), JobCompleted)
    assert await jobs.must_hold(job_id, service.calls) == {"unknown": 1, "done": 4}


async def test_an_error_in_the_middle_is_a_try_and_leaves_one_effect_in_doubt(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    job_id = await jobs.submit(units=5, chunk_units=5, fail_at=2)
    await jobs.engine.runner.run(job_id, 1)
    (_, rest) = await jobs.chunks(job_id)
    assert (rest["units"], rest["attempt"] - rest["uncounted"], rest["waits"]) == (2, 1, True)
    await jobs.engine.end_leases(job_id)
    await jobs.end_of(job_id)
    assert await jobs.must_hold(job_id, service.calls) == {"unknown": 1, "done": 4}


async def test_units_left_for_later_wait_for_their_time_and_have_all_their_tries(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    job_id = await jobs.submit(units=6, chunk_units=6, later_every=3, later_times=1, later_after_s=3600)
    await jobs.engine.runner.run(job_id, 1)
    (first, left) = await jobs.chunks(job_id)
    assert (first["units"], left["units"], left["attempt"], left["times_left"]) == (4, 2, 0, 1)
    await jobs.engine.runner.run(job_id, left["chunk"])
    assert (await jobs.chunks(job_id))[1]["attempt"] == 0, "not before its time"
    assert (await jobs.engine.run(job_id))["done"] == 4
    await jobs.engine.end_leases(job_id)
    assert isinstance(await jobs.end_of(job_id), JobCompleted)
    assert await jobs.must_hold(job_id, service.calls) == {"done": 6}


async def test_what_is_left_too_often_is_refused_with_the_reason(jobs: OutsideJobs, service: OutsideService) -> None:
    probe = OutsideProbe(service.url)
    probe.retries = RetryPolicy(later_max=2)
    jobs.engine.serve(probe)
    job_id = await jobs.submit(units=4, chunk_units=4, later_every=2, later_times=99)
    end = await jobs.end_of(job_id)
    assert isinstance(end, JobCompleted)
    assert end.rejected == 2
    assert await jobs.must_hold(job_id, service.calls) == {"done": 2, "busy": 2}


async def test_the_database_away_in_the_middle_leaves_nothing_in_doubt(
    jobs: OutsideJobs, service: OutsideService, postgres: Any
) -> None:
    job_id = await jobs.submit(units=4, chunk_units=4)
    service.may_answer.clear()
    running = asyncio.create_task(jobs.engine.runner.run(job_id, 1))
    await reached(service, 1)
    await asyncio.to_thread(postgres.stop)
    service.may_answer.set()
    await asyncio.to_thread(postgres.start)
    await jobs.engine.reconnect()
    await running
    await jobs.end_of(job_id)
    assert await jobs.must_hold(job_id, service.calls) == {"done": 4}
