"""Long chunks on real servers: nobody waits behind them, neither other chunks nor a worker that joins."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import ChunkDispatched, JobStopRequested, JobSubmitted
from jobmonitor.contract.topics import DEAD_LETTERS, requests_topic, work_topic
from support.engine import Engine, create_topics, pass_over, read_records
from support.people import add_people
from support.processors import processors
from support.servers import Database
from support.waiting import until

REQUESTS, WORK = requests_topic("probe"), work_topic("probe")


@pytest.fixture
async def engine(engine: Engine, database: Database) -> Engine:
    await create_topics(engine.bootstrap, REQUESTS, WORK, DEAD_LETTERS)
    await pass_over(engine.bootstrap, "jobmonitor-processor-probe", REQUESTS, WORK)
    await add_people(database.superuser_url, *((account_id, owner(account_id)) for account_id in range(1, 30)))
    return engine


def owner(account_id: int) -> int:
    """The account's only user."""
    return 1_000 + account_id


async def publish(engine: Engine, data: Any, *, job_id: UUID | None = None, topic: str = REQUESTS) -> UUID:
    job_id = job_id or uuid4()
    await engine.producer.send(
        topic, Event(id=str(uuid4()), source="/tests", job_id=job_id, time=datetime.now(UTC), data=data)
    )
    return job_id


async def submit(engine: Engine, account_id: int = 1, **parameters: Any) -> UUID:
    parameters = {"units": 1, "file": True} | parameters
    return await publish(
        engine, JobSubmitted(account_id=account_id, owner_id=owner(account_id), job_type="probe", parameters=parameters)
    )


async def state(engine: Engine, job_id: UUID) -> str | None:
    found: str | None = await engine.owner.fetchval("SELECT state FROM ledger.runs WHERE job_id = $1", job_id)
    return found


def reaches(engine: Engine, job_id: UUID, wanted: str) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return await state(engine, job_id) == wanted

    return reached


async def assembling(engine: Engine) -> int:
    """How many assemblies are under way."""
    count: int = await engine.owner.fetchval(
        "SELECT count(*) FROM ledger.chunks WHERE kind = 'assemble' AND state = 'dispatched' AND lease_until > now()"
    )
    return count


async def test_long_assemblies_stop_neither_plans_nor_work_of_the_same_type(engine: Engine) -> None:
    """More of them than there are partitions: each partition has one at its head."""
    with processors() as some:
        some.start(engine, "probe")
        for account_id in range(10, 20):
            await submit(engine, account_id, assemble_s=600)

        async def many() -> bool:
            return await assembling(engine) >= 4

        await until(many, within_s=60)
        other = await submit(engine, units=20, chunk_units=1, chunk_s=0.01, file=False)
        await until(
            lambda: engine.owner.fetchval("SELECT 1 FROM ledger.runs WHERE job_id = $1 AND chunks_done = 20", other)
        )


async def shared_out(engine: Engine, members: int) -> bool:
    """Whether the group has so many members, and its partitions are given out."""
    admin = AIOKafkaAdminClient(bootstrap_servers=engine.bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups(["jobmonitor-processor-probe"])
        (_, _, group_state, _, _, found, *_) = answer.groups[0]
        return group_state == "Stable" and len(found) == members
    finally:
        await admin.close()


async def test_a_worker_that_joins_takes_over_within_seconds_while_another_assembles(engine: Engine) -> None:
    with processors() as some:
        some.start(engine, "probe")
        long = await submit(engine, assemble_s=40)

        async def begun() -> bool:
            return await assembling(engine) == 1

        await until(begun, within_s=60)
        some.start(engine, "probe")
        await until(lambda: shared_out(engine, 2), within_s=20)
        # Many enough that some come to partitions of the one that joined.
        jobs = [await submit(engine, account_id, units=4, chunk_s=0.01, file=False) for account_id in range(10, 26)]
        for job_id in jobs:
            await until(reaches(engine, job_id, "completed"), within_s=20)
        assert await state(engine, long) == "running"
        await until(reaches(engine, long, "completed"), within_s=60)
        tries = await engine.owner.fetchval("SELECT max(attempt) FROM ledger.chunks WHERE job_id = $1", long)
        assert tries == 1


async def test_at_an_orderly_stop_a_long_chunk_is_given_back_and_done_by_another_worker(engine: Engine) -> None:
    with processors() as some:
        first = some.start(engine, "probe", JOBMONITOR_STOP_GRACE_S="1")
        job_id = await submit(engine, assemble_s=5)

        async def begun() -> bool:
            return await assembling(engine) == 1

        await until(begun, within_s=60)
        first.terminate()
        assert await asyncio.to_thread(first.wait, 30) == 0
        assert await assembling(engine) == 0, "nobody has to wait for its lease to end"
        some.start(engine, "probe")
        await engine.mend_until(lambda: state(engine, job_id), "completed", within_s=60)


async def test_a_stop_takes_effect_within_two_seconds_while_chunks_are_in_flight(engine: Engine) -> None:
    with processors() as some:
        some.start(engine, "probe", JOBMONITOR_STOP_ASSEMBLY_S="0.5")
        planning = await submit(engine, 10, units=100, plan_s=600)
        working = await submit(engine, 11, units=4, chunk_s=30)
        assembling_job = await submit(engine, 12, assemble_s=600)

        async def under_way() -> bool:
            kinds = await engine.owner.fetch("SELECT kind FROM ledger.chunks WHERE lease_until > now()")
            return {"plan", "work", "assemble"} == {row["kind"] for row in kinds}

        await until(under_way, within_s=60)
        for account_id, job_id in ((10, planning), (11, working), (12, assembling_job)):
            await publish(
                engine, JobStopRequested(account_id=account_id, requested_by=owner(account_id)), job_id=job_id
            )
        for job_id in (planning, working, assembling_job):
            await until(reaches(engine, job_id, "cancelled"), within_s=2)


async def test_what_is_no_chunk_of_the_topics_type_becomes_a_dead_letter_and_ends_nothing(engine: Engine) -> None:
    with processors() as some:
        process = some.start(engine, "probe")
        foreign = ChunkDispatched(account_id=1, job_type="user-data-export", chunk=0, kind="plan", attempt=1)
        stray = await publish(engine, foreign, topic=WORK)
        submission = JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters={})
        request = await publish(engine, submission, topic=WORK)
        job_id = await submit(engine, units=2, chunk_s=0.01)
        await until(reaches(engine, job_id, "completed"), within_s=60)

        async def kept() -> bool:
            letters = await read_records(engine.bootstrap, DEAD_LETTERS)
            reasons = {each.key: dict(each.headers).get("dead-letter-reason", b"").decode() for each in letters}
            return all("chunks of probe jobs" in reasons.get(str(job).encode(), "") for job in (stray, request))

        await until(kept)
        assert process.poll() is None


async def test_a_hint_of_a_chunk_of_another_type_runs_nothing(engine: Engine) -> None:
    """Even where the hint lies about the type: the ledger knows better."""
    job_id = await engine.submit(units=2)
    await engine.owner.execute("UPDATE ledger.runs SET job_type = 'user-data-export' WHERE job_id = $1", job_id)
    await engine.runner.run(job_id, 0)
    assert (await engine.run(job_id))["state"] == "queued"


async def hint_pauses(engine: Engine, job_id: UUID, rounds: int) -> list[int]:
    """How many looks, a second apart, it took until each next hint of a chunk that nobody claims."""
    looks: list[int] = []
    for _ in range(rounds):
        look = 0
        while not await engine.ledger.hint_open_chunks(unclaimed_after=timedelta(seconds=1)):
            look += 1
            await engine.owner.execute(
                "UPDATE ledger.chunks SET dispatched_at = dispatched_at - interval '1 s' WHERE job_id = $1", job_id
            )
        looks.append(look)
    return looks


async def test_a_chunk_that_only_waits_is_told_of_ever_more_seldom_and_on_other_partitions(engine: Engine) -> None:
    job_id = await engine.submit(units=2)
    looks = await hint_pauses(engine, job_id, 7)
    assert looks == sorted(looks)
    assert looks[0] <= 2
    assert 15 <= looks[5] == looks[6] <= 17
    records = await read_records(engine.bootstrap, WORK)
    ours = [record for record in records if (record.key or b"").startswith(str(job_id).encode())]
    assert len({record.key for record in ours}) == len(ours) == 8
