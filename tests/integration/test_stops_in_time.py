"""A stop takes effect within two seconds of its acknowledgement, on real workers, whatever else they have to do."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobStopRequested, JobSubmitted, Result, result_key
from jobmonitor.contract.topics import DEAD_LETTERS, requests_topic, work_topic
from jobmonitor.job.state import State, percent
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.runtime.kafka import Outgoing, outgoing
from support.engine import Engine, create_topics, open_engine, pass_over
from support.people import add_people
from support.processors import processors
from support.servers import Database
from support.waiting import until

REQUESTS, WORK = requests_topic("probe"), work_topic("probe")
IN_TIME_S = 2.0
WORKERS = 3
IN_FLIGHT = 100
FLOOD = 10_000
OTHER = 7
"""Another account."""
STOPPED = ("stopping", "cancelled")
DISPATCHED = "state = 'dispatched'"
BUSY = f"{DISPATCHED} AND lease_until > now()"


@pytest.fixture
async def engine(own_kafka: KafkaServer, database: Database, tmp_path: Path) -> AsyncIterator[Engine]:
    async with open_engine(database, own_kafka, tmp_path) as opened:
        await create_topics(opened.bootstrap, REQUESTS, WORK, DEAD_LETTERS)
        await pass_over(opened.bootstrap, "jobmonitor-processor-probe", REQUESTS, WORK)
        await add_people(database.superuser_url, (1, 2), (OTHER, OTHER + 1))
        yield opened


def submission(account_id: int, **parameters: Any) -> JobSubmitted:
    return JobSubmitted(account_id=account_id, owner_id=account_id + 1, job_type="probe", parameters=parameters)


async def publish(engine: Engine, *data: Any, job_id: UUID | None = None) -> list[UUID]:
    """Returns when the broker has acknowledged all."""
    events = [
        Event(id=str(uuid4()), source="/tests", job_id=job_id or uuid4(), time=datetime.now(UTC), data=each)
        for each in data
    ]
    for some in batched([outgoing(REQUESTS, event) for event in events], 1_000):
        assert set(await engine.producer.deliver(some)) == {None}
    return [event.job_id for event in events]


def batched(messages: list[Outgoing], size: int) -> Iterator[list[Outgoing]]:
    return (messages[start : start + size] for start in range(0, len(messages), size))


async def count(engine: Engine, what: str, *values: Any) -> int:
    found: int = await engine.owner.fetchval(f"SELECT count(*) FROM {what}", *values)
    return found


async def work(engine: Engine, job_id: UUID, condition: str) -> int:
    """How many pieces of work of the job are like this."""
    return await count(engine, f"ledger.chunks WHERE job_id = $1 AND kind = 'work' AND {condition}", job_id)


async def at_work(engine: Engine, **parameters: Any) -> UUID:
    """A job of account 1 with all its window in flight, some of which is done, on all workers."""
    [job_id] = await publish(engine, submission(1, **parameters))

    async def well_under_way() -> bool:
        in_flight, done = await work(engine, job_id, DISPATCHED), await work(engine, job_id, "state = 'done'")
        return in_flight == IN_FLIGHT and done > 0 and await work(engine, job_id, BUSY) > WORKERS

    await until(well_under_way, within_s=90)
    return job_id


async def stop(engine: Engine, job_id: UUID) -> float:
    """Ask for it; returns how long it took from the acknowledgement until no work of the job goes on."""
    await publish(engine, JobStopRequested(account_id=1, requested_by=2), job_id=job_id)
    began = asyncio.get_running_loop().time()

    async def stopped() -> bool:
        state = (await engine.run(job_id))["state"]
        return state in STOPPED and not await work(engine, job_id, BUSY)

    await until(stopped, within_s=60)
    return asyncio.get_running_loop().time() - began


async def ended_as_counted(engine: Engine, job_id: UUID) -> None:
    """The job is cancelled, and its count, its share, its effects and its file say the same."""

    async def cancelled() -> bool:
        return str((await engine.run(job_id))["state"]) == "cancelled"

    await until(cancelled, within_s=30)
    run = await engine.run(job_id)
    effects = await count(engine, "probe.effects WHERE job_id = $1", job_id)
    assert 0 < run["done"] == effects < run["total"]
    assert percent(State.CANCELLED, run["done"], run["total"]) == 100 * effects // run["total"]
    result = msgspec.json.decode(run["result"], type=Result)
    content = b"".join([piece async for piece in engine.objects.stream(result_key(1, job_id, result))])
    assert len(content.decode().splitlines()) - 1 == run["done"] == result.rows


async def test_a_stop_takes_effect_in_time_with_a_hundred_chunks_in_flight_on_three_workers_and_beside_a_flood(
    engine: Engine,
) -> None:
    with processors() as some:
        for _ in range(WORKERS):
            some.start(engine, "probe", JOBMONITOR_JOB_TYPE_CAPACITY=f"probe.chunks_in_flight={IN_FLIGHT}")
        for flooding in (None, OTHER, 1):
            job_id = await at_work(engine, units=1_000, chunk_s=1.5, hears_stop=False)
            flood = await publish(engine, *[submission(flooding, units=1, plan_s=0.01)] * FLOOD) if flooding else []
            took_s = await stop(engine, job_id)
            waiting = len(set(flood) - await engine.ledger.known(flood))
            assert took_s < IN_TIME_S
            assert waiting or not flooding, "the stop was not beside the flood, but behind it"
            await ended_as_counted(engine, job_id)
