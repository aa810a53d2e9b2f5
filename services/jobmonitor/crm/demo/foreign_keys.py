"""Loading without foreign keys: checking them row by row would take longer than all the rest of a large load."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements

_SQL = statements("jobmonitor.crm.demo.sql")


@asynccontextmanager
async def without_foreign_keys(connection: Connection) -> AsyncIterator[None]:
    """Takes the CRM's foreign keys away and puts them back, checked all at once, in the caller's transaction."""
    keys = await _SQL["foreign_keys"].fetch(connection)
    for key in keys:
        await connection.execute(f"ALTER TABLE {key['table_name']} DROP CONSTRAINT {key['name']}")
    yield
    async with _all_accounts_seen(connection):
        for key in keys:
            add = f"ALTER TABLE {key['table_name']} ADD CONSTRAINT {key['name']} {key['definition']}"
            await connection.execute(add)


@asynccontextmanager
async def _all_accounts_seen(connection: Connection) -> AsyncIterator[None]:
    """The check of a new foreign key reads as the tables' owner, whom row-level security would show one account."""
    tables = [row["name"] for row in await _SQL["forced_tables"].fetch(connection)]
    for table in tables:
        await connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in tables:
        await connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
