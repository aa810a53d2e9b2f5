"""Bring a database to the newest schema and give the processes' roles their passwords.

Any number of processes may do so at once: a lock lets one work; the others wait and find nothing to do.
"""

import asyncio
from importlib import import_module
from importlib.resources import files

import asyncpg

from jobmonitor.database.statement import statements

_SQL = statements("jobmonitor.database.sql")

LOCK_KEY = 7_301_944_018
"""Of ``pg_advisory_lock``; Alembic has no lock of its own."""

ROLES = ("jobmonitor_worker", "jobmonitor_projection", "jobmonitor_gateway")


class UnknownSchemaVersion(Exception):
    """The database was migrated by a newer version of this software, or is not ours; the message says so."""


def migrate(owner_url: str, passwords: dict[str, str]) -> None:
    """Upgrade the database behind ``owner_url`` (its owner's login) and set ``{role: password}`` for all ROLES.

    Raises UnknownSchemaVersion.
    """
    asyncio.run(_migrate(owner_url, passwords))


async def _migrate(owner_url: str, passwords: dict[str, str]) -> None:
    connection = await asyncpg.connect(owner_url)
    try:
        await _SQL["wait_for_migrations"].execute(connection, key=LOCK_KEY)
        if await _revision(connection) != _known_revisions()[-1]:
            await import_module("jobmonitor.database.upgrade").upgrade(owner_url)
        await _let_log_in(connection, passwords)
    finally:
        await connection.close()


async def _revision(connection: "asyncpg.Connection[asyncpg.Record]") -> str | None:
    """The last migration that ran; None before the first. Raises UnknownSchemaVersion."""
    if not await connection.fetchval("SELECT to_regclass('alembic_version')"):
        return None
    found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    if found is not None and found not in _known_revisions():
        raise UnknownSchemaVersion(
            f"The database has schema version {found}, newer than {_known_revisions()[-1]}, the newest this version of "
            "Job Monitor knows: use a newer one."
        )
    return found


def _known_revisions() -> list[str]:
    """In the order they run; each file of the migrations is named after its revision."""
    versions = files("jobmonitor.database") / "migrations" / "versions"
    return sorted(entry.name.split("_")[0] for entry in versions.iterdir() if entry.name.endswith(".py"))


async def _let_log_in(connection: "asyncpg.Connection[asyncpg.Record]", passwords: dict[str, str]) -> None:
    for role in ROLES:
        command = await _SQL["login_command"].fetchval(connection, role=role, password=passwords[role])
        await connection.execute(command)
