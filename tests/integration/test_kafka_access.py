"""A broker that asks who its clients are: our processes have the rights they need, and nobody has more."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAuthorizationFailedError

from jobmonitor.contract.access import USERS
from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.topics import DEAD_LETTERS, jobs_topic, requests_topic, work_topic
from jobmonitor.database.pool import open_pool
from jobmonitor.runtime.kafka import MessageRefused, Producer
from jobmonitor.runtime.kafka_client import client_options
from support.gateway import USER, seed_people
from support.secured_kafka import ADMIN, STRANGER, SecuredKafka, secured_kafka
from support.servers import Database, Postgres
from support.waiting import until

SERVICES = Path(__file__).parents[2] / "services"
JOB_TYPE = "probe"
TOPICS = {
    "requests": requests_topic(JOB_TYPE),
    "facts": jobs_topic(JOB_TYPE),
    "work": work_topic(JOB_TYPE),
    "dead letters": DEAD_LETTERS,
}
WRITES = {
    "jobmonitor-producer": {"requests"},
    "jobmonitor-follower": set(),
    "jobmonitor-processor": {"requests", "facts", "work", "dead letters"},
    "jobmonitor-projection": {"dead letters"},
    "jobmonitor-reconciler": {"requests", "facts", "work", "dead letters"},
    "jobmonitor-gateway": {"requests", "facts"},
    "jobmonitor-operator": {"requests", "facts", "work", "dead letters"},
    STRANGER: set(),
}
READS = {
    "jobmonitor-producer": set(),
    "jobmonitor-follower": {"facts"},
    "jobmonitor-processor": {"requests", "work"},
    "jobmonitor-projection": {"requests", "facts"},
    "jobmonitor-reconciler": set(),
    "jobmonitor-gateway": set(),
    "jobmonitor-operator": {"requests", "facts", "work", "dead letters"},
    STRANGER: set(),
}


@dataclass
class System:
    """The broker, and the database and folder our processes share."""

    kafka: SecuredKafka
    database: Database
    folder: Path

    def environment(self, user: str) -> dict[str, str]:
        """Of a process or command that comes to the broker as this user."""
        ours = {
            "PYTHONPATH": str(SERVICES),
            "JOBMONITOR_OBJECT_STORE_URL": (self.folder / "objects").as_uri(),
            "JOBMONITOR_OWNER_URL": self.database.owner_url,
            "JOBMONITOR_DATA_DIR": str(self.folder),
            "JOBMONITOR_JOB_TYPES": JOB_TYPE,
            "JOBMONITOR_WITH_PROBE": "true",
        }
        return {**os.environ, **ours, **self.kafka.environment(user)}

    def run(self, *arguments: str, user: str) -> "subprocess.CompletedProcess[str]":
        """A command of the command line tool, as this user."""
        command = [sys.executable, "-m", "jobmonitor.cli", *arguments]
        return subprocess.run(
            command, env=self.environment(user), capture_output=True, text=True, timeout=120, check=False
        )

    @contextmanager
    def process(self, name: str, role: str) -> Iterator[None]:
        """One of our processes while the context lasts, with its own user at the broker."""
        environment = self.environment(f"jobmonitor-{name}") | {
            "JOBMONITOR_DATABASE_URL": self.database.url(role),
            "JOBMONITOR_METRICS_PORT": "0",
            "JOBMONITOR_HTTP_PORT": "0",
        }
        with (self.folder / f"{name}.log").open("wb") as log:
            started = subprocess.Popen([sys.executable, "-m", f"jobmonitor.{name}"], env=environment, stderr=log)
        try:
            yield
        finally:
            started.kill()
            started.wait(10)

    def log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()


@pytest_asyncio.fixture(scope="module")
async def system(postgres: Postgres, servers_folder: Path, jars: Path) -> AsyncIterator[System]:
    """The users have their rights, and the operator's command has made the topics."""
    folder = servers_folder / "secured"
    folder.mkdir()
    database = postgres.fresh_database()
    async with await open_pool(database.superuser_url, size=1, application_name="test") as pool:
        await seed_people(pool)  # type: ignore[arg-type]  # a pool runs statements as a connection does
    with secured_kafka(folder / "kafka", jars) as kafka:
        await kafka.allow()
        running = System(kafka, database, folder)
        created = running.run("topics", "--create", user="jobmonitor-operator")
        assert created.returncode == 0, created.stderr
        yield running
    postgres.drop(database)


async def submit(system: System, user: str, topic: str = TOPICS["requests"], **parameters: Any) -> UUID:
    """Publish a submission as this user."""
    job_id = uuid4()
    submission = JobSubmitted(account_id=1, owner_id=USER, job_type=JOB_TYPE, parameters=parameters)
    producer = Producer(system.kafka.login(user))
    await producer.start()
    try:
        event = Event(id=str(uuid4()), source="/test", job_id=job_id, time=datetime.now(UTC), data=submission)
        await producer.send(topic, event)
    finally:
        await producer.stop()
    return job_id


async def test_a_job_goes_through_with_each_process_under_its_own_user(system: System) -> None:
    """In many chunks, so that every topic is used; then the operator's commands look at what was left."""
    roles = {
        "processor": "jobmonitor_worker",
        "projection": "jobmonitor_projection",
        "reconciler": "jobmonitor_worker",
        "gateway": "jobmonitor_gateway",
    }
    owner = await asyncpg.connect(system.database.superuser_url)

    async def completed() -> bool:
        sql = "SELECT state FROM projection.job_monitor WHERE job_id = $1"
        return bool(await owner.fetchval(sql, job_id) == "completed")

    with (
        system.process("processor", roles["processor"]),
        system.process("projection", roles["projection"]),
        system.process("reconciler", roles["reconciler"]),
        system.process("gateway", roles["gateway"]),
    ):
        job_id = await submit(system, "jobmonitor-producer", units=100, chunk_units=2)
        await until(completed, within_s=90)

        async def gateway_connected() -> bool:
            return "kafka_connected" in system.log_of("gateway")

        await until(gateway_connected)
    await owner.close()
    refusals = [line for name in roles for line in system.log_of(name).splitlines() if "uthoriz" in line]
    assert refusals == []
    for command in (("check",), ("rebuild", "--dry-run"), ("dead-letters", "list")):
        done = system.run(*command, user="jobmonitor-operator")
        assert done.returncode == 0, done.stdout + done.stderr


async def test_nobody_may_write_but_where_the_table_says(system: System) -> None:
    """So a producer cannot forge a fact or a chunk, and a follower can write nothing at all."""
    assert set(WRITES) == {STRANGER, *(user.name for user in USERS)}
    for user, allowed in WRITES.items():
        # idempotence is refused already at the start to who may write nothing; whether it may write is the question
        producer = AIOKafkaProducer(**client_options(system.kafka.login(user)), acks="all")
        await producer.start()
        wrote = {name for name in TOPICS if await may_write(producer, TOPICS[name])}
        await producer.stop()
        assert wrote == allowed, user


async def may_write(producer: AIOKafkaProducer, topic: str) -> bool:
    try:
        await producer.send_and_wait(topic, b"something", partition=0)
    except TopicAuthorizationFailedError:
        return False
    return True


async def test_nobody_may_read_but_what_the_table_says(system: System) -> None:
    async with AIOKafkaProducer(**client_options(system.kafka.login(ADMIN)), acks="all") as producer:
        for topic in TOPICS.values():
            await producer.send_and_wait(topic, b"something", partition=0)
    pairs = list(product(READS, TOPICS))
    may = await asyncio.gather(*(may_read(system, user, TOPICS[name]) for user, name in pairs))
    read = {pair for pair, yes in zip(pairs, may, strict=True) if yes}
    assert read == {(user, name) for user, names in READS.items() for name in names}


async def may_read(system: System, user: str, topic: str) -> bool:
    """Either what is there is read, or the broker says that it may not be."""
    consumer = AIOKafkaConsumer(**client_options(system.kafka.login(user)), auto_offset_reset="earliest")
    consumer.assign([TopicPartition(topic, 0)])

    async def read() -> bool:
        return bool(await consumer.getmany(timeout_ms=200))

    try:
        await consumer.start()
        return await until(read)
    except TopicAuthorizationFailedError:
        return False
    finally:
        await consumer.stop()


async def test_what_the_broker_refuses_is_said_in_words(system: System) -> None:
    with pytest.raises(MessageRefused, match=f"{TOPICS['facts']}, or no right to see it"):
        await submit(system, "jobmonitor-producer", TOPICS["facts"])


async def test_who_has_no_user_or_a_wrong_password_does_not_get_in(system: System) -> None:
    for login in (
        system.kafka.login("jobmonitor-producer", password="guessed"),
        system.kafka.login("nobody-we-know"),
    ):
        producer = Producer(login)
        with pytest.raises(KafkaConnectionError):
            await producer.start()
        await producer.stop()
    refused = system.run("dead-letters", "list", user="nobody-we-know")
    assert refused.returncode == 1
    assert "are address, user and password right?" in refused.stderr


async def test_a_client_that_says_no_name_does_not_get_in(system: System) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka.bootstrap, request_timeout_ms=2000)
    with pytest.raises(KafkaError):
        await producer.start()
    await producer.stop()


async def test_a_broker_whose_certificate_nobody_vouches_for_is_told_nothing(system: System) -> None:
    login = replace(system.kafka.login("jobmonitor-producer"), kafka_ca_file="")
    producer = Producer(login)
    with pytest.raises(KafkaConnectionError):
        await producer.start()
    await producer.stop()
