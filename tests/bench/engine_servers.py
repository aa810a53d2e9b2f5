"""Durable servers with the processes a bench asks for, in a folder of their own; no demo data, no page."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from jobmonitor.contract.topics import catalogue
from jobmonitor.database.migrate import ROLES, migrate
from jobmonitor.job_types.registry import slugs
from jobmonitor.local.jars import fetch_jars
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.local.ports import free_port
from jobmonitor.local.postgres import SUPERUSER, PostgresServer
from jobmonitor.local.service import Service, ServiceSpec
from jobmonitor.runtime.topic_admin import create_topics
from support.brokers import broker_at
from support.people import add_people

DATABASE = "bench"
PASSWORDS = {role: f"{role}-bench" for role in ROLES}


@dataclass(frozen=True)
class EngineServers:
    """Where everything is."""

    kafka_bootstrap: str
    postgres: PostgresServer
    services: Sequence[Service]
    database: str = DATABASE

    def url(self, role: str) -> str:
        """For a role of the processes, or for the superuser."""
        return self.postgres.url(role, PASSWORDS.get(role), self.database)

    @property
    def superuser_url(self) -> str:
        return self.url(SUPERUSER)

    def with_database(self, name: str) -> "EngineServers":
        """The same servers, and another database on them, made and migrated."""
        self.postgres.create_database(name)
        migrate(self.postgres.url(database=name), PASSWORDS)
        return replace(self, database=name)


@contextmanager
def engine_servers(
    folder: Path, specs: Sequence[ServiceSpec], settings: Mapping[str, str] | None = None, /, **variables: str
) -> Iterator[EngineServers]:
    """Start broker, database and these processes, and stop them in the end. ``settings`` are PostgreSQL's."""
    postgres = PostgresServer(folder / "postgres", password="owner-bench", settings=settings)
    kafka = KafkaServer(folder / "kafka", jars=fetch_jars(Path(".tools")))
    with ExitStack() as stack:
        for server in (postgres, kafka):
            server.start()
            stack.callback(server.stop)
        servers = EngineServers(kafka.bootstrap, postgres, []).with_database(DATABASE)
        asyncio.run(create_topics(broker_at(kafka.bootstrap), catalogue(slugs(with_probe=True))))
        asyncio.run(add_people(servers.superuser_url, *((account_id, account_id) for account_id in range(1, 51))))
        services = [service(folder, spec, servers, variables) for spec in specs]
        for each in services:
            each.launch()
            stack.callback(each.stop)
        for each in services:
            each.wait_until_ready()
        yield replace(servers, services=services)


def service(folder: Path, spec: ServiceSpec, servers: EngineServers, variables: Mapping[str, str]) -> Service:
    """One of the processes on these servers, not yet started."""
    port = free_port()
    environment = {
        **os.environ,
        "JOBMONITOR_DATABASE_URL": servers.url(spec.role),
        "JOBMONITOR_WITH_PROBE": "true",
        "JOBMONITOR_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
        "JOBMONITOR_OBJECT_STORE_URL": f"file://{folder}/objects",
        # the gateway answers for itself on its one port
        ("JOBMONITOR_HTTP_PORT" if spec.process == "gateway" else "JOBMONITOR_METRICS_PORT"): str(port),
        **variables,
    }
    return Service(spec, port, log_path=folder / f"{spec.name}.log", environment=environment)
