"""Effects outside, done by real processors that are killed, frozen and ended at random moments.

``OUTSIDE_KILLS=100`` (``make kills``) kills a hundred times.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.topics import DEAD_LETTERS, requests_topic, view_topics, work_topic
from jobmonitor.reconciler.repairs import Repairs
from jobmonitor.reconciler.settings import ReconcilerSettings
from support.engine import Engine, create_topics, pass_over
from support.outside import OutsideService
from support.outside_jobs import SLUG, OutsideJobs, submission
from support.processors import Processors, processors
from support.waiting import until

KILLS = int(os.environ.get("OUTSIDE_KILLS", "12"))
PROCESSORS = 3
ENOUGH_S = "15"
"""A lease that nobody loses because the machine is busy."""
JOBS_AT_ONCE, UNITS, CALL_S = 3, 60, 0.05


@pytest.fixture
async def service() -> AsyncIterator[OutsideService]:
    service = OutsideService()
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def jobs(engine: Engine) -> AsyncIterator[OutsideJobs]:
    topics = requests_topic(SLUG), work_topic(SLUG)
    await create_topics(engine.bootstrap, DEAD_LETTERS, *topics, *view_topics(SLUG))
    await pass_over(engine.bootstrap, f"jobmonitor-processor-{SLUG}", *topics)
    async with reconciler(engine):
        yield OutsideJobs(engine)


@asynccontextmanager
async def reconciler(engine: Engine) -> AsyncIterator[None]:
    """What it does for these jobs, as long as the test runs."""
    settings = ReconcilerSettings(
        database_url=engine.settings.database_url,
        object_store_url=engine.settings.object_store_url,
        with_probe=True,
        unclaimed_after_s=2,
    )
    repairs = Repairs(engine.ledger, engine.producer, engine.objects, settings)

    async def mend() -> None:
        while True:
            await repairs.send_leftover_messages()
            await repairs.redispatch_chunks()
            await repairs.finish_stops()
            await asyncio.sleep(0.3)

    mending = asyncio.create_task(mend())
    try:
        yield
    finally:
        mending.cancel()


def start(
    some: Processors,
    engine: Engine,
    service: OutsideService,
    *,
    lease_s: str = "2",
    name: str = "",
    instance: str = "",
) -> Any:
    """``name`` is what it calls itself to the service, ``instance`` to the broker."""
    url = f"{service.url}/{name}" if name else service.url
    settings = {"PROBE_OUTSIDE_URL": url, "LEASE_S": lease_s, "KAFKA_INSTANCE": instance}
    return some.start(engine, SLUG, **{f"JOBMONITOR_{setting}": value for setting, value in settings.items()})


async def submit(engine: Engine, **parameters: Any) -> UUID:
    event = Event(
        id=str(uuid4()), source="/tests", job_id=uuid4(), time=datetime.now(UTC), data=submission(**parameters)
    )
    await engine.producer.send(requests_topic(SLUG), event)
    return event.job_id


async def ended(jobs: OutsideJobs, job_id: UUID, *, within_s: float = 120.0) -> str:
    """Its state in the end."""

    async def state() -> str | None:
        query = "SELECT state FROM ledger.runs WHERE job_id = $1 AND state NOT IN ('queued', 'running', 'stopping')"
        found: str | None = await jobs.engine.owner.fetchval(query, job_id)
        return found

    return await until(state, within_s=within_s)


async def acting(jobs: OutsideJobs) -> bool:
    """Whether something is reserved at this moment, under a lease."""
    query = "SELECT count(*) FROM ledger.chunks WHERE reserved IS NOT NULL AND lease_until >= now()"
    return bool(await jobs.engine.owner.fetchval(query))


async def test_whenever_a_worker_is_killed_nothing_happens_twice(jobs: OutsideJobs, service: OutsideService) -> None:
    """What reached the service lies between what was recorded and that with what is unknown."""
    dice, submitted, kills = random.Random(12), list[UUID](), 0
    with processors() as some:
        places = {str(number): f"worker-{number}" for number in range(PROCESSORS)}
        running = {name: start(some, jobs.engine, service, name=name, instance=places[name]) for name in places}
        while kills < KILLS:
            victim = await caller(jobs, service, running, submitted)
            await asyncio.sleep(dice.uniform(0, CALL_S * 4))
            running.pop(victim).kill()
            kills += 1
            name = str(PROCESSORS + kills)
            places[name] = places[victim]
            running[name] = start(some, jobs.engine, service, name=name, instance=places[name])
        states = [await ended(jobs, job_id) for job_id in submitted]
    doubts = 0
    for job_id, state in zip(submitted, states, strict=True):
        outcomes = await jobs.must_hold(job_id, service.calls)
        assert state == ("completed_with_errors" if outcomes["unknown"] else "completed")
        assert outcomes.total() == UNITS, "every unit has one outcome"
        doubts += outcomes["unknown"]
    print(f"\n{kills} kills, {len(submitted)} jobs, {len(service.calls)} calls, {doubts} units in doubt")  # noqa: T201
    assert doubts > 0, "the kills hit nothing that acted"


async def caller(jobs: OutsideJobs, service: OutsideService, running: Collection[str], submitted: list[UUID]) -> str:
    """The next of these processors that calls the service. There are always jobs: whoever settles what was left in
    doubt calls nothing, and may end the last of them."""
    begun = len(service.calls)

    async def called() -> str | None:
        await keep_busy(jobs, submitted)
        return next((call["caller"] for call in service.calls[begun:] if call["caller"] in running), None)

    return await until(called, within_s=120)


async def keep_busy(jobs: OutsideJobs, submitted: list[UUID]) -> None:
    """Let there be some jobs that have not ended."""
    query = "SELECT count(*) FROM ledger.runs WHERE state NOT IN ('queued', 'running') AND job_id = ANY($1)"
    at_work = len(submitted) - await jobs.engine.owner.fetchval(query, submitted)
    missing = max(0, JOBS_AT_ONCE - at_work)
    submitted += [await submit(jobs.engine, units=UNITS, chunk_units=6, call_s=CALL_S) for _ in range(missing)]


async def test_a_frozen_worker_that_wakes_up_does_nothing_that_others_settled(
    jobs: OutsideJobs, service: OutsideService
) -> None:
    with processors() as some:
        frozen = start(some, jobs.engine, service)
        job_id = await submit(jobs.engine, units=100, chunk_units=50, call_s=0.05)

        async def begun() -> bool:
            return len(service.calls) >= 3

        await until(begun, within_s=60)
        frozen.send_signal(signal.SIGSTOP)
        other = start(some, jobs.engine, service)
        assert await ended(jobs, job_id) == "completed_with_errors"
        before = len(service.calls)
        frozen.send_signal(signal.SIGCONT)
        other.terminate()
        await asyncio.to_thread(other.wait, 60)
        next_job = await submit(jobs.engine, units=4)
        assert await ended(jobs, next_job) == "completed", "it works again"
        of_first = [call for call in service.calls if call["job_id"] == str(job_id)]
        assert len(of_first) <= before + 2, "no more than what it was about when it was frozen, in two chunks"
    outcomes = await jobs.must_hold(job_id, service.calls)
    assert outcomes["unknown"] > 0


async def test_a_rolling_restart_leaves_nothing_in_doubt(jobs: OutsideJobs, service: OutsideService) -> None:
    """A worker that is asked to end begins no further effect, and records what it did."""
    with processors() as some:
        running = [start(some, jobs.engine, service, lease_s=ENOUGH_S) for _ in range(2)]
        job_id = await submit(jobs.engine, units=300, chunk_units=30, call_s=0.1)
        for _ in range(3):
            await until(lambda: acting(jobs), within_s=60)
            running[0].terminate()
            assert await asyncio.to_thread(running.pop(0).wait, 60) == 0
            running.append(start(some, jobs.engine, service, lease_s=ENOUGH_S))
        assert await ended(jobs, job_id) == "completed"
    assert await jobs.must_hold(job_id, service.calls) == {"done": 300}
