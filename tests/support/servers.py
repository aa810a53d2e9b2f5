"""The real servers the tests run against, and fresh databases on them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg

from jobmonitor.database.migrate import ROLES, migrate
from jobmonitor.local.postgres import NOT_DURABLE, SUPERUSER, PostgresServer

OWNER_PASSWORD = "owner-password"
ROLE_PASSWORDS = {role: f"{role}-password" for role in ROLES}
TEMPLATE = "jobmonitor_template"


def run_aside(work: Callable[[], object]) -> None:
    """Do something that runs an event loop of its own, whatever loops this thread has."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


@dataclass(frozen=True)
class Database:
    """One database of the server; ``url`` is for the processes' roles."""

    server: PostgresServer
    name: str

    @property
    def owner_url(self) -> str:
        """For what migrations and the demo's data do; row-level security binds the owner."""
        return self.server.url(database=self.name)

    @property
    def superuser_url(self) -> str:
        """For a test to look and write behind everybody's back."""
        return self.server.url(SUPERUSER, database=self.name)

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
        """Of the database that every server has, for its superuser."""
        return self.server.url(SUPERUSER)

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
        return self._new_database(TEMPLATE)

    def empty_database(self) -> Database:
        """A database without any tables."""
        return self._new_database("template1")

    def copy_of(self, database: Database) -> Database:
        """A database that is the same at this moment. Nobody may be connected to the original."""
        return self._new_database(database.name)

    def drop(self, database: Database) -> None:
        """Remove it, with whoever is still connected."""
        self.execute(f'DROP DATABASE IF EXISTS "{database.name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run a statement as superuser."""
        run_aside(lambda: asyncio.run(self._execute(statement)))

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.owner_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _new_database(self, template: str) -> Database:
        database = Database(self.server, f"test_{uuid4().hex[:12]}")
        run_aside(lambda: self.server.create_database(database.name, template, strategy="file_copy"))
        return database

    def _make_template(self) -> None:
        run_aside(lambda: self.server.create_database(TEMPLATE))
        run_aside(lambda: migrate(self.server.url(database=TEMPLATE), ROLE_PASSWORDS))
        self._template = True
