"""The projection process: requests and facts in, the monitor, the history and the timeline out."""

import asyncio
import os
import sys
from contextlib import AsyncExitStack

import structlog

from jobmonitor.database.pool import open_pool
from jobmonitor.projection.dead_letters import DeadLetterBox
from jobmonitor.projection.gc_tuning import tune_gc
from jobmonitor.projection.projector import Projector
from jobmonitor.projection.readiness import Readiness
from jobmonitor.projection.settings import ProjectionSettings
from jobmonitor.projection.store import Store
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.monitoring import serve_monitoring
from jobmonitor.runtime.process import Lifecycle, run_process

STOP_TIMEOUT_S = 5.0
"""A batch that takes longer to finish is rolled back; the next process reads it again."""

log = structlog.stdlib.get_logger()


async def serve(settings: ProjectionSettings, lifecycle: Lifecycle) -> None:
    """Run until the lifecycle ends, then finish the batch under way."""
    tune_gc()
    log.info("follows", topics=settings.topics())
    async with AsyncExitStack() as stack:
        pool = await lifecycle.when_reachable(
            lambda: open_pool(
                settings.database_url, size=settings.database_pool_size, application_name="jobmonitor-projection"
            )
        )
        stack.push_async_callback(pool.close)
        producer = Producer(settings)
        await lifecycle.when_reachable(producer.start)
        stack.push_async_callback(producer.stop)
        box = DeadLetterBox(producer)
        projector = Projector(settings, Store(pool, box.keep), batch_folded=box.forget)
        readiness = Readiness(settings, pool, projector)
        await stack.enter_async_context(serve_monitoring(settings, readiness.checks))
        await _run(projector, lifecycle)


async def _run(projector: Projector, lifecycle: Lifecycle) -> None:
    work, end = asyncio.ensure_future(projector.run()), asyncio.ensure_future(lifecycle.ended())
    await asyncio.wait([work, end], return_when=asyncio.FIRST_COMPLETED)
    projector.stop()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await work
    except TimeoutError:
        log.warning("batch_given_up", after_s=STOP_TIMEOUT_S)
    await end


if __name__ == "__main__":
    sys.exit(run_process("projection", ProjectionSettings, os.environ, serve))
