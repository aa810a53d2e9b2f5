"""One job type being served: its Faust app, its request handler and its chunk runner, wired together."""

import concurrent.futures
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

import faust

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import ChunkDispatched
from jobmonitor.contract.topics import requests_topic
from jobmonitor.job_types.protocol import JobType
from jobmonitor.ledger import Ledger
from jobmonitor.ledger.suspects import Suspects
from jobmonitor.ledger.transaction import PLAN_CHUNK
from jobmonitor.processor.chunks import ChunkRunner
from jobmonitor.processor.intake import Intake
from jobmonitor.processor.metrics import LAG
from jobmonitor.processor.one_step import OneStep
from jobmonitor.processor.planner import Planner
from jobmonitor.processor.put_aside import PutAside
from jobmonitor.processor.requests import RequestHandler
from jobmonitor.processor.result_files import ResultFiles
from jobmonitor.processor.settings import ProcessorSettings
from jobmonitor.processor.streams import Streams, build_app
from jobmonitor.processor.taking_up import TakingUp
from jobmonitor.runtime.dead_letters import dead_letter
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.monitoring import Check
from jobmonitor.runtime.objects import ObjectStore

STALLED_AFTER_S = 60.0
LEAVING_AT_MOST_S = 1.0


class Worker:
    """Serves one job type from start to stop."""

    def __init__(
        self,
        job_type: JobType[Any],
        settings: ProcessorSettings,
        ledger: Ledger,
        producer: Producer,
        objects: ObjectStore,
        *,
        data_folder: Path,
        crash: Callable[[BaseException], NoReturn],
    ) -> None:
        self.slug = job_type.slug
        self._producer = producer
        self._chunks = ChunkRunner(job_type, ledger, objects, settings)
        self._planner = Planner(self._plan, crash=crash)
        files = ResultFiles(objects, settings.result_retention_days)
        taking_up = TakingUp(job_type, ledger, OneStep(job_type, objects, files), self._planner)
        requests = RequestHandler(job_type, ledger, taking_up)
        topic = requests_topic(job_type.slug)
        put_aside = PutAside(Suspects(ledger.pool, topic), topic, requests.fail)
        self._intake = Intake(requests.handle, put_aside, crash=crash)
        self._app = build_app(job_type.slug, settings, data_folder)
        self._progress: tuple[float, int] = (time.monotonic(), -1)
        streams = Streams(self._app, job_type.slug, crash=crash)
        streams.hear_requests(self._intake, requests.account_of, self._bury)
        streams.hear_work(self._run_chunk, self._bury)

    async def start(self) -> None:
        self._intake.start()
        self._app.finalize()
        await self._app.start()

    async def stop(self) -> None:
        """Waits for the requests and chunks under way."""
        await self._app.stop()
        await self._intake.stop()
        await self._planner.stop()

    def leave_group(self) -> "concurrent.futures.Future[None]":
        """Begin to let others take the partitions over, as this process is about to crash."""
        return self._app.leave_group()

    async def _plan(self, job_id: UUID) -> None:
        await self._chunks.run(job_id, PLAN_CHUNK)

    async def _run_chunk(self, event: Event, message: "faust.types.Message") -> None:
        async def bury(reason: str) -> None:
            await self._bury(message, reason)

        if isinstance(event.data, ChunkDispatched):
            await self._chunks.run(event.job_id, event.data.chunk, bury)

    async def _bury(self, message: "faust.types.Message", reason: str) -> None:
        await self._producer.send_dead_letter(
            dead_letter(
                topic=message.topic,
                partition=message.partition,
                offset=message.offset,
                key=message.key,
                value=message.value,
                headers=_header_list(message.headers),
                reason=reason,
                process="processor",
            )
        )

    def check(self) -> Check:
        """Consuming, not just alive: partitions are assigned, and where messages wait, the position moves."""
        waiting = self._app.waiting()
        for partition, (_, behind) in waiting.items():
            LAG.labels(partition.topic, partition.partition).set(behind)
        lag = sum(behind for _, behind in waiting.values())
        read = sum(position for position, _ in waiting.values())
        now = time.monotonic()
        if lag == 0 or read != self._progress[1]:
            self._progress = (now, read)
        stalled = now - self._progress[0] > STALLED_AFTER_S
        silent = now - self._app.read_at > STALLED_AFTER_S
        words = (", not moving" if stalled else "") + (", not asking for messages" if silent else "")
        return Check(
            ok=bool(waiting) and not stalled and not silent,
            detail=f"{len(waiting)} partitions, {lag} messages waiting{words}",
        )


def leave_groups(workers: Iterable[Worker]) -> None:
    """All of them at once: a broker that is away holds up the crash for a second in all."""
    concurrent.futures.wait([worker.leave_group() for worker in workers], LEAVING_AT_MOST_S)


def _header_list(headers: Mapping[str, bytes] | list[tuple[str, bytes]] | None) -> list[tuple[str, bytes]]:
    return list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
