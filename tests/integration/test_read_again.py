"""A group whose places Kafka forgot reads the same requests again: nothing is done twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobStopRequested, JobSubmitted
from jobmonitor.contract.topics import jobs_topic, requests_topic, work_topic
from support.engine import PARTITIONS, Engine, create_topics, read_events
from support.processors import processors
from support.waiting import until

GROUP = "jobmonitor-processor-probe"
REQUESTS = requests_topic("probe")
PLACES = [TopicPartition(REQUESTS, number) for number in range(PARTITIONS)]


async def ask(engine: Engine, job_id: UUID, data: JobSubmitted | JobStopRequested) -> None:
    event = Event(id=str(uuid4()), source="/tests", job_id=job_id, time=datetime.now(UTC), data=data)
    await engine.producer.send(REQUESTS, event)


async def is_read(engine: Engine) -> bool:
    """Whether the group has read all requests."""
    async with consumer(engine) as group:
        ends = await group.end_offsets(PLACES)
        return all([(await group.committed(place) or 0) >= ends[place] for place in PLACES])


async def ends(engine: Engine) -> dict[TopicPartition, int]:
    async with consumer(engine) as group:
        return dict(await group.end_offsets(PLACES))


def consumer(engine: Engine) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(bootstrap_servers=engine.bootstrap, group_id=GROUP, enable_auto_commit=False)


async def go_back(engine: Engine, places: dict[TopicPartition, int]) -> None:
    """As after so many idle days. The group has to be empty."""
    async with consumer(engine) as group:
        group.assign(PLACES)
        await group.commit(places)


async def left(engine: Engine, jobs: list[UUID]) -> tuple[list[tuple[Any, ...]], int, int]:
    """What the jobs left behind: their runs, effects and facts."""
    query = "SELECT job_id, state, sequence, done FROM ledger.runs WHERE job_id = ANY ($1) ORDER BY job_id"
    runs = await engine.owner.fetch(query, jobs)
    effects = await engine.owner.fetchval("SELECT count(*) FROM probe.effects WHERE job_id = ANY ($1)", jobs)
    facts = [event for event in await read_events(engine.bootstrap, jobs_topic("probe")) if event.job_id in jobs]
    return [tuple(run) for run in runs], effects, len(facts)


async def forget_some(engine: Engine, jobs: list[UUID]) -> None:
    """As if these were so old that their runs are no longer kept."""
    await engine.owner.execute(
        "UPDATE ledger.runs SET purged = true, swept = true, updated_at = now() - interval '31 days' "
        "WHERE job_id = ANY ($1)",
        jobs,
    )
    assert await engine.ledger.cleanup.forget_runs(timedelta(days=30), 100) == len(jobs)


async def test_requests_that_are_read_again_do_nothing_twice(engine: Engine) -> None:
    await create_topics(engine.bootstrap, REQUESTS, jobs_topic("probe"), work_topic("probe"))
    beginning = await ends(engine)
    jobs = [uuid4() for _ in range(8)]
    with processors() as some:
        first = some.start(engine, "probe")
        for job_id in jobs:
            data = JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters={"units": 3, "chunk_s": 0.01})
            await ask(engine, job_id, data)

        async def all_done() -> bool:
            found = await engine.owner.fetch("SELECT state FROM ledger.runs WHERE job_id = ANY ($1)", jobs)
            return [row["state"] for row in found] == ["completed"] * len(jobs)

        await until(all_done, within_s=120)
        await ask(engine, jobs[0], JobStopRequested(account_id=1, requested_by=2))
        await until(lambda: is_read(engine), within_s=60)
        first.terminate()
        await asyncio.to_thread(first.wait, 60)
        await forget_some(engine, jobs[::2])
        before = await left(engine, jobs)
        await go_back(engine, beginning)
        assert not await is_read(engine)
        some.start(engine, "probe")
        await until(lambda: is_read(engine), within_s=120)
        assert await left(engine, jobs) == before
