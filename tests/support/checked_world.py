"""Real jobs in every state, and copies of what they left, for planting bugs in."""

import mailbox
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from jobmonitor.checker import CheckSettings, Report, check
from jobmonitor.checker.client_history import Operation
from jobmonitor.contract.envelope import Event, encode
from jobmonitor.contract.events import JobStopRequested, JobSubmitted
from jobmonitor.contract.topics import Topic, catalogue, topic_of, view_topics
from jobmonitor.job.commands import RecordDownload
from jobmonitor.job_types.outside_probe.job_type import OutsideProbe
from jobmonitor.job_types.registry import slugs
from jobmonitor.job_types.user_data_import.job_type import UserDataImport
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.projection.settings import ProjectionSettings
from jobmonitor.reconciler.repairs import Repairs
from jobmonitor.reconciler.settings import ReconcilerSettings
from jobmonitor.runtime.kafka import Outgoing, Producer
from jobmonitor.runtime.topic_admin import create_topics as create_the_catalogues_topics
from support.brokers import broker_at
from support.engine import Engine, create_topics, heard, open_engine
from support.job_events import JobEvents
from support.projecting import Views
from support.servers import Database, Postgres
from support.uploading import store_upload
from support.waiting import until

ACCOUNT, OWNER, STRANGER = 1, 2, 90
"""The stranger belongs to account 9."""
IMPORTED = b"Email\r\nada@example.org\r\nno address\r\ngrace@example.org\r\n"
SOON = timedelta(milliseconds=300)
JOB_TYPES = ("probe", "user-data-import", "outside-probe")


@dataclass
class World:
    """What is there at one moment; ``jobs`` by what became of them."""

    database: Database
    kafka: KafkaServer
    folder: Path
    jobs: dict[str, UUID]
    clients: list[Operation] = field(default_factory=list)
    topic_type: str = ""
    """A job type of this copy alone: what is published under it no other copy reads."""
    catalogue: tuple[Topic, ...] = ()
    """How the topics should be; empty: as the catalogue says."""

    async def check(self, *, calm: bool = False, with_clients: bool = True, role: str | None = None) -> Report:
        settings = CheckSettings(
            owner_url=self.database.url(role) if role else self.database.owner_url,
            kafka=broker_at(self.kafka.bootstrap),
            object_store_url=f"file://{self.folder}",
            mail_folder=str(self.mail),
            catalogue=self.catalogue,
            topics=tuple(topic for slug in (*JOB_TYPES, self.topic_type) if slug for topic in view_topics(slug)),
        )
        return await check(settings, history=self.clients if with_clients else None, calm=calm)

    @property
    def mail(self) -> Path:
        """The folder of the mail sink."""
        return self.folder.parent / "mail"

    async def execute(self, statement: str, *arguments: object) -> None:
        """Change the database behind everybody's back; it has to change something."""
        connection = await asyncpg.connect(self.database.superuser_url)
        try:
            done = await connection.execute(statement, *arguments)
            assert not done.endswith(" 0"), f"{statement} changed nothing"
        finally:
            await connection.close()

    async def fetchval(self, query: str, *arguments: object) -> Any:
        connection = await asyncpg.connect(self.database.superuser_url)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    def elsewhere(self) -> JobEvents:
        """A job that runs elsewhere and is only reported here."""
        return JobEvents(job_type=self.topic_type)

    async def publish(self, events: Iterable[Event]) -> None:
        """Publish under this copy's own job type."""
        await create_topics(self.kafka.bootstrap, *view_topics(self.topic_type))
        producer = Producer(broker_at(self.kafka.bootstrap))
        await producer.start()
        try:
            await producer.send_messages(
                [
                    Outgoing(topic_of(event.data, self.topic_type), str(event.job_id).encode(), encode(event), "")
                    for event in events
                ]
            )
        finally:
            await producer.stop()

    async def fold(self) -> None:
        """Let the views take in what was published."""
        await project(self.database, self.kafka, self.topic_type)

    async def result_file(self, job: str) -> Path:
        """Where the result of this job lies."""
        place = "format('results/%s/%s/%s', account_id, job_id, result ->> 'name')"
        key = await self.fetchval(f"SELECT {place} FROM ledger.runs WHERE job_id = $1", self.jobs[job])
        return self.folder / str(key)


@dataclass(frozen=True)
class Worlds:
    """Two moments of one history: work in every state; and when all was done."""

    busy: World
    calm: World

    @asynccontextmanager
    async def copy_of(self, postgres: Postgres, folder: Path, *, calm: bool) -> AsyncIterator[World]:
        """A copy to do with as one likes."""
        original = self.calm if calm else self.busy
        copied = folder / "objects"
        shutil.copytree(original.folder, copied)
        shutil.copytree(original.mail, folder / "mail")
        database = postgres.copy_of(original.database)
        topic_type = f"t{uuid4().hex[:12]}"
        try:
            yield World(database, original.kafka, copied, original.jobs, list(original.clients), topic_type)
        finally:
            postgres.drop(database)


async def make_worlds(postgres: Postgres, kafka: KafkaServer, database: Database, folder: Path) -> Worlds:
    """Run the jobs, and keep both moments."""
    history: list[Operation] = []
    await create_the_catalogues_topics(broker_at(kafka.bootstrap), catalogue(slugs(with_probe=True)))
    async with open_engine(database, kafka, folder) as engine:
        jobs = await _Jobs(engine, database, history).run()
        await project(database, kafka, *JOB_TYPES)
    busy = World(postgres.copy_of(database), kafka, folder, jobs, history)
    async with open_engine(database, kafka, folder) as engine:
        await _finish(engine, jobs)
        await project(database, kafka, *JOB_TYPES)
    mailbox.Maildir(busy.mail)  # makes it
    return Worlds(busy, World(database, kafka, folder, jobs, history))


class _Jobs:
    """Jobs in every state, submitted as clients do."""

    def __init__(self, engine: Engine, database: Database, history: list[Operation]) -> None:
        self._engine = engine
        self._database = database
        self._history = history

    async def run(self) -> dict[str, UUID]:
        engine = self._engine
        await self._add_accounts()
        jobs = {"completed": await self._submit(units=5)}
        await engine.run_to_end(jobs["completed"])
        jobs["downloaded"] = await self._submit(units=3)
        await engine.run_to_end(jobs["downloaded"])
        async with engine.ledger.transaction() as ledger:
            ledger.apply(await ledger.lock(jobs["downloaded"]), RecordDownload(downloaded_by=OWNER))
        self._tell("download", jobs["downloaded"])
        engine.probe.small = True
        jobs["small"] = await self._submit(units=4)
        engine.probe.small = False
        jobs["failed"] = await self._submit(units=-1)
        await engine.run_to_end(jobs["failed"])
        jobs["never started"] = await self._submit(run_at=datetime.now(UTC) + timedelta(days=1))
        await self._stop(jobs["never started"])
        jobs["scheduled"] = await self._submit(run_at=datetime.now(UTC) + timedelta(days=1))
        jobs["on time"] = await self._submit(units=2, run_at=datetime.now(UTC) + SOON)
        await until(engine.ledger.queue_due)
        await engine.run_to_end(jobs["on time"])
        jobs["imported"] = await self._import()
        jobs["called"] = await self._call()
        jobs["running"] = await self._submit(units=10)
        for chunk in (0, 1):
            await engine.runner.run(jobs["running"], chunk)
        jobs["stopping"] = await self._submit(units=10)
        await engine.runner.run(jobs["stopping"], 0)
        await engine.ledger.claims.claim(jobs["stopping"], 1, job_type="probe", lease=timedelta(hours=1))
        await self._stop(jobs["stopping"])
        jobs["queued"] = await self._submit(units=1)
        return jobs

    async def _add_accounts(self) -> None:
        connection = await asyncpg.connect(self._database.superuser_url)
        for account_id, user_id in ((ACCOUNT, OWNER), (9, STRANGER)):
            await connection.execute(
                "INSERT INTO crm.accounts (id, name, country, default_currency) VALUES ($1, 'Demo', 'CA', 'CAD') "
                "ON CONFLICT DO NOTHING",
                account_id,
            )
            await connection.execute(
                "INSERT INTO crm.users (id, account_id, email, name, user_type, password_hash) "
                "VALUES ($1, $2, $1::bigint || '@example.org', 'Ada', 'admin', 'hash') "
                "ON CONFLICT DO NOTHING",
                user_id,
                account_id,
            )
        await connection.close()

    async def _submit(self, *, run_at: datetime | None = None, **parameters: Any) -> UUID:
        whole = {"units": 10, "chunk_units": 2} | parameters
        job_id = await self._publish(
            JobSubmitted(account_id=ACCOUNT, owner_id=OWNER, job_type="probe", parameters=whole, run_at=run_at)
        )
        await self._engine.submit(job_id=job_id, run_at=run_at, **parameters)
        return job_id

    async def _publish(self, submission: JobSubmitted) -> UUID:
        job_id = uuid4()
        await self._send(job_id, submission.job_type, submission)
        self._tell("submit", job_id, account_id=ACCOUNT, parameters=submission.parameters)
        self._tell("read", job_id)
        return job_id

    async def _stop(self, job_id: UUID) -> None:
        request = JobStopRequested(account_id=ACCOUNT, requested_by=OWNER)
        await self._send(job_id, "probe", request)
        await self._engine.ledger.stop(job_id, request, datetime.now(UTC), stoppable=True)
        self._tell("stop", job_id)

    async def _send(self, job_id: UUID, job_type: str, data: JobSubmitted | JobStopRequested) -> None:
        event = Event(id=str(uuid4()), source="/tests", job_id=job_id, time=datetime.now(UTC), data=data)
        await self._engine.producer.send(topic_of(data, job_type), event)

    def _tell(self, operation: str, job_id: UUID, **says: Any) -> None:
        self._history.append(Operation(operation=operation, job_id=job_id, outcome="ok", **says))

    async def _call(self) -> UUID:
        engine, job_type = self._engine, OutsideProbe()
        parameters = {"units": 6, "chunk_units": 4, "refuse_every": 3}
        submission = JobSubmitted(account_id=ACCOUNT, owner_id=OWNER, job_type=job_type.slug, parameters=parameters)
        job_id = await self._publish(submission)
        await engine.acceptor_for(job_type).accept([heard(job_id, submission)])
        for chunk in (0, 1, 2, 3):
            await engine.runner_for(job_type).run(job_id, chunk)
        return job_id

    async def _import(self) -> UUID:
        engine, job_type = self._engine, UserDataImport()
        connection = await asyncpg.connect(self._database.superuser_url)
        upload_id = await store_upload(connection, engine.objects, job_type, IMPORTED, "people.csv")
        await connection.close()
        submission = JobSubmitted(
            account_id=ACCOUNT,
            owner_id=OWNER,
            job_type="user-data-import",
            parameters={"upload": str(upload_id)},
        )
        job_id = await self._publish(submission)
        await engine.acceptor_for(job_type).accept([heard(job_id, submission)])
        return job_id


async def _finish(engine: Engine, jobs: dict[str, UUID]) -> None:
    for name in ("running", "queued"):
        await engine.run_to_end(jobs[name])
    await engine.end_leases(jobs["stopping"])
    await engine.ledger.finish_stops()
    await engine.run_to_end(jobs["stopping"])
    settings = ReconcilerSettings(
        database_url=engine.settings.database_url, object_store_url=engine.settings.object_store_url
    )
    await Repairs(engine.ledger, engine.producer, engine.objects, settings).sweep_parts()


async def project(database: Database, kafka: KafkaServer, *job_types: str) -> None:
    """Fold everything in the topics of these job types."""
    settings = ProjectionSettings(
        database_url=database.url("jobmonitor_projection"),
        kafka_bootstrap=kafka.bootstrap,
        projection_group=f"projection-{uuid4()}",
        projection_topics=",".join(topic for slug in job_types for topic in view_topics(slug)),
    )
    producer = Producer(broker_at(kafka.bootstrap))
    await producer.start()
    views = [Views(settings, slug, producer, database.owner_url, kafka.bootstrap) for slug in job_types]
    async with views[0].projecting():
        for view in views:
            await view.caught_up()
    await producer.stop()


def told(report: Report) -> str:
    """All that is wrong, for a failing test's output."""
    return "\n".join(str(example) for finding in report.findings for example in finding.examples)
