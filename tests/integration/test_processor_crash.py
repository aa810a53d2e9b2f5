"""A bug of the engine ends a processor; what it leaves behind, others take over at once."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.topics import requests_topic, work_topic
from support.buggy_processor import BUG_UNITS
from support.engine import Engine, create_topics, pass_over
from support.processors import processors
from support.waiting import until

GROUP = "jobmonitor-processor-probe"


@pytest.fixture
async def engine(engine: Engine) -> Engine:
    topics = requests_topic("probe"), work_topic("probe")
    await create_topics(engine.bootstrap, *topics)
    await pass_over(engine.bootstrap, GROUP, *topics)
    return engine


async def members(engine: Engine) -> int:
    """How many processes the broker believes to be in the group."""
    admin = AIOKafkaAdminClient(bootstrap_servers=engine.bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([GROUP])
        (_, _, _, _, _, found, *_) = answer.groups[0]
        return len(found)
    finally:
        await admin.close()


async def submit(engine: Engine, **parameters: Any) -> UUID:
    data = JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters={"units": 1, "file": False} | parameters)
    event = Event(id=str(uuid4()), source="/tests", job_id=uuid4(), time=datetime.now(UTC), data=data)
    await engine.producer.send(requests_topic("probe"), event)
    return event.job_id


async def test_a_processor_that_ends_by_a_bug_leaves_its_group_first(engine: Engine) -> None:
    """Else the broker would miss it only after ten seconds, in which nobody reads its partitions."""
    with processors() as some:
        process = some.start(engine, "probe", module="support.buggy_processor")
        await submit(engine, chunk_units=BUG_UNITS, chunk_s=0.01)
        assert await asyncio.to_thread(process.wait, 60) == 1
        assert await members(engine) == 0


async def test_a_crash_is_a_try_of_the_chunk_at_fault_and_of_no_other(engine: Engine) -> None:
    """Else five crashes would fail whatever job was at work beside."""
    with processors() as some:
        process = some.start(engine, "probe", module="support.buggy_processor")
        honest = await submit(engine, chunk_s=30)

        async def under_way() -> bool:
            (_, leased) = await tries_of(engine, honest)
            return leased

        await until(under_way, within_s=60)
        faulty = await submit(engine, chunk_units=BUG_UNITS, chunk_s=0.01)
        assert await asyncio.to_thread(process.wait, 60) == 1
    assert await tries_of(engine, honest) == (0, False), "anybody may claim it at once, and no try is lost"
    assert await tries_of(engine, faulty) == (1, True), "its lease has to end, and its try counts"


async def tries_of(engine: Engine, job_id: UUID) -> tuple[int, bool]:
    """Of the job's piece of work: the tries that count, and whether somebody holds a lease of it."""
    row = await engine.owner.fetchrow(
        "SELECT attempt - uncounted AS tries, lease_token IS NOT NULL AS leased FROM ledger.chunks "
        "WHERE job_id = $1 AND kind = 'work'",
        job_id,
    )
    return (row["tries"], row["leased"]) if row else (0, False)


async def test_a_processor_started_again_under_its_name_reads_on_before_the_broker_missed_it(engine: Engine) -> None:
    """Killed outright it says nothing. Without a name its partitions would be read by nobody for the ten seconds of the
    group's session; with one the broker knows it again, and the group never has a second member."""
    with processors() as some:
        first = some.start(engine, "probe", JOBMONITOR_KAFKA_INSTANCE="worker-1")
        await ends(engine, await submit(engine))
        first.kill()
        some.start(engine, "probe", JOBMONITOR_KAFKA_INSTANCE="worker-1")
        assert await ends(engine, await submit(engine)) == 1, "at no moment are there the dead one and the new one"


async def test_a_processor_with_a_name_leaves_its_group_when_it_is_stopped(engine: Engine) -> None:
    """It may have been taken away for good: others take over at once."""
    with processors() as some:
        process = some.start(engine, "probe", JOBMONITOR_KAFKA_INSTANCE="worker-1")
        await ends(engine, await submit(engine))
        process.terminate()
        assert await asyncio.to_thread(process.wait, 60) == 0
        assert await members(engine) == 0


async def ends(engine: Engine, job_id: UUID) -> int:
    """Wait until the job is completed; returns how many members its workers' group had meanwhile, at most."""
    most = 0

    async def is_over() -> bool:
        nonlocal most
        most = max(most, await members(engine))
        state: str = await engine.owner.fetchval("SELECT state FROM ledger.runs WHERE job_id = $1", job_id)
        return state == "completed"

    await until(is_over, within_s=60)
    return most
