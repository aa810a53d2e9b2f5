"""Crash hook: before a worker crashes it returns the chunks that are not at fault.

A process ends for a bug of the engine in one chunk or request, and all others it had under way end with it. That must
not count as a try of theirs: else a job would fail because another one ended its worker five times.
"""

import asyncio
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import asyncpg

from jobmonitor.ledger.claims import Claim, give_back_all

GIVE_BACK_AT_MOST_S = 1.0


def give_back_at_crash(database_url: str, claims: Collection[Claim]) -> None:
    """Runs in a thread with a loop and a connection of its own, as the process's loop stands still.

    Raises what keeps it from ending in time; the chunks' leases then expire, and the tries count.
    """
    if claims:
        ThreadPoolExecutor(1).submit(asyncio.run, _give_back(database_url, claims)).result(GIVE_BACK_AT_MOST_S)


async def _give_back(database_url: str, claims: Collection[Claim]) -> None:
    connection = await asyncpg.connect(database_url, timeout=GIVE_BACK_AT_MOST_S)
    await give_back_all(connection, claims)
    await connection.close()
