"""How long one fact takes from its producer to a row that can be read: with nothing else to do, and among many."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import msgspec
import psutil

from bench.engine_servers import EngineServers
from bench.figures import Figure, at_most, percentile
from bench.progress_log import job_ids, progress, put_running_jobs
from jobmonitor.contract.topics import jobs_topic, view_topics
from jobmonitor.runtime.kafka import Producer, outgoing
from support.brokers import broker_at
from support.engine import create_topics
from support.waiting import until

RUNS = 5
JOBS = 10_000
JOB_TYPE = "bench-delay"
IDLE_FACTS = 200
IDLE_PAUSE_S = 0.05
LOAD_A_SECOND = 5_000
LOAD_S = 5.0
TICK_S = 0.005


def delay_figures(servers: EngineServers) -> list[Figure]:
    """Several runs of each, against one projection."""
    asyncio.run(create_topics(servers.kafka_bootstrap, *view_topics(JOB_TYPE)))
    asyncio.run(put_running_jobs(servers.superuser_url, JOB_TYPE, job_ids(JOBS)))
    with running_projection(servers, JOB_TYPE):
        return asyncio.run(_delay_figures(servers))


@contextmanager
def running_projection(servers: EngineServers, job_type: str) -> Iterator[psutil.Process]:
    """The projection as a process of its own, following the topics of one job type."""
    environment = {
        **os.environ,
        "JOBMONITOR_DATABASE_URL": servers.url("jobmonitor_projection"),
        "JOBMONITOR_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
        "JOBMONITOR_PROJECTION_GROUP": f"bench-{uuid4()}",
        "JOBMONITOR_PROJECTION_TOPICS": ",".join(view_topics(job_type)),
    }
    with tempfile.TemporaryFile() as output:
        command = [sys.executable, "-m", "jobmonitor.projection"]
        child = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            yield psutil.Process(child.pid)
        finally:
            child.terminate()
            child.wait(30)


async def _delay_figures(servers: EngineServers) -> list[Figure]:
    facts = _Facts(servers, job_ids(JOBS))
    await facts.start()
    idle, loaded = [], []
    for _ in range(RUNS):
        idle.append(await facts.one_by_one(IDLE_FACTS))
        loaded.append(await facts.many(LOAD_A_SECOND, LOAD_S))
    await facts.stop()
    return [
        at_most(5, "fact to row, idle: p50", "ms", [percentile(delays, 50) for delays in idle]),
        at_most(15, "fact to row, idle: p99", "ms", [percentile(delays, 99) for delays in idle]),
        at_most(100, f"fact to row, {LOAD_A_SECOND:,} a second: p99", "ms", [percentile(some, 99) for some in loaded]),
    ]


class _Facts:
    """Sends progress and hears when its row has it: a notice is sent by the commit that made the row readable.

    A job gets its next fact after the notice of the one before, so a notice can mean one fact only.
    """

    def __init__(self, servers: EngineServers, ids: Sequence[UUID]) -> None:
        self._servers = servers
        self._ids = ids
        self._sequences = [0] * len(ids)
        self._turn = 0
        self._sent_at: dict[UUID, float] = {}
        self._delays_ms: list[float] = []
        self._producer = Producer(broker_at(servers.kafka_bootstrap), send_timeout_s=30)

    async def start(self) -> None:
        """Returns when the projection folds what is sent."""
        await self._producer.start()
        self._listener = await asyncpg.connect(self._servers.superuser_url)
        await self._listener.add_listener("jobs_changed", lambda *said: self._hear(str(said[3])))
        await self._send(1)
        await until(self._all_heard, within_s=60)
        await self.one_by_one(20)

    async def stop(self) -> None:
        await self._producer.stop()
        await self._listener.close()

    async def one_by_one(self, facts: int) -> list[float]:
        """The delays in ms of facts with a pause after each, which lasts until it is in its row."""
        self._delays_ms.clear()
        for _ in range(facts):
            await self._send(1)
            await asyncio.sleep(IDLE_PAUSE_S)
            await until(self._all_heard)
        return list(self._delays_ms)

    async def many(self, a_second: int, seconds: float) -> list[float]:
        """The delays in ms of so many facts a second, each of another job."""
        self._delays_ms.clear()
        began_at, sent = time.monotonic(), 0
        while (passed_s := time.monotonic() - began_at) < seconds:
            due = int(passed_s * a_second) - sent
            await self._send(due)
            sent += due
            await asyncio.sleep(TICK_S)
        await until(self._all_heard)
        return list(self._delays_ms)

    async def _send(self, facts: int) -> None:
        messages = []
        for _ in range(facts):
            place = self._turn = (self._turn + 1) % len(self._ids)
            job_id = self._ids[place]
            if job_id in self._sent_at:
                raise SystemExit("The projection is too slow: a job's turn has come again before its fact was folded.")
            self._sequences[place] += 1
            event = progress(job_id, place, JOB_TYPE, self._sequences[place], datetime.now(UTC))
            messages.append(outgoing(jobs_topic(JOB_TYPE), event))
            self._sent_at[job_id] = time.perf_counter()
        await self._producer.send_messages(messages)

    def _hear(self, notice: str) -> None:
        now = time.perf_counter()
        for job_id in msgspec.json.decode(notice)["job_ids"]:
            sent_at = self._sent_at.pop(UUID(job_id), None)
            if sent_at is not None:
                self._delays_ms.append((now - sent_at) * 1000)

    async def _all_heard(self) -> bool:
        return not self._sent_at
