"""Steady traffic on a topic, worker processes that hear it, and the account of what was heard."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete

from jobmonitor.contract.topics import work_topic
from support.engine import create_topics
from support.waiting import until

ROOT = Path(__file__).parent.parent.parent
PAUSE_S = 0.004
Place = tuple[int, int]
"""Partition and offset of a message."""


@dataclass
class Traffic:
    """One topic with its producer, its workers and their log."""

    bootstrap: str
    folder: Path
    reader: str = "ours"
    commit_s: float = 2.8
    slow_s: float = 0.0
    session_s: float = 10.0
    """After which a killed worker is missed."""
    job_type: str = field(default_factory=lambda: f"flow-{uuid4().hex[:8]}")
    sent: set[Place] = field(default_factory=set)
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def topic(self) -> str:
        return work_topic(self.job_type)

    def start_worker(self) -> "subprocess.Popen[bytes]":
        arguments = [self.bootstrap, self.job_type, str(self.folder), str(self.folder / "heard"), self.reader]
        times = [str(self.commit_s), str(self.slow_s), str(self.session_s)]
        with (self.folder / "workers.log").open("ab") as told:
            worker = subprocess.Popen(
                [sys.executable, "-m", "support.stream_worker", *arguments, *times],
                env={**os.environ, "PYTHONPATH": f"{ROOT / 'services'}:{ROOT / 'tests'}"},
                stderr=told,
            )
        self.workers.append(worker)
        return worker

    def heard(self, by: "subprocess.Popen[bytes] | None" = None) -> Counter[Place]:
        """How often each message was handed over, by one worker or all of them. A line cut off by a kill is none."""
        log = self.folder / "heard"
        lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return Counter((int(line[1]), int(line[2])) for line in lines if by is None or int(line[0]) == by.pid)

    def lost(self) -> set[Place]:
        return self.sent - set(self.heard())

    def repeated(self) -> int:
        """How many times a message was handed over again."""
        return sum(times - 1 for times in self.heard().values())

    async def hears(self, worker: "subprocess.Popen[bytes]") -> None:
        """Wait until the worker hears messages that nobody heard before."""
        before = set(self.heard())
        await self._until(lambda: bool(set(self.heard(worker)) - before))

    async def add_partitions(self, total: int) -> None:
        """Grow the topic and wait until the new partitions are heard."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        await admin.create_partitions({self.topic: NewPartitions(total)})
        await admin.close()
        await self._until(lambda: {partition for partition, _ in self.heard()} == set(range(total)))

    async def expire(self) -> None:
        """What was sent up to now is gone from the broker, as after its retention, and expected of nobody."""
        ends = {partition: offset + 1 for partition, offset in sorted(self.sent)}
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        await admin.delete_records({TopicPartition(self.topic, p): RecordsToDelete(end) for p, end in ends.items()})
        await admin.close()
        self.sent = {(partition, offset) for partition, offset in self.sent if offset >= ends[partition]}

    async def end_heard(self) -> None:
        """Wait until the last message of every partition was heard: each before it has had its turn by then."""
        last = {(partition, max(o for p, o in self.sent if p == partition)) for partition, _ in self.sent}
        await self._until(lambda: last <= set(self.heard()))

    async def _until(self, condition: Callable[[], bool]) -> None:
        async def met() -> bool:
            await asyncio.sleep(0.1)
            return condition()

        await until(met, within_s=60)

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Messages come steadily, to all partitions in turn."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, metadata_max_age_ms=1000)
        await producer.start()
        sending = asyncio.create_task(self._send(producer))
        try:
            yield
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer) -> None:
        number = 0
        while True:
            number += 1
            partition = number % len(await producer.partitions_for(self.topic))
            placed = await producer.send_and_wait(self.topic, b"%d" % number, partition=partition)
            self.sent.add((placed.partition, placed.offset))
            await asyncio.sleep(PAUSE_S)


@asynccontextmanager
async def traffic(bootstrap: str, folder: Path, **options: object) -> AsyncIterator[Traffic]:
    """Traffic on a topic of its own; its workers are gone afterwards."""
    running = Traffic(bootstrap, folder, **options)  # type: ignore[arg-type]
    folder.mkdir(exist_ok=True)
    await create_topics(bootstrap, running.topic)
    try:
        yield running
    finally:
        for worker in running.workers:
            worker.kill()
            worker.wait()
