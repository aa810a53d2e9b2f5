"""Workers of a kind that no installed job type needs: they start, are ready, and end in order."""

import asyncio

import httpx2

from jobmonitor.local.ports import free_port
from support.engine import Engine
from support.processors import processors
from support.waiting import until


async def test_a_worker_that_serves_no_type_is_ready_and_ends_in_order(engine: Engine) -> None:
    port = free_port()
    with processors() as some:
        process = some.start(engine, "@mail", JOBMONITOR_METRICS_PORT=str(port))

        async def ready() -> bool:
            try:
                async with httpx2.AsyncClient() as client:
                    return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
            except httpx2.HTTPError:
                return False

        await until(ready, within_s=60)
        process.terminate()
        assert await asyncio.to_thread(process.wait, 30) == 0
