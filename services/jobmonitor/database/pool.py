"""Connection pools, and the transaction that sees one account only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias

import asyncpg
import msgspec

from jobmonitor.database.statement import statements

if TYPE_CHECKING:  # asyncpg's classes take type parameters in their stubs only
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_SQL = statements("jobmonitor.database.sql")


async def _speak_json(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda value: msgspec.json.decode(value[1:]),
        format="binary",
    )


async def open_pool(database_url: str, *, size: int, application_name: str, silence_s: float | None = None) -> Pool:
    """A pool whose connections read and write ``jsonb`` as Python values and run in UTC.

    The server ends a connection that is idle in a transaction for ``silence_s``: its process is frozen or cut off, and
    others wait for the rows it locked.
    """
    silence = {} if silence_s is None else {"idle_in_transaction_session_timeout": str(round(silence_s * 1000))}
    return await asyncpg.create_pool(
        database_url,
        min_size=1,
        max_size=size,
        init=_speak_json,
        server_settings={"application_name": application_name, "timezone": "UTC", **silence},
    )


@asynccontextmanager
async def account_transaction(
    pool: Pool,
    account_id: int,
    *,
    isolation: Literal["read_committed", "repeatable_read"] = "read_committed",
    readonly: bool = False,
) -> AsyncIterator[Connection]:
    """A transaction in which row-level security shows this account's CRM rows and no others."""
    async with pool.acquire() as connection, connection.transaction(isolation=isolation, readonly=readonly):
        await see_account(connection, account_id)
        yield connection


@asynccontextmanager
async def account_snapshot(pool: Pool, account_id: int) -> AsyncIterator[Connection]:
    """The account as it stands at this moment, for reading for as long as that takes.

    As it locks no rows nobody waits for it, so its silence has a limit of its own: an hour. Only after its end can the
    server tidy up rows that were deleted since.
    """
    async with account_transaction(pool, account_id, isolation="repeatable_read", readonly=True) as connection:
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '1h'")
        yield connection


async def see_account(connection: Connection, account_id: int) -> None:
    """From here to the end of the transaction only this account's CRM rows exist for this connection."""
    await _SQL["see_account"].execute(connection, account_id=str(account_id))
