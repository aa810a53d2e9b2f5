"""Looks on: how long a fault is felt, how far the run is, and when everything is calm."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka.partitioner import murmur2

from chaos.history import History
from chaos.load import Load
from chaos.plan import Fault, Plan, Way
from chaos.shapes import PROBE
from chaos.world import OPEN, waiting_messages
from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.contract.topics import catalogue, requests_topic
from jobmonitor.runtime.failures import is_temporary

POLL_S = 0.1
CALM_POLL_S = 0.5
PROGRESS_EVERY_S = 10.0
RECOVERY_LIMIT_S = 180.0
PARTITIONS = next(topic.partitions for topic in catalogue([PROBE]) if topic.name == requests_topic(PROBE))
ACCOUNT_ID = 1
SERVED_TO_USERS = ("gateway", "kafka", "postgres")
"""After faults of these the no-ops are submitted by a user, after the others by a producer."""

Say = Callable[[str], None]


class Watch:
    """Asks the view and the broker, both of which may be away."""

    def __init__(self, plan: Plan, history: History, load: Load, say: Say, *, database_url: str, kafka: str) -> None:
        """``database_url`` is the superuser's."""
        self._plan = plan
        self._history = history
        self._load = load
        self._say = say
        self._pool = asyncpg.create_pool(database_url, min_size=0, max_size=4, command_timeout=5)
        self._kafka = kafka
        self._recoveries: list[asyncio.Task[None]] = []
        self.recovered_s: list[tuple[Fault, float]] = []

    async def __aenter__(self) -> "Watch":
        await self._pool
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pool.terminate()

    def measure(self, fault: Fault) -> None:
        """Measure in the background how long work is held up after this fault, which is over."""
        self._recoveries.append(asyncio.create_task(self._measure(fault)))

    async def measured(self) -> None:
        """Return when every measurement has ended. Raises what one raised."""
        await asyncio.gather(*self._recoveries)

    async def _measure(self, fault: Fault) -> None:
        """Measure from now until a fresh no-op in each partition has been submitted, done, and shown as completed."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        way: Way = "gateway" if fault.service in SERVED_TO_USERS else "kafka"
        number = self._plan.faults.index(fault)
        keys = partition_keys(lambda attempt: self._plan.key(f"fault-{number}-{attempt}"))
        told = await asyncio.gather(*(self._load.submit_recovery(key, ACCOUNT_ID, way) for key in keys))
        wanted = {each.job_id for each in told}
        while await self._count_completed(wanted) < len(wanted) and loop.time() < began_s + RECOVERY_LIMIT_S:
            await asyncio.sleep(POLL_S)
        took_s = loop.time() - began_s
        self.recovered_s.append((fault, took_s))
        self._say(f"{fault}: work goes on after {took_s:.1f} s")

    async def tell_progress(self) -> None:
        """A line every ten seconds, until cancelled."""
        while True:
            await asyncio.sleep(PROGRESS_EVERY_S)
            jobs = self._history.jobs.values()
            accepted = sum(told.submitted == "ok" for told in jobs)
            self._say(f"{len(jobs):,} jobs asked for, {accepted:,} accepted; {await self._rest()}")

    async def calm(self) -> None:
        """Return when nothing is open, unsent or waiting to be folded any more."""
        while await self._unrest() != (0, 0, 0, 0):
            await asyncio.sleep(CALM_POLL_S)

    async def _rest(self) -> str:
        unrest = await self._unrest()
        if unrest is None:
            return "a server is away"
        return "{:,} jobs open with {:,} chunks, {:,} messages unsent, {:,} not folded".format(*unrest)

    async def _unrest(self) -> tuple[int, int, int, int] | None:
        """Open jobs, their chunks, messages in the outbox, messages not folded; None while a server is away."""
        try:
            async with asyncio.timeout(5), self._pool.acquire() as connection, self._consumer() as consumer:
                jobs, chunks, unsent = await connection.fetchrow(OPEN) or (0, 0, 0)
                return jobs, chunks, unsent, await waiting_messages(connection, consumer)
        except Exception as error:
            if not is_temporary(error):
                raise
            return None

    async def _count_completed(self, job_ids: set[UUID]) -> int:
        question = """
            SELECT count(*) FROM (SELECT job_id, state FROM projection.job_monitor
                                  UNION ALL SELECT job_id, state FROM projection.job_history) AS v
            WHERE job_id = ANY ($1::uuid[]) AND state = 'completed'
        """
        try:
            async with asyncio.timeout(5), self._pool.acquire() as connection:
                return int(await connection.fetchval(question, list(job_ids)))
        except Exception as error:
            if not is_temporary(error):
                raise
            return 0

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka, enable_auto_commit=False)
        try:
            await consumer.start()
            yield consumer
        finally:
            await consumer.stop()


def partition_keys(key: Callable[[int], str]) -> list[str]:
    """Keys whose jobs lie in all partitions of the topic, one each; ``key`` gives one for each number."""
    found: dict[int, str] = {}
    attempt = 0
    while len(found) < PARTITIONS:
        job_id = job_id_for(ACCOUNT_ID, key(attempt))
        found.setdefault((murmur2(str(job_id).encode()) & 0x7FFFFFFF) % PARTITIONS, key(attempt))
        attempt += 1
    return [found[partition] for partition in sorted(found)]
