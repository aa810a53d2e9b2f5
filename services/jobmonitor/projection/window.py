"""The window: what has been read and is not yet in the views. Batches are flushed while the next ones gather.

So the window fits itself to the load: with nothing to wait for, a batch is the one message that just came; the longer
a flush takes, the more the next one has, up to a limit at which reading waits. While more messages wait to be read a
batch grows first, because a large one writes less: of each job only the newest progress counts.

Partitions are dealt to lanes, each with a batch of its own, so that PostgreSQL can work for one while the other sends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from jobmonitor.projection.batch import Batch, Message
from jobmonitor.projection.offsets import Partition, Position
from jobmonitor.runtime.consumer import size_bytes

Flush = Callable[[Batch, Mapping[Partition, Position]], Awaitable[None]]
LANES = 2
"""So many batches are flushed at once at most, each over a connection of its own."""


@dataclass(slots=True)
class _Lane:
    """Some of the partitions: what has gathered of them, and the flush under way."""

    batch: Batch = field(default_factory=Batch)
    size_bytes: int = 0
    """Of the batch, as its messages travel unpacked; what is made of them can be some times as large."""
    positions: dict[Partition, Position] = field(default_factory=dict)
    flushing: asyncio.Task[None] | None = None


class Window:
    """Gathers messages and flushes them; those of a partition in the order they came."""

    def __init__(self, flush: Flush, *, most: int, most_bytes: int) -> None:
        """``flush`` puts a batch into the views; what it raises comes out of the next call here. ``most`` messages and
        about ``most_bytes`` gather at most, and no lane takes more than its share."""
        self._flush = flush
        self._most = max(1, -(-most // LANES))
        self._most_bytes = max(1, most_bytes // LANES)
        self._lanes = [_Lane() for _ in range(LANES)]
        self._more_wait = False
        self._failure: BaseException | None = None

    def capacity(self, partition: Partition) -> int:
        """How many messages of this partition, and of others of its lane, may be gathered now."""
        lane = self._lane(partition)
        return 0 if lane.size_bytes >= self._most_bytes else max(0, self._most - len(lane.batch))

    def gather(self, partition: Partition, position: Position, messages: Sequence[Message]) -> None:
        """Take the next messages of a partition, up to this position. There may be none: control records, and what a
        transaction rolled back, use offsets too."""
        self._raise_failure()
        lane = self._lane(partition)
        lane.batch.add(messages)
        lane.size_bytes += size_bytes(messages)
        lane.positions[partition] = position

    def position(self, partition: Partition) -> Position | None:
        """Where what has gathered of this partition leads; None if nothing has."""
        return self._lane(partition).positions.get(partition)

    def go_on(self, *, more_wait: bool) -> None:
        """Flush what was gathered, as far as it is time: not yet what is little, if ``more_wait`` to be read at once.
        All else is flushed without being asked again."""
        self._more_wait = more_wait
        self._begin(self._lanes)

    def forget(self) -> None:
        """Drop what has gathered; flushes under way go on."""
        for lane in self._lanes:
            lane.batch, lane.positions, lane.size_bytes = Batch(), {}, 0

    async def has_capacity(self, partitions: Collection[Partition]) -> None:
        """Wait until more of one of these may be gathered, and let the flushes get on."""
        while partitions and not any(map(self.capacity, partitions)) and (flushing := self._flushing()):
            await asyncio.wait(flushing, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)
        self._raise_failure()

    async def is_empty(self) -> None:
        """Wait until everything is flushed."""
        while flushing := self._flushing():
            await asyncio.wait(flushing)
        self._raise_failure()

    async def give_up(self) -> None:
        """Drop everything; flushes under way are rolled back."""
        self.forget()
        if flushing := self._flushing():
            for task in flushing:
                task.cancel()
            await asyncio.wait(flushing)
        self._failure = None  # all of it is read again

    def _lane(self, partition: Partition) -> _Lane:
        return self._lanes[partition.partition % LANES]

    def _flushing(self) -> list["asyncio.Task[None]"]:
        return [lane.flushing for lane in self._lanes if lane.flushing]

    def _begin(self, lanes: Iterable[_Lane]) -> None:
        for lane in lanes:
            if lane.flushing is None and lane.positions and self._is_time(lane):
                batch, positions = lane.batch, lane.positions
                lane.batch, lane.positions, lane.size_bytes = Batch(), {}, 0
                lane.flushing = asyncio.ensure_future(self._flush(batch, positions))
                lane.flushing.add_done_callback(partial(self._ended, lane))

    def _is_time(self, lane: _Lane) -> bool:
        """A full batch waits for nothing else; any other for its turn, and for what can be read at once."""
        full = len(lane.batch) >= self._most or lane.size_bytes >= self._most_bytes
        return full or not (self._more_wait or self._flushing())

    def _ended(self, lane: _Lane, flushed: "asyncio.Task[None]") -> None:
        lane.flushing = None
        if flushed.cancelled():
            return
        self._failure = self._failure or flushed.exception()
        if self._failure is None:
            self._begin([*(other for other in self._lanes if other is not lane), lane])

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
