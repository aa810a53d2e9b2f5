"""The reconciler: does all its tasks again and again, side by side."""

import os
import sys
from contextlib import AsyncExitStack

import structlog

from jobmonitor.database.pool import open_pool
from jobmonitor.job_types.hooks import JobTypeHooks
from jobmonitor.job_types.registry import job_type, slugs
from jobmonitor.ledger import Ledger
from jobmonitor.reconciler.loops import Loops
from jobmonitor.reconciler.repairs import SOURCE, Repairs
from jobmonitor.reconciler.retention import Retention
from jobmonitor.reconciler.settings import ReconcilerSettings
from jobmonitor.reconciler.tasks import tasks
from jobmonitor.reconciler.watching import Watching
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.monitoring import Check, serve_monitoring
from jobmonitor.runtime.objects import ObjectStore
from jobmonitor.runtime.process import Lifecycle, run_process

log = structlog.stdlib.get_logger()


async def serve(settings: ReconcilerSettings, lifecycle: Lifecycle) -> None:
    """Run until the lifecycle ends."""
    log.info("looks_after", job_types=slugs(with_probe=settings.with_probe))
    async with AsyncExitStack() as stack:
        pool = await lifecycle.when_reachable(
            lambda: open_pool(
                settings.database_url, size=settings.database_pool_size, application_name="jobmonitor-reconciler"
            )
        )
        stack.push_async_callback(pool.close)
        producer = Producer(settings)
        await lifecycle.when_reachable(producer.start)
        stack.push_async_callback(producer.stop)
        objects = ObjectStore(settings.object_store_url)
        ledger = Ledger(pool, producer, SOURCE, settings, JobTypeHooks(job_type, objects))
        stack.push_async_callback(ledger.outbox.close)
        repairs = Repairs(ledger, producer, objects, settings)
        retention = Retention(ledger, settings)
        loops = Loops(tasks(repairs, retention, Watching(ledger, settings), settings))

        async def checks() -> dict[str, Check]:
            return {"rounds": loops.check()}

        await stack.enter_async_context(serve_monitoring(settings, checks))
        await lifecycle.ended_or_crashed(loops.go_on())


if __name__ == "__main__":
    sys.exit(run_process("reconciler", ReconcilerSettings, os.environ, serve))
