"""A service that is away uses up nobody's tries: its chunks wait, and go on when it is back."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from jobmonitor.contract.events import JobCompleted, JobFailed
from jobmonitor.job_types.probe.job_type import ProbeParameters
from jobmonitor.job_types.protocol import Context, Part, RetryPolicy
from support.engine import Engine
from support.outside import OutsideService
from support.probe import FailingProbe


@pytest.fixture
async def outside() -> AsyncIterator[OutsideService]:
    service = OutsideService()
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
def engine(engine: Engine, outside: OutsideService) -> Engine:
    engine.use(FailingProbe(outside.url))
    return engine


async def dead_lettered(_reason: str) -> None:
    """The message that asked for the chunk is kept."""


async def chunk_row(engine: Engine, job_id: UUID) -> asyncpg.Record:
    row = await engine.owner.fetchrow("SELECT * FROM ledger.chunks WHERE job_id = $1 AND chunk = 1", job_id)
    assert row is not None
    return row


async def try_again(engine: Engine, job_id: UUID, times: int) -> None:
    for _ in range(times):
        await engine.runner.run(job_id, 1, dead_lettered)
        await engine.end_leases(job_id)


async def test_an_outage_far_longer_than_all_tries_costs_only_time(engine: Engine, outside: OutsideService) -> None:
    job_id = await engine.submit(units=2, outside=1)
    await engine.runner.run(job_id, 0)
    await outside.stop()
    await try_again(engine, job_id, 12)
    waiting = await chunk_row(engine, job_id)
    assert (waiting["attempt"], waiting["uncounted"]) == (12, 12)
    assert waiting["outage_since"] is not None
    assert (await engine.run(job_id))["waits_for"] == "the outside service"
    await outside.start()
    await engine.run_to_end(job_id)
    assert (await engine.run(job_id))["waits_for"] is None
    assert isinstance((await engine.facts(job_id))[-1], JobCompleted)
    assert [call["unit"] for call in outside.calls] == [0, 1]


async def test_a_service_that_answers_but_fails_is_away_too(engine: Engine, outside: OutsideService) -> None:
    job_id = await engine.submit(units=2, outside=1)
    await engine.runner.run(job_id, 0)
    outside.failing = True
    await try_again(engine, job_id, 2)
    assert (await chunk_row(engine, job_id))["uncounted"] == 2


async def test_an_outage_beyond_the_types_limit_fails_the_job_and_names_the_service(
    engine: Engine, outside: OutsideService
) -> None:
    engine.probe.retries = RetryPolicy(outage_max_s=60)
    job_id = await engine.submit(units=2, outside=1)
    await engine.runner.run(job_id, 0)
    await outside.stop()
    await try_again(engine, job_id, 1)
    await engine.owner.execute("UPDATE ledger.chunks SET outage_since = now() - interval '2 minutes'")
    await try_again(engine, job_id, 1)
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert (failed.code, failed.reason) == (
        "gave_up",
        "The work could not go on: the outside service was away for 2 minutes.",
    )


async def test_an_outage_that_is_over_leaves_no_trace_on_the_next(engine: Engine, outside: OutsideService) -> None:
    """A failure of its own shows that the service was back."""
    job_id = await engine.submit(units=2, outside=1)
    await engine.runner.run(job_id, 0)
    await outside.stop()
    await try_again(engine, job_id, 1)
    await outside.start()
    engine.probe.failures = [OSError("its own")]
    await try_again(engine, job_id, 1)
    again = await chunk_row(engine, job_id)
    assert (again["outage_since"], again["attempt"] - again["uncounted"]) == (None, 1)


class CutsItsConnection(FailingProbe):
    """Each of its chunks ends its own connection, as a statement that the server cannot stand does."""

    async def run_chunk(self, params: ProbeParameters, payload: Any, context: Context) -> Part:
        await context.connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return await super().run_chunk(params, payload, context)


async def test_a_chunk_that_cuts_its_own_connection_each_time_is_given_up(engine: Engine) -> None:
    engine.use(CutsItsConnection())
    job_id = await engine.submit(units=2)
    await engine.runner.run(job_id, 0)
    await try_again(engine, job_id, 5)
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert failed.reason == "A part of the work was tried 5 times and failed each time."


async def test_a_database_that_goes_away_under_a_chunk_uses_up_no_try(engine: Engine, postgres: Any) -> None:
    job_id = await engine.submit(units=2, chunk_s=2)
    await engine.runner.run(job_id, 0)
    running = asyncio.create_task(engine.runner.run(job_id, 1, dead_lettered))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(postgres.stop)
    await asyncio.sleep(5)
    await asyncio.to_thread(postgres.start)
    await engine.reconnect()
    await running
    given_back = await chunk_row(engine, job_id)
    assert (given_back["attempt"], given_back["uncounted"], given_back["lease_token"]) == (1, 1, None)


async def test_no_outside_service_known_is_a_refusal(engine: Engine) -> None:
    engine.use(FailingProbe())
    job_id = await engine.submit(units=2, outside=1)
    await engine.runner.run(job_id, 0)
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert failed.code == "no_outside_service"
