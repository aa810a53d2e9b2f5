"""Demo data: two accounts with logins, supporters and all they did, made from nothing and always the same.

The first account has as many supporters as asked for, each with about eight activities and gifts; the second a few
hundred at most. The data holds what file formats stumble over: commas, quotes, line breaks, Unicode, formulas.
"""

import asyncio
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg

from jobmonitor.crm.demo.accounts import HARBOUR, RIVERBANK
from jobmonitor.crm.demo.foreign_keys import without_foreign_keys
from jobmonitor.crm.demo.generator import Generator, OnStep
from jobmonitor.crm.demo_login import PASSWORD
from jobmonitor.crm.passwords import hash_password
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements

__all__ = ["SUPPORTERS", "SUPPORTERS_MAX", "OnStep", "fill", "seed"]

SUPPORTERS = 5_000
SUPPORTERS_MAX = 1_000_000
SECOND_ACCOUNT_SUPPORTERS_MAX = 300
LARGE = 20_000
"""From this size on loading without foreign keys pays."""

_SQL = statements("jobmonitor.crm.demo.sql")


def seed(owner_url: str, supporters: int, permissions: Collection[str], on_step: OnStep = lambda _: None) -> bool:
    """Fill the migrated database behind ``owner_url``; False, and nothing done, if it has users already.

    Users of the first account may do what needs ``permissions``. ``on_step`` is told each step in words. All or
    nothing: a seed that was broken off can simply be run again. Raises ValueError: more supporters than SUPPORTERS_MAX,
    or fewer than one.
    """
    return asyncio.run(fill(owner_url, supporters, permissions, on_step))


async def fill(owner_url: str, supporters: int, permissions: Collection[str], on_step: OnStep = lambda _: None) -> bool:
    """The same as ``seed``, for callers with an event loop."""
    if not 1 <= supporters <= SUPPORTERS_MAX:
        raise ValueError(f"The demo has 1 to {SUPPORTERS_MAX:,} supporters, not {supporters:,}.")
    connection = await asyncpg.connect(owner_url, server_settings={"timezone": "UTC"})
    try:
        added = await _fill_empty(connection, supporters, permissions, on_step)
        if added:
            on_step("Statistics")
            for table in await _SQL["tables"].fetch(connection):
                await connection.execute(f"VACUUM (ANALYZE) {table['name']}")
    finally:
        await connection.close()
    return added


async def _fill_empty(connection: Connection, supporters: int, permissions: Collection[str], on_step: OnStep) -> bool:
    password_hash = await asyncio.to_thread(hash_password, PASSWORD)
    as_of = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    async with AsyncExitStack() as load:
        await load.enter_async_context(connection.transaction())
        await _SQL["lock_users"].execute(connection)
        if await _SQL["any_users"].fetchval(connection):
            return False
        if supporters >= LARGE:
            await load.enter_async_context(without_foreign_keys(connection))
        generator = Generator(connection, as_of, on_step)
        await generator.prepare()
        riverbank = replace(RIVERBANK, granted=tuple(sorted({*RIVERBANK.granted, *permissions})))
        await generator.add_account(riverbank, supporters, password_hash)
        await generator.add_account(HARBOUR, min(supporters, SECOND_ACCOUNT_SUPPORTERS_MAX), password_hash)
        await generator.settle_ids()
    return True
