"""What a job type's own code may raise, and what of it is a bug of that type."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jobmonitor.job_types.protocol import CpuFailed, PlannedChunk, Refused, Stopped
from jobmonitor.ledger import LeaseLost
from jobmonitor.ledger.leases import JobStopped
from jobmonitor.processor.type_code import TypeFailed, of_type, type_code, was_bug
from jobmonitor.runtime.failures import ServiceAway

BUGS = [ZeroDivisionError("by zero"), MemoryError(), RecursionError(), SystemExit(3), ExceptionGroup("", [OSError()])]
NO_BUGS = [
    Refused("impossible", "It cannot be done."),
    CpuFailed("cpu_crashed", "It crashed."),
    Stopped(),
    JobStopped(),
    LeaseLost(),
    OSError("away"),
    TimeoutError(),
    ServiceAway("the mail server"),
]


@pytest.mark.parametrize("bug", BUGS, ids=repr)
def test_what_nobody_expects_is_a_bug_of_the_type_and_told_with_its_cause(bug: BaseException) -> None:
    with pytest.raises(TypeFailed) as failed, type_code():
        raise bug
    assert failed.value.__cause__ is bug
    assert was_bug(repr(failed.value)), "as the ledger keeps it"


@pytest.mark.parametrize("said", NO_BUGS, ids=repr)
def test_what_may_be_raised_is_raised_as_it_is(said: Exception) -> None:
    with pytest.raises(type(said)) as raised, type_code():
        raise said
    assert raised.value is said
    assert not was_bug(repr(said))


async def test_a_cancellation_counts_as_one_only_where_somebody_asked_for_it() -> None:
    async def leaks_a_cancellation() -> None:
        with type_code():
            raise asyncio.CancelledError

    async def waits() -> None:
        with type_code():
            await asyncio.sleep(60)

    with pytest.raises(TypeFailed):
        await asyncio.create_task(leaks_a_cancellation())
    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_bug_in_the_middle_of_what_a_type_yields_is_told_after_the_rest() -> None:
    async def plan() -> AsyncIterator[PlannedChunk]:
        yield PlannedChunk(units=1, payload=None)
        raise KeyError("b")

    chunks = of_type(plan(), PlannedChunk)
    assert await anext(chunks) == PlannedChunk(units=1, payload=None)
    with pytest.raises(TypeFailed):
        await anext(chunks)


async def test_something_else_than_a_chunk_is_a_bug_of_the_type() -> None:
    async def plan() -> AsyncIterator[Any]:
        yield {"units": 1}

    with pytest.raises(TypeFailed, match="expected PlannedChunk, got dict"):
        await anext(of_type(plan(), PlannedChunk))


@pytest.mark.parametrize("units", [-1, 1.5, None])
def test_a_chunk_of_impossible_size_is_a_bug_where_it_is_made(units: Any) -> None:
    with pytest.raises(ValueError, match="cannot have"):
        PlannedChunk(units=units, payload=None)
