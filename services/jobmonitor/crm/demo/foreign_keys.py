"""Loading without foreign keys: checking them row by row would take longer than all the rest of a large load."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jobmonitor.database.pool import Connection
from jobmonitor.database.sql import statements

_SQL = statements("jobmonitor.crm.demo.sql")


@asynccontextmanager
async def without_foreign_keys(connection: Connection) -> AsyncIterator[None]:
    """Takes the CRM's foreign keys between tenant rows away and puts them back, in the caller's transaction."""
    keys = await connection.fetch(_SQL["foreign_keys"])
    for key in keys:
        await connection.execute(f"ALTER TABLE {key['table_name']} DROP CONSTRAINT {key['name']}")
    yield
    for key in keys:
        add = f"ALTER TABLE {key['table_name']} ADD CONSTRAINT {key['name']} {key['definition']}"
        await connection.execute(add, timeout=None)
