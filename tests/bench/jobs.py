"""Whole jobs through the engine: how many a second, how soon one starts, and what a flood does to others.

    BENCH_ONLY=jobs make bench

Jobs are submitted straight to Kafka, as a producer does. They are over when the view shows them completed. What people
know does the same beside us (``bench.peers``): Celery is each figure's reference.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer

from bench.engine_servers import EngineServers, engine_servers
from bench.figures import (
    Figure,
    at_least,
    at_most,
    beside,
    percentile,
    ratio_at_least,
    ratio_at_most,
    tell,
    times,
    told,
)
from bench.peers.measure import PeerFigures, measure_peers
from jobmonitor.contract.envelope import Event, decode
from jobmonitor.contract.events import JobStarted, JobSubmitted
from jobmonitor.contract.topics import jobs_topic, requests_topic
from jobmonitor.local.service import PROJECTION, WORKER, ServiceSpec
from jobmonitor.runtime.kafka import Producer, outgoing
from support.brokers import broker_at

REQUESTS, FACTS = requests_topic("probe"), jobs_topic("probe")
SPECS = (
    ServiceSpec("projection", PROJECTION),
    ServiceSpec("processor", WORKER),
    ServiceSpec("processor", WORKER, 2),
    ServiceSpec("reconciler", WORKER),
)
NO_OP = {"file": False}
TEN_PROGRESSES = {"units": 10, "file": False, "effects": False}
FLOOD = {"units": 5, "chunk_s": 0.2, "file": False}
"""Chunks as long as chunks are, which costs time of the workers more than of the machine."""
FLOOD_JOBS = int(os.environ.get("BENCH_FLOOD_JOBS", "10000"))
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
JOBS = int(os.environ.get("BENCH_JOBS", "10000"))
STARTS = int(os.environ.get("BENCH_STARTS", "300"))
ACCOUNTS = 50
PEERS = "peers"
"""The database of those of them that need one."""


def submission(parameters: dict[str, Any], account_id: int) -> Event:
    data = JobSubmitted(account_id=account_id, owner_id=account_id, job_type="probe", parameters=parameters)
    return Event(id=str(uuid4()), source="/bench", job_id=uuid4(), time=datetime.now(UTC), data=data)


class Bench:
    """A producer, and a look into the view."""

    def __init__(self, servers: EngineServers, producer: Producer, view: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.servers = servers
        self.producer = producer
        self.view = view

    async def submit(self, events: Sequence[Event]) -> None:
        for start in range(0, len(events), 1000):
            await self.producer.send_messages([outgoing(REQUESTS, event) for event in events[start : start + 1000]])

    async def ended(self) -> int:
        count: int = await self.view.fetchval("SELECT count(*) FROM projection.job_history WHERE job_type = 'probe'")
        return count

    async def taken_up(self) -> int:
        count: int = await self.view.fetchval("SELECT count(*) FROM ledger.runs WHERE account_id = 1")
        return count

    async def numbered(self) -> int:
        """The highest Job# there is: cheap to ask for, however many jobs there are."""
        number: int = await self.view.fetchval("SELECT coalesce(max(number), 0) FROM registry.job_numbers")
        return number

    async def jobs_per_s(self, parameters: dict[str, Any], jobs: int) -> float:
        """From the first submission sent to the last job ended in the view.

        What has ended is counted only when all are in the view, so that counting takes nothing from those counted.
        """
        events = [submission(parameters, 1 + number % ACCOUNTS) for number in range(jobs)]
        ended, numbered = await self.ended() + jobs, await self.numbered() + jobs
        began = time.perf_counter()
        await self.submit(events)
        for count, wanted in ((self.numbered, numbered), (self.ended, ended)):
            while await count() < wanted:  # noqa: ASYNC110 - the view is what is measured
                await asyncio.sleep(0.05)
        return jobs / (time.perf_counter() - began)


class Starts:
    """Hears when jobs start."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._waiting: dict[UUID, asyncio.Future[float]] = {}

    async def listen(self) -> None:
        async for record in self._consumer:
            event = decode(record.value)
            if isinstance(event.data, JobStarted) and event.job_id in self._waiting:
                self._waiting.pop(event.job_id).set_result(time.perf_counter())

    async def milliseconds(self, bench: Bench, parameters: dict[str, Any], account_id: int) -> float:
        """From the submission to hearing that the job started."""
        event = submission(parameters, account_id)
        started = self._waiting[event.job_id] = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        await bench.submit([event])
        heard_at: float = await started
        return 1000 * (heard_at - began)


async def measure(servers: EngineServers, say: Callable[[str], object]) -> list[Figure]:
    producer = Producer(broker_at(servers.kafka_bootstrap))
    await producer.start()
    view = await asyncpg.connect(servers.superuser_url)
    consumer = AIOKafkaConsumer(FACTS, bootstrap_servers=servers.kafka_bootstrap, auto_offset_reset="latest")
    await consumer.start()
    starts = Starts(consumer)
    listening = asyncio.create_task(starts.listen())
    bench = Bench(servers, producer, view)
    try:
        await bench.jobs_per_s(NO_OP, 500)  # everything has seen everything once
        ours = [*await start_figures(bench, starts, say), *await throughput_figures(bench, say)]
        peers = await asyncio.to_thread(measure_peers, servers.postgres.url(database=PEERS), (0, 10), say)
        figures = [*(beside_peers(ours, peers) if peers else ours), *await flood_figures(bench, starts, say)]
    finally:
        listening.cancel()
        await consumer.stop()
        await producer.stop()
        await view.close()
    return figures


def beside_peers(ours: Sequence[Figure], peers: PeerFigures) -> list[Figure]:
    """Our figures with Celery's beside them; Procrastinate's behind."""
    p50, p99, no_ops, progresses = ours
    return [
        ratio_at_most(3, p50, [percentile(peers.celery_starts_ms, 50)]),
        beside(p99, [percentile(peers.celery_starts_ms, 99)]),
        ratio_at_least(4.5, no_ops, peers.celery_jobs[0]),
        ratio_at_least(6, progresses, peers.celery_jobs[10]),
        told("Procrastinate beside: no-op jobs", "jobs/s", peers.procrastinate_jobs[0], peers.celery_jobs[0]),
        told("Procrastinate beside: 10 progresses", "jobs/s", peers.procrastinate_jobs[10], peers.celery_jobs[10]),
    ]


async def start_figures(bench: Bench, starts: Starts, say: Callable[[str], object]) -> list[Figure]:
    halves, tails = [], []
    for _ in range(RUNS):
        run = []
        for _ in range(STARTS // RUNS):
            run.append(await starts.milliseconds(bench, NO_OP, 1))
            await asyncio.sleep(0.01)
        halves.append(percentile(run, 50))
        tails.append(percentile(run, 99))
        say(f"submitted to started: p50 {halves[-1]:.1f} ms, p99 {tails[-1]:.1f} ms")
    return [
        at_most(10, "submitted to started, idle, p50", "ms", halves),
        at_most(30, "submitted to started, idle, p99", "ms", tails),
    ]


async def flood_figures(bench: Bench, starts: Starts, say: Callable[[str], object]) -> list[Figure]:
    """The same jobs of a second account, before the flood of the first and while it lasts; it is left unfinished.

    Also with the second account's job sent right behind the flood, when most of it is still on its way.
    """
    alone = await _some_starts(bench, starts, account_id=2)
    flood = [submission(FLOOD, 1) for _ in range(FLOOD_JOBS)]
    sending = asyncio.create_task(bench.submit(flood))
    await asyncio.sleep(0.2)
    behind = [await starts.milliseconds(bench, FLOOD, 2)]
    await sending
    while await bench.taken_up() < FLOOD_JOBS:  # noqa: ASYNC110 - the ledger is what is watched
        await asyncio.sleep(0.1)
    beside = await _some_starts(bench, starts, account_id=2)
    say(
        f"a job's start: alone {median(alone):.1f} ms, beside {FLOOD_JOBS:,} jobs {median(beside):.1f} ms, "
        f"sent while they come in {behind[0]:.0f} ms"
    )
    return [
        times(2, "start of a job beside another account's flood", "ms", beside, alone),
        told("start of a job sent while the flood comes in", "ms", behind, alone),
    ]


async def _some_starts(bench: Bench, starts: Starts, account_id: int) -> list[float]:
    """Each ends before the next begins, so that none waits for the account's own."""
    found = []
    for _ in range(STARTS // 10):
        found.append(await starts.milliseconds(bench, {**FLOOD, "units": 1, "chunk_s": 0.05}, account_id))
        await asyncio.sleep(0.3)
    return found


async def throughput_figures(bench: Bench, say: Callable[[str], object]) -> list[Figure]:
    figures = []
    for name, parameters, jobs, goal in (
        ("no-op jobs to the end in the view", NO_OP, JOBS, 1000.0),
        ("jobs with 10 progress facts", TEN_PROGRESSES, JOBS // 2, 500.0),
    ):
        runs = []
        for _ in range(RUNS):
            runs.append(await bench.jobs_per_s(parameters, jobs))
            say(f"{name}: {runs[-1]:,.0f} jobs/s")
        figures.append(at_least(goal, name, "jobs/s", runs))
    return figures


def job_figures(say: Callable[[str], object] = print) -> list[Figure]:
    """Start everything, measure, stop everything."""
    with (
        tempfile.TemporaryDirectory(prefix="jobmonitor-bench-") as folder,
        _servers(Path(folder)) as servers,
    ):
        servers.postgres.create_database(PEERS)
        return asyncio.run(measure(servers, say))


def _servers(folder: Path) -> Any:
    folder.chmod(0o711)
    return engine_servers(folder, SPECS, JOBMONITOR_JOB_TYPES="probe", JOBMONITOR_LOG_LEVEL="warning")


if __name__ == "__main__":
    print(tell(job_figures(), Path(sys.argv[1] if len(sys.argv) > 1 else ".data/bench-jobs.json")))  # noqa: T201
