"""The processor: consumes the requests of its job types and runs their chunks."""

import os
import sys
import tempfile
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from jobmonitor.contract.topics import requests_topic
from jobmonitor.database.pool import Pool, open_pool
from jobmonitor.job_types.capacity import with_capacity
from jobmonitor.job_types.cpu_pool import CpuPool
from jobmonitor.job_types.hooks import JobTypeHooks
from jobmonitor.job_types.outside_probe.job_type import OutsideProbe
from jobmonitor.job_types.probe.job_type import Probe
from jobmonitor.job_types.protocol import JobType
from jobmonitor.job_types.registry import enabled, job_type
from jobmonitor.ledger import Ledger
from jobmonitor.processor.crash_hooks import give_back_at_crash
from jobmonitor.processor.settings import ProcessorSettings
from jobmonitor.processor.shares import connections
from jobmonitor.processor.stops_ahead import StopsAhead
from jobmonitor.processor.versions import untested_version
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.monitoring import Check, serve_monitoring
from jobmonitor.runtime.objects import ObjectStore
from jobmonitor.runtime.process import Lifecycle, run_process

SOURCE = "/jobmonitor/processor"

log = structlog.stdlib.get_logger()


def _served(settings: ProcessorSettings) -> list[JobType[Any]]:
    probes: dict[str, JobType[Any]] = {
        Probe.slug: Probe(settings.probe_outside_url),
        OutsideProbe.slug: OutsideProbe(settings.probe_outside_url),
    }
    return [with_capacity(probes.get(value.slug, value), settings) for value in enabled(settings.job_types)]


async def _open_pool(settings: ProcessorSettings, lifecycle: Lifecycle, size: int) -> Pool:
    return await lifecycle.when_reachable(
        lambda: open_pool(
            settings.database_url,
            size=size,
            application_name="jobmonitor-processor",
            silence_s=settings.silence_s,
        )
    )


async def serve(settings: ProcessorSettings, lifecycle: Lifecycle) -> None:
    """Run until the lifecycle ends: by a signal, or by a bug in one of the workers."""
    # Only here, as an import from other versions of Faust could fail before they are told.
    from jobmonitor.processor.worker import Worker, leave_groups, start_workers, stop_workers

    job_types = _served(settings)
    share_out = connections(len(job_types), settings.database_pool_size)
    async with AsyncExitStack() as stack:
        data_folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jobmonitor-processor-")))
        pool = await _open_pool(settings, lifecycle, share_out.pool)
        stack.push_async_callback(pool.close)
        leases_pool = await _open_pool(settings, lifecycle, 1)
        stack.push_async_callback(leases_pool.close)
        producer = Producer(settings)
        await lifecycle.when_reachable(producer.start)
        stack.push_async_callback(producer.stop)
        objects = ObjectStore(settings.object_store_url)
        served = {value.slug: value for value in job_types}
        hooks = JobTypeHooks(lambda slug: served.get(slug) or job_type(slug), objects)
        ledger = Ledger(pool, producer, SOURCE, settings, hooks, leases_pool)
        stack.push_async_callback(ledger.outbox.close)
        cpu = CpuPool(settings.cpu_processes)
        stack.callback(cpu.close)
        make_worker = partial(
            Worker, shares=share_out.shares(), cpu=cpu, data_folder=data_folder, crash=lifecycle.crash
        )
        workers = [make_worker(value, settings, ledger, producer, objects) for value in job_types]
        started: list[Worker] = []
        lifecycle.before_crash(lambda: give_back_at_crash(settings.database_url, ledger.leases.held()))
        lifecycle.before_crash(lambda: leave_groups(started))
        stack.push_async_callback(stop_workers, started)
        await start_workers(workers, started)
        if not workers:
            log.warning("serves_no_job_type", job_types=settings.job_types)
        stops_ahead = StopsAhead(settings, {requests_topic(worker.slug): worker.stop_all for worker in workers})
        stack.push_async_callback(stops_ahead.stop)
        if workers:
            stops_ahead.start()

        async def checks() -> dict[str, Check]:
            await pool.fetchval("SELECT 1")
            return {"database": Check(ok=True, detail="answers"), **{w.slug: w.check() for w in workers}}

        await stack.enter_async_context(serve_monitoring(settings, checks))
        await lifecycle.ended()


if __name__ == "__main__":
    sys.exit(untested_version() or run_process("processor", ProcessorSettings, os.environ, serve))
