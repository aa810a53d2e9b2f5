"""The window: what has been read and is not yet in the views. One batch is flushed while the next one gathers.

So the window fits itself to the load: with nothing to wait for it is the one message that just came; the longer a flush
takes, the more the next one has, up to a limit at which reading waits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from jobmonitor.projection.batch import Batch, Message
from jobmonitor.projection.places import Partition, Place

Flush = Callable[[Batch, Mapping[Partition, Place]], Awaitable[None]]


class Window:
    """Gathers messages and flushes them, one batch after the other, in the order they came."""

    def __init__(self, flush: Flush, *, most: int) -> None:
        """``flush`` puts a batch into the views; what it raises comes out of the next call here. ``most`` messages
        gather at most."""
        self._flush = flush
        self._most = most
        self._gathered, self._places = Batch(), dict[Partition, Place]()
        self._flushing: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    @property
    def room(self) -> int:
        """How many messages may be gathered now."""
        return max(0, self._most - len(self._gathered))

    def gather(self, partition: Partition, epoch: int, messages: Sequence[Message]) -> None:
        """Take the next messages of a partition, read under this claim; they are flushed without being asked again."""
        self._raise_failure()
        self._gathered.add(messages)
        self._places[partition] = Place(epoch, messages[-1].offset + 1)
        self._begin()

    def forget(self) -> None:
        """Drop what has gathered; a flush under way goes on."""
        self._gathered, self._places = Batch(), {}

    async def has_room(self) -> None:
        """Wait until more may be gathered, and let a flush get on."""
        while not self.room and self._flushing:
            await asyncio.wait([self._flushing])
        await asyncio.sleep(0)
        self._raise_failure()

    async def is_empty(self) -> None:
        """Wait until everything is flushed."""
        while self._flushing:
            await asyncio.wait([self._flushing])
        self._raise_failure()

    async def give_up(self) -> None:
        """Drop everything; a flush under way is rolled back."""
        self.forget()
        if self._flushing:
            self._flushing.cancel()
            await asyncio.wait([self._flushing])

    def _begin(self) -> None:
        if self._flushing is None and self._places:
            batch, places = self._gathered, self._places
            self.forget()
            self._flushing = asyncio.ensure_future(self._flush(batch, places))
            self._flushing.add_done_callback(self._ended)

    def _ended(self, flushed: "asyncio.Task[None]") -> None:
        self._flushing = None
        if not flushed.cancelled():
            self._failure = flushed.exception()
        if self._failure is None and not flushed.cancelled():
            self._begin()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
