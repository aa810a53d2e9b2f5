"""The gateway's connections to PostgreSQL: opened when first needed, and again after an outage.

Every transaction first tells row-level security on whose behalf it reads.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import asyncpg

from jobmonitor.crm.users import Viewer
from jobmonitor.database.pool import Connection, Pool, open_pool
from jobmonitor.database.statement import statements
from jobmonitor.gateway.keyed_semaphores import KeyedSemaphores
from jobmonitor.runtime.failures import is_temporary

_SQL = statements("jobmonitor.gateway.adapters.sql")

OF_USER, OF_ACCOUNT = 0.3, 0.6
"""Shares of the pool. Who has all of theirs waits for their own: one user's searches, or one account's, are never what
all others wait for."""
TIMEOUT_S = 10.0
"""Of a whole transaction; a request should not hang because the database does."""
CONNECT_TIMEOUT_S = 5.0
APPLICATION_NAME = "jobmonitor-gateway"


class DatabaseUnavailable(Exception):
    """PostgreSQL does not answer, or broke off in the middle. What was not committed did not happen."""


class Database:
    """A pool that need not be there yet. All errors that pass by themselves come out as DatabaseUnavailable."""

    def __init__(self, url: str, *, size: int) -> None:
        self._url = url
        self._size = size
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()
        self._of_user = KeyedSemaphores(max(1, int(OF_USER * size)))
        self._of_account = KeyedSemaphores(max(1, int(OF_ACCOUNT * size)))

    async def pool(self) -> Pool:
        """The pool, opened if it is not. Raises DatabaseUnavailable."""
        async with self._opening:
            if self._pool is None:
                async with _translated(CONNECT_TIMEOUT_S):
                    self._pool = await open_pool(self._url, size=self._size, application_name=APPLICATION_NAME)
        return self._pool

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()

    @asynccontextmanager
    async def guarded(self) -> AsyncIterator[Pool]:
        """The pool, for those who open their own transactions; their errors are translated, too."""
        pool = await self.pool()
        async with _translated(TIMEOUT_S):
            yield pool

    @asynccontextmanager
    async def connection(self, timeout_s: float = TIMEOUT_S) -> AsyncIterator[Connection]:
        """A connection that sees no account: for sessions and logins only."""
        pool = await self.pool()
        async with _translated(timeout_s), pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
            yield connection

    @asynccontextmanager
    async def as_viewer(
        self, viewer: Viewer, *, snapshot: bool = False, in_index_order: bool = False, timeout_s: float = TIMEOUT_S
    ) -> AsyncIterator[Connection]:
        """A transaction in which row-level security shows what this viewer may see.

        ``snapshot``: all its reads see the same moment; not for writing. ``in_index_order``: see ``_IN_INDEX_ORDER``.
        """
        isolation: Literal["repeatable_read", "read_committed"] = "repeatable_read" if snapshot else "read_committed"
        own, accounts = self._of_user.of(viewer.user_id), self._of_account.of(viewer.account_id)
        async with (
            _translated(timeout_s),
            own,
            accounts,
            self.connection(timeout_s) as connection,
            connection.transaction(isolation=isolation),
        ):
            more = _IN_INDEX_ORDER if in_index_order else ""
            await _look_as(connection, viewer.account_id, viewer.user_id, viewer.user_type, more)
            yield connection

    @asynccontextmanager
    async def as_account(self, account_id: int) -> AsyncIterator[Connection]:
        """A transaction that sees all of one account, for those who then decide per viewer what goes where."""
        async with self.connection() as connection, connection.transaction():
            await _look_as(connection, account_id, 0, "super_admin")
            yield connection

    @asynccontextmanager
    async def listener(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection of its own, outside the pool, to listen on."""
        async with _translated(None):
            connection = await asyncpg.connect(
                self._url,
                timeout=CONNECT_TIMEOUT_S,
                server_settings={"application_name": f"{APPLICATION_NAME}-listener"},
            )
            try:
                yield connection
            finally:
                connection.terminate()


_IN_INDEX_ORDER = ", set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_sort', 'off', true)"
"""For pages of lists that some index has in their order. Planning a query over the history's partitions takes longer
than running it. And as statistics know nothing of who looks, the planner may think that an owner has few jobs, and
read and sort all of them where 50 are wanted."""


async def _look_as(connection: Connection, account_id: int, user_id: int, user_type: str, more: str = "") -> None:
    looking = _SQL["look_as"].fill(more=more)
    await looking.execute(connection, account_id=str(account_id), user_id=str(user_id), user_type=user_type)


@asynccontextmanager
async def _translated(timeout_s: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except Exception as error:
        # asyncpg's complaints about wrong arguments are interface errors too, but our own bugs
        if is_temporary(error) and not isinstance(error, ValueError):
            raise DatabaseUnavailable(str(error) or type(error).__name__) from error
        raise
