"""The gateway's connections to the database are shared out: who has all of theirs waits for their own."""

import asyncio
from contextlib import AsyncExitStack

from jobmonitor.gateway.adapters.database import OF_ACCOUNT, OF_USER
from jobmonitor.gateway.adapters.database import Database as GatewayDatabase
from support.people import viewer
from support.servers import Database

SIZE = 10


async def test_one_user_and_one_account_leave_connections_to_others(database: Database) -> None:
    pool = GatewayDatabase(database.url("jobmonitor_gateway"), size=SIZE)
    async with AsyncExitStack() as held:

        async def hold(account_id: int, user_id: int) -> None:
            connection = await held.enter_async_context(pool.as_viewer(viewer(account_id=account_id, user_id=user_id)))
            assert await connection.fetchval("SELECT current_setting('app.user_id')") == str(user_id)

        for _ in range(int(OF_USER * SIZE)):
            await hold(1, 1)
        one_more = asyncio.ensure_future(hold(1, 1))
        for _ in range(int(OF_ACCOUNT * SIZE) - int(OF_USER * SIZE)):
            await hold(1, 2)
        colleague = asyncio.ensure_future(hold(1, 3))
        await asyncio.wait_for(hold(2, 4), 5)
        assert not one_more.done()
        assert not colleague.done()
        one_more.cancel()
        colleague.cancel()
        await asyncio.gather(one_more, colleague, return_exceptions=True)
    async with pool.as_viewer(viewer()) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await pool.close()
