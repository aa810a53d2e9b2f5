"""The window: one batch is flushed while the next gathers, in order, up to a limit; nothing is forgotten by mistake."""

import asyncio
from collections.abc import Mapping
from itertools import count

import pytest

from jobmonitor.contract.envelope import encode
from jobmonitor.projection.batch import Batch
from jobmonitor.projection.offsets import Partition, Position
from jobmonitor.projection.window import Window
from support.job_events import JobEvents
from support.projecting import Read

WAY = Partition("jobs.user-data-export", 0)
OTHER_WAY = Partition("jobs.user-data-export", 1)


class Flushes:
    """Flushes one after the other, each when the test lets it."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, int]] = []
        """Of each flush how many messages it has, and the offset after them."""
        self.allowed = asyncio.Semaphore(0)
        self.failure: Exception | None = None

    async def __call__(self, batch: Batch, places: Mapping[Partition, Position]) -> None:
        self.begun.append((len(batch), sum(place.next_offset for place in places.values())))
        await self.allowed.acquire()
        if self.failure:
            raise self.failure


class Reader:
    """Puts messages into the window, as many as asked for."""

    def __init__(self, window: Window, way: Partition = WAY) -> None:
        self._window = window
        self._way = way
        self._offsets = count()

    async def read(self, messages: int, *, more_wait: bool = False) -> None:
        job = JobEvents()
        read = [Read(*self._way, next(self._offsets), b"", encode(job.queued())) for _ in range(messages)]
        if read:
            self._window.gather(self._way, Position(1, read[-1].offset + 1), read)
        self._window.go_on(more_wait=more_wait)
        await asyncio.sleep(0)


async def test_a_batch_is_what_came_while_the_one_before_was_flushed() -> None:
    flushes = Flushes()
    window = Window(flushes, most=100, most_bytes=1_000_000)
    reader = Reader(window)

    await reader.read(1)
    await reader.read(3)
    await reader.read(4)
    for _ in range(2):
        flushes.allowed.release()
    await window.is_empty()

    assert flushes.begun == [(1, 1), (7, 8)]


async def test_a_full_window_makes_the_reader_wait_for_a_flush() -> None:
    flushes = Flushes()
    window = Window(flushes, most=10, most_bytes=1_000_000)
    for way in (WAY, OTHER_WAY):
        reader = Reader(window, way)
        await reader.read(5)
        await reader.read(5)
    assert (window.capacity(WAY), window.capacity(OTHER_WAY)) == (0, 0)

    waiting = asyncio.ensure_future(window.has_capacity([WAY, OTHER_WAY]))
    await asyncio.sleep(0)
    assert not waiting.done()
    flushes.allowed.release()
    await waiting
    assert (window.capacity(WAY), window.capacity(OTHER_WAY)) == (5, 0)
    for _ in range(3):
        flushes.allowed.release()
    await window.is_empty()


async def test_a_little_batch_waits_for_the_flush_of_another_partition_a_full_one_does_not() -> None:
    flushes = Flushes()
    window = Window(flushes, most=80, most_bytes=1_000_000)
    readers = [Reader(window, way) for way in (WAY, OTHER_WAY)]

    for reader in readers:
        await reader.read(1)
    assert flushes.begun == [(1, 1)]
    await readers[1].read(40)
    assert flushes.begun == [(1, 1), (41, 41)]

    for _ in range(2):
        flushes.allowed.release()
    await window.is_empty()


async def test_while_more_can_be_read_at_once_little_is_not_flushed_but_gathers() -> None:
    flushes = Flushes()
    window = Window(flushes, most=80, most_bytes=1_000_000)
    reader = Reader(window)

    await reader.read(4, more_wait=True)
    await reader.read(4, more_wait=True)
    assert flushes.begun == []
    await reader.read(0)
    assert flushes.begun == [(8, 8)]

    flushes.allowed.release()
    await window.is_empty()


async def test_what_was_forgotten_is_not_flushed() -> None:
    flushes = Flushes()
    window = Window(flushes, most=5, most_bytes=1_000_000)
    reader = Reader(window)
    await reader.read(1)
    await reader.read(2)

    window.forget()
    flushes.allowed.release()
    await window.is_empty()

    assert flushes.begun == [(1, 1)]


async def test_a_failed_flush_ends_the_reading_and_nothing_behind_it_is_flushed() -> None:
    flushes = Flushes()
    window = Window(flushes, most=5, most_bytes=1_000_000)
    reader = Reader(window)
    await reader.read(1)
    await reader.read(2)

    flushes.failure = RuntimeError("a bug")
    flushes.allowed.release()
    with pytest.raises(RuntimeError, match="a bug"):
        await window.is_empty()

    assert flushes.begun == [(1, 1)]


async def test_giving_up_rolls_back_the_flush_under_way() -> None:
    flushes = Flushes()
    window = Window(flushes, most=5, most_bytes=1_000_000)
    await Reader(window).read(1)

    await window.give_up()
    await window.is_empty()

    flushes.allowed.release()
    assert flushes.begun == [(1, 1)]


async def test_large_messages_fill_a_lane_before_they_are_many() -> None:
    flushes = Flushes()
    window = Window(flushes, most=1000, most_bytes=200_000)
    large = Read(*WAY, 0, b"", b"x" * 60_000)
    window.gather(WAY, Position(1, 1), [large])
    assert window.capacity(WAY) > 0

    window.gather(WAY, Position(1, 2), [large])
    assert window.capacity(WAY) == 0
    assert window.capacity(OTHER_WAY) > 0
    window.go_on(more_wait=True)
    await asyncio.sleep(0)
    assert flushes.begun == [(2, 2)], "a full lane waits for nothing else"
    assert window.capacity(WAY) > 0
    flushes.allowed.release()
    await window.is_empty()


async def test_a_place_behind_marks_of_transactions_is_flushed_without_a_message() -> None:
    flushes = Flushes()
    window = Window(flushes, most=1000, most_bytes=200_000)
    window.gather(WAY, Position(1, 7), [])
    window.go_on(more_wait=False)
    await asyncio.sleep(0)
    assert flushes.begun == [(0, 7)]
    flushes.allowed.release()
    await window.is_empty()
