"""Alembic's part of the migration. A module of its own, as it takes a second to import and is rarely needed."""

from importlib.resources import files

import alembic.command
import alembic.config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool


async def upgrade(owner_url: str) -> None:
    """Run the migrations that the database lacks. The caller holds the lock."""
    engine = create_async_engine(owner_url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
            await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(files("jobmonitor.database") / "migrations"))
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")
