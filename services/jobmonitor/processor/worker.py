"""One job type being served: its Faust app, its request handler and its chunk runner, wired together."""

import asyncio
import concurrent.futures
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import faust

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import ChunkDispatched
from jobmonitor.contract.topics import requests_topic
from jobmonitor.job_types.protocol import NO_CPU, Cpu, JobType
from jobmonitor.ledger import Ledger
from jobmonitor.ledger.claims import Kind
from jobmonitor.ledger.suspects import Suspects
from jobmonitor.processor.acceptor import Acceptor
from jobmonitor.processor.chunks import ChunkRunner
from jobmonitor.processor.inline_runner import InlineRunner
from jobmonitor.processor.metrics import LAG
from jobmonitor.processor.planner import PLANS_MAX, Planner
from jobmonitor.processor.put_aside import PutAside
from jobmonitor.processor.request_queue import RequestQueue
from jobmonitor.processor.requests import RequestHandler
from jobmonitor.processor.result_files import ResultFiles
from jobmonitor.processor.settings import ProcessorSettings
from jobmonitor.processor.shares import Shares, connections
from jobmonitor.processor.slots import Hint, Slots
from jobmonitor.processor.streams import Streams, build_app
from jobmonitor.runtime import dead_letters
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.monitoring import Check
from jobmonitor.runtime.objects import ObjectStore
from jobmonitor.runtime.retry import until_passed

ASSEMBLIES_MAX = 16
"""Of a type at once, as far as its share of the process allows. Each may take long."""
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
        shares: Mapping[Kind, Shares] | None = None,
        cpu: Cpu = NO_CPU,
        data_folder: Path,
        crash: Callable[[BaseException], NoReturn],
    ) -> None:
        """``shares``: the slots it shares with the other types of its process; without it is alone."""
        self.slug = job_type.slug
        self._producer = producer
        self._crash = crash
        self._stop_grace_s = settings.stop_grace_s
        self._chunks = ChunkRunner(job_type, ledger, objects, settings, cpu)
        share = {kind: each.of(self.slug) for kind, each in (shares or connections(1).shares()).items()}
        slots = partial(Slots, self._run, crash=crash)
        self._slots: dict[Kind, Slots] = {
            "plan": slots(slots=PLANS_MAX, account_max=PLANS_MAX - 1, share=share["plan"]),
            "work": slots(slots=job_type.capacity.slots, share=share["work"]),
            "assemble": slots(slots=ASSEMBLIES_MAX, account_max=ASSEMBLIES_MAX // 2, share=share["assemble"]),
        }
        planner = Planner(self._slots["plan"])
        files = ResultFiles(objects, settings.result_retention_days)
        acceptor = Acceptor(job_type, ledger, InlineRunner(job_type, objects, files, cpu), planner)
        requests = RequestHandler(job_type, ledger, acceptor)
        self.stop_all = requests.stop_all
        topic = requests_topic(job_type.slug)
        self._suspects = Suspects(ledger.pool, topic)
        self._queue = RequestQueue(requests.handle, PutAside(self._suspects, topic, requests.fail), crash=crash)
        self._app = build_app(job_type.slug, settings, data_folder)
        self._progress: tuple[float, int] = (time.monotonic(), -1)
        self._watching: asyncio.Task[None] | None = None
        streams = Streams(self._app, job_type.slug, crash=crash)
        streams.consume_requests(self._queue, requests.account_of, self._dead_letter)
        streams.consume_work(self._take, self._dead_letter)

    async def start(self) -> None:
        await until_passed(self._suspects.forget_old, "start_waits")
        self._queue.start()
        self._app.finalize()
        await self._app.start()
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """An app of Faust that crashed reads nothing any more, and says so nowhere: that ends the process."""
        await self._app._crashed.wait()
        self._crash(self._app.crash_reason or RuntimeError("The Faust app crashed."))

    async def stop(self) -> None:
        """Lets the chunks under way end, for a while, and begins no others; those that take longer are given back.

        Only plans of requests that are being accepted still begin here: nobody else was told of them.
        """
        if self._watching is not None:
            self._watching.cancel()
        self._slots["work"].close()
        self._slots["assemble"].close()
        self._chunks.end()
        await self._app.stop()
        await self._queue.stop()
        await asyncio.gather(*[slots.stop(within_s=self._stop_grace_s) for slots in self._slots.values()])

    def leave_group(self) -> "concurrent.futures.Future[None]":
        """Begin to let others take the partitions over, as this process is about to crash."""
        return self._app.leave_group()

    async def _run(self, hint: Hint) -> None:
        await self._chunks.run(hint.job_id, hint.chunk, hint.dead_letter, on_claim=hint.settled)

    def _take(self, event: Event, message: "faust.types.Message", ack: Callable[[], object]) -> str | None:
        data = event.data
        if not isinstance(data, ChunkDispatched) or data.job_type != self.slug:
            return f"Only chunks of {self.slug} jobs belong on this topic."

        async def dead_letter(reason: str) -> None:
            await self._dead_letter(message, reason)

        self._slots[data.kind].add(Hint(data.account_id, event.job_id, data.chunk, dead_letter, ack))
        return None

    async def _dead_letter(self, message: "faust.types.Message", reason: str) -> None:
        await self._producer.send_dead_letter(
            dead_letters.dead_letter(
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
        """Consuming, not just alive: a member of its group that reads, and whose position moves where messages wait.

        A member without partitions is ready too: it stands by for one that leaves.
        """
        waiting = self._app.waiting()
        for partition, (_, behind) in waiting.items():
            LAG.labels(partition.topic, partition.partition).set(behind)
        lag = sum(behind for _, behind in waiting.values())
        read = sum(position for position, _ in waiting.values())
        now = time.monotonic()
        if lag == 0 or read != self._progress[1]:
            self._progress = (now, read)
        problems = [
            (not self._app.is_member(), "not a member of its group"),
            (now - self._progress[0] > STALLED_AFTER_S, "not moving"),
            (now - self._app.read_at > STALLED_AFTER_S, "not asking for messages"),
        ]
        words = "".join(f", {text}" for bad, text in problems if bad)
        return Check(ok=not words, detail=f"{len(waiting)} partitions, {lag} messages waiting{words}")


def leave_groups(workers: Iterable[Worker]) -> None:
    """All of them at once: a broker that is away holds up the crash for a second in all."""
    concurrent.futures.wait([worker.leave_group() for worker in workers], LEAVING_AT_MOST_S)


async def start_workers(workers: Iterable[Worker], started: list[Worker]) -> None:
    """All at once: each waits a second until the broker takes it into its group. ``started`` gets those that are up."""

    async def start(worker: Worker) -> None:
        await worker.start()
        started.append(worker)

    await asyncio.gather(*map(start, workers))


async def stop_workers(workers: Iterable[Worker]) -> None:
    """All at once: they share the time a stop may take."""
    await asyncio.gather(*[worker.stop() for worker in workers])


def _header_list(headers: Mapping[str, bytes] | list[tuple[str, bytes]] | None) -> list[tuple[str, bytes]]:
    return list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
