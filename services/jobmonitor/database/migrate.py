"""Bring a database to the newest shape and give the processes' roles their passwords.

Any number of processes may do so at once: an advisory lock lets one work; the others wait and find nothing to do.
"""

import asyncio
from importlib.resources import files

import alembic.command
import alembic.config
import asyncpg
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

LOCK_KEY = 7_301_944_018
"""Of ``pg_advisory_lock``; Alembic has no lock of its own."""

ROLES = ("jobmonitor_worker", "jobmonitor_projection", "jobmonitor_gateway")


def _upgrade(connection: Connection) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(files("jobmonitor.database") / "migrations"))
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")


async def _migrate(owner_url: str) -> None:
    engine = create_async_engine(owner_url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    try:
        async with engine.connect() as holder:
            await holder.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
            async with engine.connect() as connection:
                await connection.run_sync(_upgrade)
                await connection.commit()
    finally:
        await engine.dispose()


async def _let_log_in(owner_url: str, passwords: dict[str, str]) -> None:
    connection = await asyncpg.connect(owner_url)
    try:
        for role in ROLES:
            command = await connection.fetchval(
                "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)", role, passwords[role]
            )
            await connection.execute(command)
    finally:
        await connection.close()


def migrate(owner_url: str, passwords: dict[str, str]) -> None:
    """Upgrade the database behind ``owner_url`` (its owner's login) and set ``{role: password}`` for all ROLES."""
    asyncio.run(_migrate(owner_url))
    asyncio.run(_let_log_in(owner_url, passwords))
