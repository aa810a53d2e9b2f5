"""The engine without Faust: a ledger on real servers whose dispatched chunks a test runs one by one, as it likes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import CommitFailedError, TopicAlreadyExistsError

from jobmonitor.contract.envelope import Event, Undecodable, decode
from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.topics import jobs_topic, view_topics, work_topic
from jobmonitor.database.pool import Pool, open_pool
from jobmonitor.job_types.cpu_pool import CpuPool
from jobmonitor.job_types.hooks import JobTypeHooks
from jobmonitor.job_types.protocol import JobType
from jobmonitor.ledger import Ledger
from jobmonitor.processor.acceptor import Acceptor, LoadStandings, Submission
from jobmonitor.processor.chunks import ChunkRunner
from jobmonitor.processor.inline_runner import InlineRunner
from jobmonitor.processor.planner import Planner
from jobmonitor.processor.result_files import ResultFiles
from jobmonitor.processor.settings import ProcessorSettings
from jobmonitor.processor.shares import connections
from jobmonitor.processor.slots import Hint, Slots
from jobmonitor.reconciler.repairs import Repairs
from jobmonitor.reconciler.settings import ReconcilerSettings
from jobmonitor.runtime.failures import TEMPORARY
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.objects import ObjectStore
from support.brokers import broker_at
from support.people import add_people, everybody_may
from support.probe import FailingProbe
from support.waiting import until

PARTITIONS = 4
Answer = TypeVar("Answer")


@dataclass
class Engine:
    """One worker's worth of engine, and what a test needs to look behind it."""

    ledger: Ledger
    producer: Producer
    objects: ObjectStore
    probe: FailingProbe
    owner: "asyncpg.Connection[asyncpg.Record]"
    owner_url: str
    bootstrap: str
    settings: ProcessorSettings
    cpu: CpuPool
    served: dict[str, JobType[Any]]
    """By slug; whose hooks are called."""
    pools: tuple[Pool, ...]
    runner: ChunkRunner = field(init=False)
    acceptor: Acceptor = field(init=False)

    def __post_init__(self) -> None:
        self.serve(self.probe)

    @property
    def lease(self) -> timedelta:
        """How long a claim lasts."""
        return timedelta(seconds=self.settings.lease_s)

    def cut_off(self) -> None:
        """As if this worker were killed: it reaches the database no more, and nothing it had begun is committed."""
        for pool in self.pools:
            pool.terminate()

    def use(self, probe: FailingProbe) -> None:
        """Let the jobs be of this probe from now on."""
        self.probe = probe
        self.serve(probe)

    def serve(self, job_type: JobType[Any]) -> None:
        """Work on jobs of this type from now on."""
        self.runner = self.runner_for(job_type)
        self.acceptor = self.acceptor_for(job_type)

    def runner_for(self, job_type: JobType[Any]) -> ChunkRunner:
        """It runs this type's chunks, whatever the engine works on; from now on its slug means it."""
        self.served[job_type.slug] = job_type
        return ChunkRunner(job_type, self.ledger, self.objects, self.settings, self.cpu)

    def acceptor_for(self, job_type: JobType[Any], load_standings: LoadStandings | None = everybody_may) -> Acceptor:
        """It accepts this type's jobs, and its slug means it. ``load_standings``: None looks people up."""
        self.served[job_type.slug] = job_type
        files = ResultFiles(self.objects, self.settings.result_retention_days)
        inline = InlineRunner(job_type, self.objects, files, self.cpu)
        planner = Planner(Slots(_no_plan, crash=_crash, slots=0))
        return Acceptor(job_type, self.ledger, inline, planner, load_standings=load_standings)

    async def submit(self, *, job_id: UUID | None = None, run_at: Any = None, **parameters: Any) -> UUID:
        """Take a probe job up, as if its submission had been heard."""
        job_id = job_id or uuid4()
        submission = JobSubmitted(
            account_id=1,
            owner_id=2,
            job_type="probe",
            parameters={"units": 10, "chunk_units": 2} | parameters,
            run_at=run_at,
        )
        await self.acceptor.accept([heard(job_id, submission)])
        return job_id

    async def dispatched(self, job_id: UUID) -> list[int]:
        """The chunks that may be claimed now or later, in order."""
        rows = await self.owner.fetch(
            "SELECT chunk FROM ledger.chunks JOIN ledger.runs AS r USING (job_id) WHERE job_id = $1 "
            "AND chunks.state = 'dispatched' AND (r.state IN ('queued', 'running') "
            "OR (r.state = 'stopping' AND kind = 'assemble')) ORDER BY chunk",
            job_id,
        )
        return [row["chunk"] for row in rows]

    async def run_to_end(self, job_id: UUID) -> None:
        """Run whatever is dispatched until nothing is."""
        while chunks := await self.dispatched(job_id):
            for chunk in chunks:
                await self.runner.run(job_id, chunk)

    async def run(self, job_id: UUID) -> asyncpg.Record:
        """The run as it stands."""
        row = await self.owner.fetchrow("SELECT * FROM ledger.runs WHERE job_id = $1", job_id)
        assert row is not None
        return row

    async def effects(self) -> list[int]:
        """The units whose effects were committed, sorted; a unit done twice stands twice."""
        rows = await self.owner.fetch("SELECT unit FROM probe.effects ORDER BY unit")
        return [row["unit"] for row in rows]

    async def facts(self, job_id: UUID) -> list[Any]:
        """What the job's topic says of it by now, in order."""
        return [
            event.data for event in await read_events(self.bootstrap, jobs_topic("probe")) if event.job_id == job_id
        ]

    async def end_leases(self, job_id: UUID) -> None:
        """As if so much time had passed that every lease and every pause is over."""
        await self.owner.execute(
            "UPDATE ledger.chunks SET lease_until = now() - interval '1 s' WHERE job_id = $1", job_id
        )

    async def reconnect(self) -> None:
        """After the database was away: a new connection for looking behind the engine."""
        self.owner = await until(lambda: _if_reachable(asyncpg.connect(self.owner_url)))

    async def mend_until(
        self, state: Callable[[], Awaitable[str | None]], wanted: str, *, within_s: float = 30.0
    ) -> None:
        """Do what the reconciler would do, until the job is in the wanted state."""
        settings = ReconcilerSettings(
            database_url=self.settings.database_url,
            object_store_url=self.settings.object_store_url,
            with_probe=True,
            unclaimed_after_s=1,
        )
        repairs = Repairs(self.ledger, self.producer, self.objects, settings)

        async def mended() -> bool:
            await _if_reachable(repairs.send_leftover_messages())
            await _if_reachable(repairs.redispatch_chunks())
            return await state() == wanted

        await until(mended, within_s=within_s)


async def _if_reachable(reach: Awaitable[Answer]) -> Answer | None:
    """None where a service is away for now, as the processes take it."""
    try:
        return await reach
    except TEMPORARY:
        return None


@asynccontextmanager
async def open_engine(database: Any, kafka: Any, folder: Path, **changed: Any) -> AsyncIterator[Engine]:
    """An engine on a fresh database, with the probe's topics and the changed settings."""
    await create_topics(kafka.bootstrap, *view_topics("probe"), work_topic("probe"))
    await add_people(database.superuser_url, (1, 2))
    owner = await asyncpg.connect(database.owner_url)
    settings = ProcessorSettings(
        database_url=database.url("jobmonitor_worker"),
        kafka_bootstrap=kafka.bootstrap,
        object_store_url=f"file://{folder}",
        account_jobs_max=3,
        **changed,
    )
    size = connections(1).pool
    pool = await open_pool(settings.database_url, size=size, application_name="test", silence_s=settings.silence_s)
    leases_pool = await open_pool(settings.database_url, size=1, application_name="test", silence_s=settings.silence_s)
    producer = Producer(broker_at(kafka.bootstrap))
    await producer.start()
    objects = ObjectStore(settings.object_store_url)
    served: dict[str, JobType[Any]] = {}
    hooks = JobTypeHooks(served.__getitem__, objects)
    ledger = Ledger(pool, producer, "/jobmonitor/test", settings, hooks, leases_pool)
    cpu = CpuPool(settings.cpu_processes)
    try:
        yield Engine(
            ledger=ledger,
            producer=producer,
            objects=objects,
            probe=FailingProbe(),
            owner=owner,
            owner_url=database.owner_url,
            bootstrap=kafka.bootstrap,
            settings=settings,
            cpu=cpu,
            served=served,
            pools=(pool, leases_pool),
        )
    finally:
        cpu.close()
        await ledger.outbox.close()
        await producer.stop()
        await pool.close()
        await leases_pool.close()
        await owner.close()


async def _no_plan(hint: Hint) -> None:
    """Plans are run by the tests, like any chunk."""


def _crash(error: BaseException) -> NoReturn:
    raise error


def heard(job_id: UUID, data: JobSubmitted) -> Submission:
    """A submission as a worker hears it."""
    return Submission(job_id, str(uuid4()), datetime.now(UTC), data)


async def pass_over(bootstrap: str, group: str, *topics: str) -> None:
    """Let the group begin behind what other tests left on these topics, as soon as nobody of theirs is in it."""
    places = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False) as consumer:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)

        async def committed() -> bool:
            with suppress(CommitFailedError):
                await consumer.commit(ends)
                return True
            return False

        await until(committed, within_s=60)


async def create_topics(bootstrap: str, *names: str) -> None:
    """Create these topics unless they exist."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        for name in names:
            try:
                await admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, replication_factor=1)])
            except TopicAlreadyExistsError:
                continue
    finally:
        await admin.close()


async def read_events(bootstrap: str, topic: str) -> list[Event]:
    """All events in the topic at this moment; what does not decode is passed over."""
    events = []
    for record in await read_records(bootstrap, topic):
        try:
            events.append(decode(record.value))
        except Undecodable:
            continue
    return events


async def read_records(bootstrap: str, topic: str) -> list[Any]:
    """All records in the topic at this moment."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        found: list[Any] = []
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                batches = await consumer.getmany(partition, timeout_ms=1000)
                found += [record for records in batches.values() for record in records]
        return found
    finally:
        await consumer.stop()
