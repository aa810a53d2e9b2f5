"""How long work is held up by a kill -9 of each service, which is started again at once, as a supervisor does.

PYTHONPATH=tests python -m bench.recovery
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from bench.engine_servers import EngineServers, engine_servers
from bench.figures import Figure, at_most, tell
from chaos.watch import ACCOUNT_ID, partition_keys
from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.contract.topics import requests_topic
from jobmonitor.local.service import GATEWAY, PROJECTION, WORKER, Service, ServiceSpec
from jobmonitor.runtime.kafka import Producer, outgoing
from support.brokers import broker_at

SPECS = (
    ServiceSpec("projection", PROJECTION),
    ServiceSpec("processor", WORKER),
    ServiceSpec("processor", WORKER, 2),
    ServiceSpec("reconciler", WORKER),
    ServiceSpec("gateway", GATEWAY),
)
RUNS = int(os.environ.get("BENCH_KILLS", "5"))
GOAL_S = 6.0


class Recovery:
    """Kills, starts again, and waits until work is done as before."""

    def __init__(self, producer: Producer, view: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._producer = producer
        self._view = view

    async def of(self, service: Service) -> float:
        """Seconds from the kill until a job in each partition, submitted right after it, is done in the view."""
        began = time.perf_counter()
        service.kill()
        service.launch()
        match service.name:
            case "gateway":
                await asyncio.to_thread(service.wait_until_ready)
            case "reconciler":
                await self._done(await self._submit(in_s=0.5))
            case _:
                await self._done(await self._submit())
        return time.perf_counter() - began

    async def settle(self) -> None:
        """Return when jobs are done as ever."""
        await self._done(await self._submit())

    async def _submit(self, *, in_s: float | None = None) -> list[UUID]:
        """No-op jobs, one in each partition; to start in ``in_s`` seconds, which is the reconciler's work."""
        run = uuid4()
        job_ids = [job_id_for(ACCOUNT_ID, key) for key in partition_keys(lambda number: f"{run}-{number}")]
        now = datetime.now(UTC)
        data = JobSubmitted(
            account_id=ACCOUNT_ID,
            owner_id=1,
            job_type="probe",
            parameters={"file": False},
            run_at=None if in_s is None else now + timedelta(seconds=in_s),
        )
        for job_id in job_ids:
            event = Event(id=str(uuid4()), source="/bench", job_id=job_id, time=now, data=data)
            await self._producer.send_messages([outgoing(requests_topic("probe"), event)])
        return job_ids

    async def _done(self, job_ids: Sequence[UUID]) -> None:
        question = "SELECT count(*) FROM projection.job_history WHERE job_id = ANY ($1::uuid[]) AND state = 'completed'"
        while await self._view.fetchval(question, job_ids) < len(job_ids):  # noqa: ASYNC110 - the view is measured
            await asyncio.sleep(0.02)


async def measure(servers: EngineServers, say: Callable[[str], object]) -> list[Figure]:
    producer = Producer(broker_at(servers.kafka_bootstrap))
    await producer.start()
    view = await asyncpg.connect(servers.superuser_url)
    recovery = Recovery(producer, view)
    figures = []
    try:
        for service in servers.services:
            if service.name == "processor-2":
                continue
            runs = []
            for _ in range(RUNS):
                await recovery.settle()
                runs.append(await recovery.of(service))
                await asyncio.to_thread(service.wait_until_ready)
            say(f"{service.name}: {', '.join(f'{run:.1f}' for run in runs)} s")
            figures.append(at_most(GOAL_S, f"kill -9 of the {service.name}: work goes on after", "s", runs))
    finally:
        await producer.stop()
        await view.close()
    return figures


def recovery_figures(say: Callable[[str], object] = print) -> list[Figure]:
    """Start everything, measure, stop everything."""
    with tempfile.TemporaryDirectory(prefix="jobmonitor-bench-") as folder:
        Path(folder).chmod(0o711)
        variables = {
            "JOBMONITOR_JOB_TYPES": "probe",
            "JOBMONITOR_LOG_LEVEL": "warning",
        }
        with engine_servers(Path(folder), SPECS, **variables) as servers:
            return asyncio.run(measure(servers, say))


if __name__ == "__main__":
    print(tell(recovery_figures(), Path(sys.argv[1] if len(sys.argv) > 1 else ".data/bench-recovery.json")))  # noqa: T201
