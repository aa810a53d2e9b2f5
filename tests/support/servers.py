"""The real servers the tests run against, and fresh databases on them."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from jobmonitor.database.migrate import ROLES, migrate
from jobmonitor.local.postgres import NOT_DURABLE, PostgresServer

OWNER_PASSWORD = "owner-password"
ROLE_PASSWORDS = {role: f"{role}-password" for role in ROLES}
TEMPLATE = "jobmonitor_template"


def run_aside(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end on a loop of its own, whatever loops this thread has."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


@dataclass(frozen=True)
class Database:
    """One database of the server; ``url`` is for the processes' roles."""

    server: PostgresServer
    name: str

    @property
    def owner_url(self) -> str:
        return self.server.url(database=self.name)

    def url(self, role: str) -> str:
        return self.server.url(role, ROLE_PASSWORDS[role], self.name)


class Postgres:
    """The test session's server: its main database, and as many clones of the migrated template as tests ask for."""

    def __init__(self, folder: Path) -> None:
        self.server = PostgresServer(folder, password=OWNER_PASSWORD, settings=NOT_DURABLE)
        self.server.start()
        self._template = False

    @property
    def owner_url(self) -> str:
        return self.server.url()

    def url(self, role: str) -> str:
        return self.server.url(role, ROLE_PASSWORDS[role])

    def start(self) -> None:
        self.server.start()

    def stop(self) -> None:
        self.server.stop()

    def kill(self) -> None:
        self.server.kill()

    def fresh_database(self) -> Database:
        """A migrated database nobody else uses."""
        if not self._template:
            self._make_template()
        database = Database(self.server, f"test_{uuid4().hex[:12]}")
        self.execute(f'CREATE DATABASE "{database.name}" TEMPLATE "{TEMPLATE}"')
        return database

    def empty_database(self) -> Database:
        """A database without any tables."""
        database = Database(self.server, f"test_{uuid4().hex[:12]}")
        self.execute(f'CREATE DATABASE "{database.name}"')
        return database

    def drop(self, database: Database) -> None:
        """Remove it, with whoever is still connected."""
        self.execute(f'DROP DATABASE IF EXISTS "{database.name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        run_aside(self._execute(statement))

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.owner_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _make_template(self) -> None:
        self.execute(f'CREATE DATABASE "{TEMPLATE}"')
        thread = threading.Thread(target=migrate, args=(self.server.url(database=TEMPLATE), ROLE_PASSWORDS))
        thread.start()
        thread.join()
        self._template = True
