"""A new version is rolled out while jobs run: workers are replaced one by one, and no chunk is held up for long."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx2
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import ChunkDispatched, JobSubmitted
from jobmonitor.contract.topics import requests_topic, work_topic
from jobmonitor.local.ports import free_port
from jobmonitor.reconciler.repairs import Repairs
from jobmonitor.reconciler.settings import ReconcilerSettings
from support.engine import Engine, create_topics, pass_over, read_events
from support.people import add_people
from support.processors import Processors, processors
from support.servers import Database
from support.waiting import until

REQUESTS, WORK = requests_topic("probe"), work_topic("probe")
ACCOUNTS = range(30, 36)
UNITS = 6
HELD_UP_AT_MOST_S = 3.0
CLAIMS = """
CREATE TABLE probe.claims (job_id uuid, chunk int, kind text, attempt int, open_at timestamptz, claimed_at timestamptz);
CREATE FUNCTION probe.note_claim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO probe.claims
    SELECT new.job_id, new.chunk, new.kind, new.attempt,
           coalesce(old.lease_until, old.dispatched_at), clock_timestamp();
    RETURN NULL;
END $$;
CREATE TRIGGER note_claim AFTER UPDATE ON ledger.chunks FOR EACH ROW
    WHEN (new.lease_token IS NOT NULL AND new.attempt > old.attempt) EXECUTE FUNCTION probe.note_claim();
"""
"""Of each claim since when the chunk was open: handed out, or given back."""


def owner_of(account_id: int) -> int:
    return 1_000 + account_id


@pytest.fixture
async def engine(engine: Engine, database: Database) -> Engine:
    await create_topics(engine.bootstrap, REQUESTS, WORK)
    await pass_over(engine.bootstrap, "jobmonitor-processor-probe", REQUESTS, WORK)
    await add_people(database.superuser_url, *((account_id, owner_of(account_id)) for account_id in ACCOUNTS))
    await engine.owner.execute(CLAIMS)
    return engine


class Load:
    """Jobs that keep coming, of some accounts in turns; chunks of every twelfth outlast the grace of a stop.

    They keep a third of the workers' slots busy: a chunk that waits does not wait for a slot.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.jobs: list[UUID] = []

    async def go_on(self) -> None:
        while True:
            await self._submit(ACCOUNTS[len(self.jobs) % len(ACCOUNTS)])
            await asyncio.sleep(0.5)

    async def _submit(self, account_id: int) -> None:
        chunk_s = 1.5 if len(self.jobs) % 12 == 0 else 0.2
        parameters = {"units": UNITS, "chunk_s": chunk_s, "hears_stop": False, "file": False}
        data = JobSubmitted(
            account_id=account_id, owner_id=owner_of(account_id), job_type="probe", parameters=parameters
        )
        event = Event(id=str(uuid4()), source="/tests", job_id=uuid4(), time=datetime.now(UTC), data=data)
        await self._engine.producer.send(REQUESTS, event)
        self.jobs.append(event.job_id)

    async def some_done(self) -> bool:
        return bool(await self._engine.owner.fetchval("SELECT count(*) > 5 FROM ledger.runs WHERE state = 'completed'"))

    async def all_done(self) -> bool:
        done = await self._engine.owner.fetchval(
            "SELECT count(*) FROM ledger.runs WHERE job_id = ANY ($1) AND state = 'completed'", self.jobs
        )
        return bool(done == len(self.jobs))


@asynccontextmanager
async def under_load(engine: Engine) -> AsyncIterator[Load]:
    load = Load(engine)
    async with asyncio.TaskGroup() as group:
        going = [group.create_task(load.go_on()), group.create_task(reconcile(engine))]
        await asyncio.sleep(0)
        yield load
        for task in going:
            task.cancel()


async def reconcile(engine: Engine) -> None:
    """What the reconciler does for chunks, as often and as patiently as it does."""
    settings = ReconcilerSettings(
        database_url=engine.settings.database_url, object_store_url=engine.settings.object_store_url, with_probe=True
    )
    repairs = Repairs(engine.ledger, engine.producer, engine.objects, settings)
    while True:
        await repairs.send_leftover_messages()
        await repairs.redispatch_chunks()
        await asyncio.sleep(settings.reconcile_every_s)


async def shared_out(engine: Engine, workers: int) -> None:
    """Wait until the group has so many members and its partitions are given out."""
    await until(lambda: _is_shared_out(engine, workers), within_s=60)


async def _is_shared_out(engine: Engine, workers: int) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=engine.bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups(["jobmonitor-processor-probe"])
        (_, _, group_state, _, _, found, *_) = answer.groups[0]
        return group_state == "Stable" and len(found) == workers
    finally:
        await admin.close()


async def start_worker(engine: Engine, some: Processors, *, workers: int) -> "subprocess.Popen[bytes]":
    """Start one, and wait until it says that it is ready, as who rolls out does, and is one of so many."""
    port = free_port()
    changed = {"JOBMONITOR_LEASE_S": "10", "JOBMONITOR_STOP_GRACE_S": "1", "JOBMONITOR_METRICS_PORT": str(port)}
    worker = some.start(engine, "probe", **changed)
    await until(lambda: _is_ready(port), within_s=60)
    await shared_out(engine, workers)
    return worker


async def _is_ready(port: int) -> bool:
    async with httpx2.AsyncClient() as client:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/readyz")).is_success
        except httpx2.TransportError:
            return False


async def stopped(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to end, and wait until it has."""
    process.terminate()
    assert await asyncio.to_thread(process.wait, 60) == 0


async def held_up(engine: Engine) -> list[tuple[float, str]]:
    """How long each chunk had been open when it was claimed, the longest first."""
    rows = await engine.owner.fetch(
        "SELECT extract(epoch FROM claimed_at - open_at)::float8 AS waited_s, kind, chunk, attempt "
        "FROM probe.claims ORDER BY waited_s DESC"
    )
    return [(row["waited_s"], f"{row['kind']} {row['chunk']}, attempt {row['attempt']}") for row in rows]


async def test_the_workers_are_told_at_once_of_a_chunk_that_is_given_back(engine: Engine) -> None:
    job_id = await engine.submit(units=20)
    await engine.runner.run(job_id, 0)
    claim = await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=engine.lease)
    assert claim is not None
    for _ in range(2):
        await engine.ledger.give_back(claim)
    told = [event for event in await read_events(engine.bootstrap, WORK) if event.job_id == job_id]
    hints = [event.data for event in told if isinstance(event.data, ChunkDispatched) and event.data.chunk == 1]
    assert sorted((hint.kind, hint.attempt) for hint in hints) == [("work", 1), ("work", 2)]


async def test_a_rolling_restart_holds_up_no_chunk_and_loses_nothing(engine: Engine) -> None:
    """The first is replaced by one that comes after it, the others by one that is ready before."""
    with processors() as some:
        old = [await start_worker(engine, some, workers=number) for number in (1, 2, 3)]
        async with under_load(engine) as load:
            await until(load.some_done)
            await stopped(old[0])
            await start_worker(engine, some, workers=3)
            await start_worker(engine, some, workers=4)
            await stopped(old[1])
            await start_worker(engine, some, workers=4)
            await stopped(old[2])
            await shared_out(engine, 3)
        await until(load.all_done, within_s=60)
        waited = await held_up(engine)
        assert len(waited) >= len(load.jobs) * (UNITS + 2)
        assert waited[0][0] <= HELD_UP_AT_MOST_S, waited[:5]
        assert len(await engine.effects()) == len(load.jobs) * UNITS
