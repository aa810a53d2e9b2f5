"""Folds batches so that one message's fault is never another's.

When a batch fails and the error is not temporary, a made-up job is folded first. If even that fails, no message is to
blame, and the process ends. Otherwise the batch is halved until the message that fails is alone; it becomes a dead
letter, and all others are folded. The same is done for what seems temporary and does not pass.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeVar

import structlog
from aiokafka.errors import KafkaError

from jobmonitor.projection import metrics
from jobmonitor.projection.batch import Batch, ViewChanges, read, unusable
from jobmonitor.projection.offsets import Fenced, Partition, Position
from jobmonitor.projection.store import Store
from jobmonitor.runtime.backoff import Backoff
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.kafka import KafkaUnavailable

FLUSH_TIMEOUT_S = 30.0
BACKOFF = Backoff(first_s=0.2, most_s=5.0)
TRIES_BEFORE_DOUBT = 6
"""So often a batch may fail in ways that pass by themselves, some ten seconds, before its messages are looked at."""

TRIES_ALONE = 3
"""So often a message fails alone before it is put aside for what seems temporary."""

log = structlog.stdlib.get_logger()
Answer = TypeVar("Answer")
Positions = Mapping[Partition, Position]
Folded = Callable[[Batch, ViewChanges, Positions], None]


class Interrupted(Exception):
    """The projector was asked to stop while it waited for something to come back."""


class Retries:
    """Tries again what fails in ways that pass, until a stop is asked for: that ends a pause, but no try."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping

    async def until_done(self, act: Callable[[], Awaitable[Answer]], *, tries_max: int | None = None) -> Answer:
        """Try until it succeeds. Raises Interrupted, and whatever is not temporary.

        After ``tries_max`` raises what is temporary, too, unless it is Kafka's: that says nothing about a message.
        """
        attempt = 1
        while True:
            try:
                return await act()
            except Exception as error:
                if not is_temporary(error):
                    raise
                if tries_max and attempt >= tries_max and not isinstance(error, KafkaError | KafkaUnavailable):
                    raise
                metrics.FAILURES.labels(type(error).__name__).inc()
                log.warning("batch_waits", attempt=attempt, error=repr(error))
            if await self.stopped_within(BACKOFF.pause_s(attempt)):
                raise Interrupted
            attempt += 1

    async def stopped_within(self, pause_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
        return self._stopping.is_set()


class Folding:
    """Puts batches into the views of one store."""

    def __init__(self, store: Store, retries: Retries, job_type: str, folded: Folded) -> None:
        """``folded`` is called with what is in the views, in one or in many parts; ``job_type`` is a made-up job's."""
        self._store = store
        self._retries = retries
        self._job_type = job_type
        self._folded = folded

    async def fold(self, batch: Batch, positions: Positions) -> None:
        """Fold the batch and move its partitions here. Raises Fenced, Interrupted, and bugs that hit any job."""
        parts = [(batch, positions)]
        while parts:
            part, ends = parts.pop()
            error = await self._failure(part, ends)
            if error is None:
                continue
            if not len(part):
                raise error
            log.warning("batch_failed", messages=len(part), error=repr(error))
            if len(part) > 1:
                await self._rehearse()
                parts += reversed(halves(part, ends))
            else:
                await self._judge(part, ends, error)

    async def _judge(self, batch: Batch, positions: Positions, error: Exception) -> None:
        """Put the batch's only message aside, unless it was the server that failed.

        What seems temporary is the message's fault only if it fails again and again right after a made-up job did not.
        """
        for _ in range(TRIES_ALONE):
            if not is_temporary(error):
                break
            await self._rehearse()
            again = await self._failure(batch, positions, tries_max=1)
            if again is None:
                return
            error = again
        log.error("message_failed", error=repr(error), traceback=_where(error))
        await self.put_aside(batch, positions, f"It cannot be folded: {error!r}")

    async def _failure(
        self, batch: Batch, positions: Positions, *, tries_max: int = TRIES_BEFORE_DOUBT
    ) -> Exception | None:
        """Fold the batch, or say why that is not possible."""
        try:
            changes = await self._retries.until_done(lambda: self._flush(batch, positions), tries_max=tries_max)
        except (Fenced, Interrupted):
            raise
        except Exception as error:  # a bug, or what a message does to us
            return error
        self._folded(batch, changes, positions)
        return None

    async def put_aside(self, batch: Batch, positions: Positions, reason: str) -> None:
        """Make a dead letter of the batch's only message, which nobody tries to understand. Raises as fold does."""
        message = batch.messages[0]
        await self._rehearse()
        changes = await self._retries.until_done(lambda: self._flush(unusable(message, reason), positions))
        log.error(
            "message_put_aside", topic=message.topic, partition=message.partition, offset=message.offset, reason=reason
        )
        self._folded(unusable(message, reason), changes, positions)

    async def _rehearse(self) -> None:
        """Raises what would hit any job."""
        await self._retries.until_done(lambda: self._store.rehearse(self._job_type))

    async def _flush(self, batch: Batch, positions: Positions) -> ViewChanges:
        async with asyncio.timeout(FLUSH_TIMEOUT_S):
            return await self._store.flush(batch, positions)


def _where(error: Exception) -> str:
    """The innermost lines of code, as text: a chain of errors with all its values can take seconds to be written."""
    return "".join(traceback.format_tb(error.__traceback__, limit=-3))


def halves(batch: Batch, positions: Positions) -> list[tuple[Batch, Positions]]:
    """Two batches, to be folded one after the other, and where each moves the partitions."""
    middle = len(batch) // 2
    first, second = batch.messages[:middle], batch.messages[middle:]
    later = {Partition(message.topic, message.partition) for message in second}
    moved: dict[Partition, Position] = {}
    for message in first:
        partition = Partition(message.topic, message.partition)
        moved[partition] = Position(positions[partition].epoch, message.offset + 1)
    whole = {partition: positions[partition] for partition in moved.keys() - later}
    return [
        (read(first), moved | whole),
        (read(second), {partition: position for partition, position in positions.items() if partition not in whole}),
    ]
