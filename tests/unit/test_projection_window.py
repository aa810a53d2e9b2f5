"""The window: one batch is flushed while the next gathers, in order, up to a limit; nothing is forgotten by mistake."""

import asyncio
from collections.abc import Mapping
from itertools import count

import pytest

from jobmonitor.contract.envelope import encode
from jobmonitor.projection.batch import Batch
from jobmonitor.projection.places import Partition, Place
from jobmonitor.projection.window import Window
from support.job_events import JobEvents
from support.projecting import Read

WAY = Partition("jobs.user-data-export", 0)


class Flushes:
    """Flushes one after the other, each when the test lets it."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, int]] = []
        """Of each flush how many messages it has, and the offset after them."""
        self.allowed = asyncio.Semaphore(0)
        self.failure: Exception | None = None

    async def __call__(self, batch: Batch, places: Mapping[Partition, Place]) -> None:
        self.begun.append((len(batch), places[WAY].next_offset))
        await self.allowed.acquire()
        if self.failure:
            raise self.failure


class Reader:
    """Puts messages into the window, as many as asked for."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._offsets = count()

    async def read(self, messages: int) -> None:
        job = JobEvents()
        read = [Read(*WAY, next(self._offsets), b"", encode(job.queued())) for _ in range(messages)]
        self._window.gather(WAY, 1, read)
        await asyncio.sleep(0)


async def test_a_batch_is_what_came_while_the_one_before_was_flushed() -> None:
    flushes = Flushes()
    window = Window(flushes, most=100)
    reader = Reader(window)

    await reader.read(1)
    await reader.read(3)
    await reader.read(4)
    for _ in range(2):
        flushes.allowed.release()
    await window.is_empty()

    assert flushes.begun == [(1, 1), (7, 8)]


async def test_a_full_window_makes_the_reader_wait_for_the_flush() -> None:
    flushes = Flushes()
    window = Window(flushes, most=5)
    reader = Reader(window)
    await reader.read(1)
    await reader.read(5)
    assert window.room == 0

    waiting = asyncio.ensure_future(window.has_room())
    await asyncio.sleep(0)
    assert not waiting.done()
    flushes.allowed.release()
    await waiting
    assert window.room == 5
    flushes.allowed.release()
    await window.is_empty()


async def test_what_was_forgotten_is_not_flushed() -> None:
    flushes = Flushes()
    window = Window(flushes, most=5)
    reader = Reader(window)
    await reader.read(1)
    await reader.read(2)

    window.forget()
    flushes.allowed.release()
    await window.is_empty()

    assert flushes.begun == [(1, 1)]


async def test_a_failed_flush_ends_the_reading_and_nothing_behind_it_is_flushed() -> None:
    flushes = Flushes()
    window = Window(flushes, most=5)
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
    window = Window(flushes, most=5)
    await Reader(window).read(1)

    await window.give_up()
    await window.is_empty()

    flushes.allowed.release()
    assert flushes.begun == [(1, 1)]
