"""A projection on real servers, in the test or as a process, with a topic of its own; and what its views show."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from jobmonitor.contract.envelope import Event, Undecodable, decode, encode
from jobmonitor.contract.topics import DEAD_LETTERS, jobs_topic, requests_topic, topic_of, view_topics
from jobmonitor.database.pool import open_pool
from jobmonitor.projection.dead_letters import DeadLetterBox
from jobmonitor.projection.projector import Projector
from jobmonitor.projection.settings import ProjectionSettings
from jobmonitor.projection.store import Store
from jobmonitor.runtime.consumer import new_consumer
from jobmonitor.runtime.dead_letters import PREFIX
from jobmonitor.runtime.kafka import Outgoing, Producer
from support.brokers import broker_at
from support.engine import PARTITIONS, create_topics, read_records
from support.job_events import JobEvents, ordinary_life
from support.waiting import until

VIEWS = ("job_monitor", "job_history")
TABLES = (*VIEWS, "job_timeline")


class Read(NamedTuple):
    """A message as if it had been read from Kafka."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def home_of(value: bytes | None, job_type: str) -> str:
    """The topic on which a message belongs; one that is no event stands among the facts."""
    try:
        return topic_of(decode(value).data, job_type)
    except Undecodable:
        return jobs_topic(job_type)


def arrived(event: Event, partition: int, *, job_type: str, offset: int = 0) -> Read:
    """The event as a message on its own topic."""
    value = encode(event)
    return Read(home_of(value, job_type), partition, offset, b"", value)


def process_environment(settings: ProjectionSettings) -> dict[str, str]:
    """What a process of its own is told of these settings."""
    ours = {
        "JOBMONITOR_DATABASE_URL": settings.database_url,
        "JOBMONITOR_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "JOBMONITOR_PROJECTION_GROUP": settings.projection_group,
        "JOBMONITOR_PROJECTION_TOPICS": settings.projection_topics,
        "JOBMONITOR_PROJECTION_BATCH_EVENTS": str(settings.projection_batch_events),
        "JOBMONITOR_METRICS_PORT": str(settings.metrics_port),
    }
    return {**os.environ, "PYTHONPATH": "services", **ours}


@dataclass
class Views:
    """A topic of this test's own, a producer for it, and the tables its projection fills."""

    settings: ProjectionSettings
    job_type: str
    producer: Producer
    owner_url: str
    bootstrap: str
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def topic(self) -> str:
        """That of the facts."""
        return jobs_topic(self.job_type)

    @property
    def requests(self) -> str:
        return requests_topic(self.job_type)

    def job(self, **who: Any) -> JobEvents:
        """A new job of this topic's type."""
        return JobEvents(job_type=self.job_type, **who)

    def lives(self, jobs: int) -> list[Event]:
        """Ordinary lives of so many new jobs, one after the other."""
        return [event for _ in range(jobs) for event in ordinary_life(self.job())]

    def with_settings(self, **changes: Any) -> "Views":
        """The same views, for a projection set otherwise."""
        return replace(self, settings=replace(self.settings, **changes))

    async def publish(self, events: Iterable[Event]) -> None:
        """Publish in this order; returns when the broker has all."""
        await self.publish_raw([(str(event.job_id).encode(), encode(event)) for event in events])

    async def publish_raw(self, messages: Iterable[tuple[bytes, Any]], topic: str | None = None) -> None:
        """Publish keys with any values, None too; where they belong unless told otherwise."""
        await self.producer.send_messages(
            [Outgoing(topic or home_of(value, self.job_type), key, value, "") for key, value in messages]
        )

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Ask as the owner, on a connection of its own: the server may have been away."""
        connection = await asyncpg.connect(self.owner_url)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def row(self, job_id: UUID) -> dict[str, Any] | None:
        """The job with ``view``, the view that has it; None when neither has. Fails when both have."""
        query = " UNION ALL ".join(
            f"SELECT *, '{view}' AS view FROM projection.{view} WHERE job_id = $1" for view in VIEWS
        )
        found = [dict(row) for row in await self.fetch(query, job_id)]
        assert len(found) <= 1, f"the job is in both views: {found}"
        return found[0] if found else None

    async def folded(self, job_id: UUID, **wanted: Any) -> dict[str, Any]:
        """Wait until the job's row has these values."""

        async def has() -> dict[str, Any] | None:
            row = await self.row(job_id)
            return row if row and all(row[name] == value for name, value in wanted.items()) else None

        return await until(has)

    async def caught_up(self) -> None:
        """Wait until everything in the topics is folded."""
        ends = await ends_of(self.bootstrap, *self.settings.topics())

        async def is_folded() -> bool:
            rows = await self.fetch("SELECT * FROM projection.offsets")
            folded = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
            return all(folded.get(partition, 0) >= end for partition, end in ends.items())

        await until(is_folded, within_s=60)

    async def folded_to_the_end(self) -> None:
        """Wait until the places stand where the log ends, marks of transactions included."""
        consumer = new_consumer(self.settings)
        await consumer.start()
        try:
            partitions = [(topic, number) for topic in view_topics(self.job_type) for number in range(PARTITIONS)]
            ends = await consumer.end_offsets([TopicPartition(*partition) for partition in partitions])
        finally:
            await consumer.stop()

        async def is_there() -> bool:
            rows = await self.fetch("SELECT topic, partition, next_offset FROM projection.offsets")
            return bool({(row["topic"], row["partition"]): row["next_offset"] for row in rows} == ends)

        await until(is_there)

    async def dump(self) -> dict[str, list[Any]]:
        """All rows of the views and the timeline, sorted."""
        return {
            table: [
                tuple(row) for row in await self.fetch(f"SELECT to_jsonb(t) FROM projection.{table} AS t ORDER BY 1")
            ]
            for table in TABLES
        }

    async def forget(self) -> None:
        """Empty the views and the timeline."""
        await self.fetch(f"TRUNCATE {', '.join(f'projection.{table}' for table in TABLES)}")

    async def dead_letters(self) -> list[dict[str, Any]]:
        """The dead letters of these topics: their key, value, headers of the original, and ours."""
        letters = []
        for record in await read_records(self.bootstrap, DEAD_LETTERS):
            headers = [(name, text or b"") for name, text in record.headers]
            ours = {name[len(PREFIX) :]: text.decode() for name, text in headers if name.startswith(PREFIX)}
            theirs = {name: text for name, text in record.headers if not name.startswith(PREFIX)}
            if ours.get("topic") in self.settings.topics():
                letters.append({"key": record.key, "value": record.value, "headers": theirs, **ours})
        return letters

    @asynccontextmanager
    async def projecting(self) -> AsyncIterator[Projector]:
        """One projection within the test; a bug in it fails the test at the end."""
        pool = await open_pool(self.settings.database_url, size=2, application_name="test")
        box = DeadLetterBox(self.producer)
        projector = Projector(self.settings, Store(pool, box.keep), batch_folded=box.forget)
        work = asyncio.ensure_future(projector.run())
        try:
            yield projector
        finally:
            projector.stop()
            async with asyncio.timeout(20):
                await work
            await pool.close()

    def start_process(self) -> "subprocess.Popen[bytes]":
        """One projection as a process; ended with the test."""
        command = [sys.executable, "-m", "jobmonitor.projection"]
        process = subprocess.Popen(command, env=process_environment(self.settings))
        self.processes.append(process)
        return process

    def end_processes(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(10)


async def delete_messages(bootstrap: str, before: Mapping[tuple[str, int], int]) -> None:
    """Delete what stands before these offsets, by topic and partition, as a retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_records(
            {TopicPartition(*place): RecordsToDelete(offset) for place, offset in before.items()}
        )
    finally:
        await admin.close()


async def ends_of(bootstrap: str, *topics: str) -> dict[tuple[str, int], int]:
    """The offset behind the last message, by topic and partition, of those that have any."""
    ends: dict[tuple[str, int], int] = {}
    for topic in topics:
        for record in await read_records(bootstrap, topic):
            ends[topic, record.partition] = record.offset + 1
    return ends


@asynccontextmanager
async def open_views(database: Any, kafka: Any) -> AsyncIterator[Views]:
    """A topic nobody else uses, and an empty database."""
    job_type = f"t{uuid4().hex[:12]}"
    await create_topics(kafka.bootstrap, *view_topics(job_type), DEAD_LETTERS)
    settings = ProjectionSettings(
        database_url=database.url("jobmonitor_projection"),
        kafka_bootstrap=kafka.bootstrap,
        projection_group=f"projection-{job_type}",
        projection_topics=",".join(view_topics(job_type)),
    )
    producer = Producer(broker_at(kafka.bootstrap), send_timeout_s=30)
    await producer.start()
    views = Views(settings, job_type, producer, database.owner_url, kafka.bootstrap)
    try:
        yield views
    finally:
        views.end_processes()
        await producer.stop()
