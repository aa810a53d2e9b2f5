"""The reconciler's loops: each duty at its own pace, none held up by another."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from jobmonitor.reconciler.loops import Loop, Loops, Task
from support.waiting import until


async def run_until(loops: Loops, condition: Callable[[], Awaitable[bool]]) -> None:
    going = asyncio.create_task(loops.go_on())
    await until(condition)
    going.cancel()
    with suppress(asyncio.CancelledError):
        await going


class Counting:
    """A duty that counts how often it was done, with so much to do each time."""

    def __init__(self, *work: int) -> None:
        self.rounds = 0
        self._work = list(work)

    async def __call__(self) -> int:
        self.rounds += 1
        return self._work.pop(0) if self._work else 0


async def hang() -> int:
    await asyncio.Event().wait()
    return 0


def task(do: Callable[[], Awaitable[int]], *, every_s: float = 0.01, timeout_s: float = 5.0, full: int = 9) -> Task:
    return Task("test", do, every_s, timeout_s, full=full)


async def test_a_duty_that_hangs_holds_up_no_other() -> None:
    other = Counting()

    async def often() -> bool:
        return other.rounds >= 5

    await run_until(Loops([task(hang, timeout_s=600), task(other)]), often)


async def test_a_duty_that_takes_too_long_is_broken_off_and_tried_again() -> None:
    begun = 0

    async def slow() -> int:
        nonlocal begun
        begun += 1
        return await hang()

    async def again() -> bool:
        return begun >= 2

    await run_until(Loops([task(slow, timeout_s=0.01)]), again)


async def test_a_duty_with_more_to_do_goes_on_at_once() -> None:
    busy = Counting(9, 9, 9, 1)

    async def done() -> bool:
        return busy.rounds == 4

    await run_until(Loops([task(busy, every_s=600)]), done)


async def test_a_temporary_failure_is_tried_again_and_a_bug_is_raised() -> None:
    failures: list[Exception] = [ConnectionError("away"), ZeroDivisionError()]

    async def fail() -> int:
        raise failures.pop(0)

    with pytest.raises(ZeroDivisionError):
        await Loops([task(hang), task(fail)]).go_on()
    assert failures == []


async def test_a_duty_that_did_not_end_well_for_long_is_named() -> None:
    loops = Loops([Task("stuck", hang, 0.0, 0.0)])
    check = loops.check()
    assert not check.ok
    assert "stuck" in check.detail
    assert Loop(Task("new", hang, 1.0, 30.0)).late_s == 0
