"""One job type being served: its Faust app, its request handler and its chunk runner, wired together."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import faust

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import ChunkDispatched
from jobmonitor.job_types.protocol import JobType
from jobmonitor.ledger import Ledger
from jobmonitor.processor.chunks import ChunkRunner
from jobmonitor.processor.metrics import LAG
from jobmonitor.processor.requests import RequestHandler
from jobmonitor.processor.settings import ProcessorSettings
from jobmonitor.processor.streams import Streams, build_app
from jobmonitor.runtime.dead_letters import dead_letter
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.monitoring import Check
from jobmonitor.runtime.objects import ObjectStore

STALLED_AFTER_S = 60.0


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
        self._app = build_app(job_type.slug, settings.kafka_bootstrap, data_folder)
        self._progress: tuple[float, int] = (time.monotonic(), -1)
        streams = Streams(self._app, job_type.slug, crash=crash)
        streams.hear_requests(RequestHandler(job_type, ledger).handle)
        streams.hear_work(self._run_chunk, self._bury)

    async def start(self) -> None:
        self._app.finalize()
        await self._app.start()

    async def stop(self) -> None:
        """Waits for the chunks under way."""
        await self._app.stop()

    async def _run_chunk(self, event: Event) -> None:
        if isinstance(event.data, ChunkDispatched):
            await self._chunks.run(event.job_id, event.data.chunk)

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
        consumer: Any = self._app.consumer
        partitions = consumer.assignment()
        lag = 0
        read = 0
        for partition in partitions:
            position = consumer._read_offset[partition] or 0
            behind = max(0, (consumer.highwater(partition) or 0) - position - 1)
            LAG.labels(partition.topic, partition.partition).set(behind)
            lag += behind
            read += position
        now = time.monotonic()
        if lag == 0 or read != self._progress[1]:
            self._progress = (now, read)
        stalled = now - self._progress[0] > STALLED_AFTER_S
        return Check(
            ok=bool(partitions) and not stalled,
            detail=f"{len(partitions)} partitions, {lag} messages waiting" + (", not moving" if stalled else ""),
        )


def _header_list(headers: Mapping[str, bytes] | list[tuple[str, bytes]] | None) -> list[tuple[str, bytes]]:
    return list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
