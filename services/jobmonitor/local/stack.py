"""The whole stack on this machine: started in order, kept running, stopped in order.

Starting: servers, then their shape (tables, topics) and the demo's data, then the processes that need them. Stopping:
whom nobody needs any more goes first, so that nobody complains about a missing server.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aiokafka.errors import KafkaError

from jobmonitor.cli.stack_note import StackNote
from jobmonitor.contract.topics import catalogue
from jobmonitor.crm import demo
from jobmonitor.database.migrate import UnknownSchemaVersion, migrate
from jobmonitor.job_types.registry import permissions, slugs
from jobmonitor.local.child import Child
from jobmonitor.local.data_folder import make_data_folder, only_one, write_note
from jobmonitor.local.errors import LocalError
from jobmonitor.local.jars import fetch_jars
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.local.log_watch import put_aside_long_logs
from jobmonitor.local.ports import HOST, KeptPorts, free_port, next_free_port
from jobmonitor.local.postgres import PostgresServer
from jobmonitor.local.secrets import Passwords, load_passwords
from jobmonitor.local.service import SERVICES, MailSink, Service, ServiceSpec
from jobmonitor.local.settings import LocalSettings
from jobmonitor.local.supervisor import Say, supervise
from jobmonitor.local.welcome import welcome
from jobmonitor.runtime.retry import retry_context
from jobmonitor.runtime.settings import KafkaSettings, variable_name
from jobmonitor.runtime.topic_admin import TopicsDiffer, create_topics

DATABASE = "jobmonitor"
BROKER_TIMEOUT_S = 60.0


def run_stack(settings: LocalSettings, environment: Mapping[str, str], say: Say, go_on: Callable[[], bool]) -> None:
    """Start all, keep it running while ``go_on()``, stop all. ``environment`` is for our processes.

    A KeyboardInterrupt stops all in order as well, a second one at once. Raises LocalError.
    """
    folder = settings.data_folder
    if not 1 <= settings.demo_supporters <= demo.SUPPORTERS_MAX:
        raise LocalError(f"JOBMONITOR_DEMO_SUPPORTERS must be 1 to {demo.SUPPORTERS_MAX:,}.")
    make_data_folder(folder, supporters=settings.demo_supporters)
    with only_one(folder):
        jars = fetch_jars(settings.tools_folder, repository_url=settings.maven_url, on_step=say)
        stack = Stack(settings, environment, load_passwords(folder / "passwords.json"), jars, say)
        try:
            began_at = time.monotonic()
            stack.start()
            say(welcome(stack.http_url, str(folder / "logs"), time.monotonic() - began_at))
            supervise(stack.children, say, stack.publish, go_on)
        finally:
            stack.stop()


class Stack:
    """All children of one local stack, by what they need of each other."""

    def __init__(
        self,
        settings: LocalSettings,
        environment: Mapping[str, str],
        passwords: Passwords,
        jars: Path,
        say: Say,
        services: Sequence[ServiceSpec] = SERVICES,
    ) -> None:
        """``services`` may hold several instances of a process but the gateway, which is the last."""
        folder = settings.data_folder
        self._folder = folder
        self._settings = settings
        self._passwords = passwords
        self._environment = environment
        self._say = say
        self._logs = folder / "logs"
        self._scratch = folder / "scratch"
        ports = KeptPorts(folder / "ports.json")
        self.postgres = PostgresServer(
            folder / "postgres",
            password=passwords.owner,
            port=ports.port("postgres"),
            log_path=self._logs / "postgres.log",
        )
        self.kafka = KafkaServer(
            folder / "kafka", jars=jars, port=ports.port("kafka"), log_path=self._logs / "kafka.log"
        )
        self.mail_sink = MailSink(
            ports.port("smtp"), folder / "mail", log_path=self._logs / "mail-sink.log", environment=environment
        )
        self.http_port = next_free_port(settings.http_port)
        self.services = [self._service(spec) for spec in services]

    @property
    def children(self) -> list[Child]:
        return [self.postgres, self.kafka, self.mail_sink, *self.services]

    @property
    def http_url(self) -> str:
        return f"http://{HOST}:{self.http_port}"

    @property
    def owner_url(self) -> str:
        return self.postgres.url(database=DATABASE)

    def start(self) -> None:
        """Return when the page can be opened. Raises LocalError."""
        put_aside_long_logs(self._logs)
        shutil.rmtree(self._scratch, ignore_errors=True)  # what killed processes left behind
        self._scratch.mkdir(mode=0o700)
        self._start_servers()
        self._shape_database()
        self._shape_broker()
        self._start_processes()

    def publish(self) -> None:
        """Write down where everything is, for the command line and the tests."""
        pids = {child.name: child.pid for child in self.children if child.pid is not None}
        note = StackNote(
            http_url=self.http_url,
            kafka_bootstrap=self.kafka.bootstrap,
            owner_url=self.owner_url,
            demo=True,
            smtp=self.mail_sink.address,
            pids={"stack": os.getpid(), **pids},
            monitoring_urls={service.name: f"http://{HOST}:{service.port}" for service in self.services},
        )
        write_note(self._folder, note)

    def stop(self) -> None:
        """End all in order. Interrupted, it ends all at once."""
        gateway, workers, servers = self.services[-1:], self.services[:-1], [self.kafka, self.postgres]
        try:
            for group in (gateway, [*workers, self.mail_sink], servers):
                _end(group)
        except KeyboardInterrupt:
            for child in self.children:
                child.kill()

    def _start_servers(self) -> None:
        for server, title in ((self.postgres, "PostgreSQL 18"), (self.kafka, "Kafka")):
            self._say(f"{title}: starting" if server.has_data else f"{title}: making its data folder")
            server.prepare()
            server.launch()

    def _shape_database(self) -> None:
        self.postgres.wait_until_ready()
        self.postgres.create_database(DATABASE)
        self._say("Database: bringing the tables up to date")
        try:
            migrate(self.owner_url, self._passwords.roles)
        except UnknownSchemaVersion as error:
            raise LocalError(f"{error} Or choose another folder with JOBMONITOR_DATA_DIR.") from error
        demo.seed(self.owner_url, self._settings.demo_supporters, permissions(), self._say_step)

    def _say_step(self, step: str) -> None:
        if not step.startswith(" "):  # steps of steps
            self._say(f"Demo data: {step}")

    def _shape_broker(self) -> None:
        self.kafka.wait_until_ready()
        self._say("Kafka: creating the topics that are missing")
        try:
            kafka = KafkaSettings(
                kafka_bootstrap=self.kafka.bootstrap,
                with_probe=self._settings.with_probe,
                job_type_capacity=self._settings.job_type_capacity,
            )
            asyncio.run(_create_topics(kafka))
        except TopicsDiffer as error:
            raise LocalError(f"{error} Or choose another folder with JOBMONITOR_DATA_DIR.") from error

    def _start_processes(self) -> None:
        """Whoever finds the gateway ready finds the note as well: it is the last to be launched."""
        self._say("Processes: starting")
        *others, gateway = self.services
        for process in (*others, self.mail_sink):
            process.launch()
        self.publish()
        gateway.launch()
        for process in (*others, self.mail_sink, gateway):
            process.wait_until_ready()
        self.publish()

    def _service(self, spec: ServiceSpec) -> Service:
        serves_pages = spec.process == "gateway"
        port = self.http_port if serves_pages else free_port()
        known = {
            "kafka_bootstrap": self.kafka.bootstrap,
            "with_probe": str(self._settings.with_probe),
            "database_url": self.postgres.url(spec.role, self._passwords.roles[spec.role], DATABASE),
            "object_store_url": (self._folder / "objects").as_uri(),
            **({"http_port": str(port), "demo": "true"} if serves_pages else {"metrics_port": str(port)}),
        }
        ours = {**{variable_name(name): text for name, text in known.items()}, "TMPDIR": str(self._scratch)}
        return Service(spec, port, log_path=self._logs / f"{spec.name}.log", environment={**self._environment, **ours})


async def _create_topics(kafka: KafkaSettings) -> None:
    """A broker that has just started refuses at first."""
    async for attempt in retry_context(on=(KafkaError, OSError), attempts=None, timeout=BROKER_TIMEOUT_S):
        with attempt:
            await create_topics(kafka, catalogue(slugs(with_probe=kafka.with_probe), kafka.partitions()), alter=True)


def _end(group: Sequence[Child]) -> None:
    """End them side by side."""
    for child in group:
        child.ask_to_stop()
    for child in group:
        child.stop()
