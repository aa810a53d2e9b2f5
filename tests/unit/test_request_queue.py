"""The queue: batches in turns, every request acknowledged after it was handled and not before."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, NoReturn
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.contract.envelope import Event, Undecodable, decode, encode
from jobmonitor.contract.limits import Refusal
from jobmonitor.processor.put_aside import Keep, PutAside
from jobmonitor.processor.request_queue import (
    BATCH_BYTES_MAX,
    BATCH_MAX,
    WAITING_BYTES_MAX,
    FairQueue,
    Request,
    RequestQueue,
    request_of,
)
from support.job_events import JobEvents
from support.waiting import until


def request(done: list[str], name: str = "", **parameters: Any) -> Request:
    event = JobEvents().submitted(parameters=parameters)
    return request_of(event, len(encode(event)), lambda: done.append(name or event.id), keep)


async def keep(reason: str) -> None:
    """As if it were among the dead letters now."""


class Never(PutAside):
    """Puts nothing aside."""

    def __init__(self) -> None:
        self.judged: list[BaseException] = []

    async def begin(self, messages: Collection[str]) -> set[str]:
        return set()

    async def begin_alone(self, message: str, event: Event, keep: Keep) -> bool:
        return False

    async def end(self, messages: Collection[str]) -> None:
        """Nothing to write down."""

    async def went_well(self) -> None:
        """Nothing to write down."""

    async def judge(self, message: str, event: Event, keep: Keep, error: BaseException, *, ends: int = 0) -> bool:
        self.judged.append(error)
        return False


def crash(error: BaseException) -> NoReturn:
    raise AssertionError(error)


@given(st.lists(st.integers(1, 4), max_size=60), st.integers(1, 10))
def test_all_requests_are_taken_once_and_those_of_an_account_in_order(accounts: list[int], most: int) -> None:
    waiting_requests = FairQueue()
    taken: list[int] = []
    for place, account_id in enumerate(accounts):
        waiting_requests.add(account_id, Request(str(place), b"", None, 0, partial(taken.append, place), keep))
    while batch := waiting_requests.take(most):
        assert len(batch) <= most
        for each in batch:
            each.done()
    assert sorted(taken) == list(range(len(accounts)))
    for account_id in set(accounts):
        of_account = [place for place in taken if accounts[place] == account_id]
        assert of_account == sorted(of_account)
    assert len(waiting_requests) == 0


def test_one_request_is_not_behind_the_thousands_of_another_account() -> None:
    done: list[str] = []
    waiting_requests = FairQueue()
    for _ in range(10_000):
        waiting_requests.add(1, request(done, "many"))
    waiting_requests.add(2, request(done, "one"))
    for taken in waiting_requests.take(BATCH_MAX):
        taken.done()
    assert "one" in done[:2]


async def test_what_comes_while_a_batch_is_handled_makes_the_next_batch() -> None:
    batches: list[int] = []
    go_on = asyncio.Event()
    done: list[str] = []

    async def handle(events: Sequence[Event]) -> None:
        batches.append(len(events))
        await go_on.wait()

    queue = RequestQueue(handle, Never(), crash=crash)
    queue.start()
    for lane in range(2):
        await queue.add(1, request(done))
        await until(partial(_as_many, batches, lane + 1))
    for _ in range(50):
        await queue.add(1, request(done))
    assert done == [], "nothing is acknowledged before it was handled"
    go_on.set()
    await until(lambda: _true(len(done) == 52))
    await queue.stop()
    assert batches == [1, 1, 50]


async def test_an_orderly_end_lets_what_is_being_handled_end_and_begins_nothing() -> None:
    """What was accepted has to be planned by whom accepted it: nobody else was told."""
    begun: list[int] = []
    go_on = asyncio.Event()
    done: list[str] = []

    async def handle(events: Sequence[Event]) -> None:
        begun.append(len(events))
        await go_on.wait()

    queue = RequestQueue(handle, Never(), crash=crash)
    queue.start()
    for lane in range(2):
        await queue.add(1, request(done, f"under way {lane}"))
        await until(partial(_as_many, begun, lane + 1))
    await queue.add(1, request(done, "waits"))
    ending = asyncio.create_task(queue.stop())
    await asyncio.sleep(0)
    go_on.set()
    await ending
    assert done == ["under way 0", "under way 1"]


async def test_a_service_that_is_away_costs_only_time() -> None:
    handled: list[Sequence[Event]] = []
    done: list[str] = []

    async def handle(events: Sequence[Event]) -> None:
        handled.append(events)
        if len(handled) < 3:
            raise ConnectionError("away")

    queue = RequestQueue(handle, Never(), crash=crash)
    queue.start()
    await queue.add(1, request(done, "waited"))
    await until(lambda: _true(bool(done)))
    await queue.stop()
    assert (done, len(handled)) == (["waited"], 3)


async def test_a_bug_ends_the_process_and_acknowledges_nothing() -> None:
    bugs: list[BaseException] = []
    done: list[str] = []

    def note(error: BaseException) -> NoReturn:
        bugs.append(error)
        raise asyncio.CancelledError

    async def handle(events: Sequence[Event]) -> None:
        raise ZeroDivisionError(uuid4())

    queue = RequestQueue(handle, Never(), crash=note)
    queue.start()
    await queue.add(1, request(done))
    await until(lambda: _true(bool(bugs)))
    await queue.stop()
    assert done == []
    with pytest.raises(ZeroDivisionError):
        raise bugs[0]


async def test_submissions_near_the_size_limit_wait_in_kafka_and_not_in_memory() -> None:
    batches: list[int] = []
    held: list[int] = []
    large = ["x" * 20_000] * 10
    large_bytes = 200_000

    async def handle(events: Sequence[Event]) -> None:
        batches.append(len(events))
        await asyncio.Event().wait()

    async def fill() -> None:
        while True:
            await queue.add(len(held), request([], note=large))
            held.append(large_bytes)

    queue = RequestQueue(handle, Never(), crash=crash)
    queue.start()
    filling = asyncio.create_task(fill())
    await until(lambda: _true(sum(held) >= WAITING_BYTES_MAX))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(filling), 0.2)
    filling.cancel()
    await queue.stop()
    under_way = len(batches) * (BATCH_BYTES_MAX + large_bytes)
    assert sum(held) <= WAITING_BYTES_MAX + under_way + large_bytes
    assert all(batch * large_bytes <= BATCH_BYTES_MAX + large_bytes for batch in batches)


async def test_what_goes_well_beside_a_bug_is_done_before_the_process_ends() -> None:
    done: list[str] = []
    bugs: list[BaseException] = []

    def note(error: BaseException) -> NoReturn:
        bugs.append(error)
        raise asyncio.CancelledError

    async def handle(events: Sequence[Event]) -> None:
        for event in events:
            if event.data.parameters.get("bug"):  # type: ignore[union-attr]
                raise ZeroDivisionError

    queue = RequestQueue(handle, Never(), crash=note)
    for name in ("first", "bug", "last"):
        await queue.add(1, request(done, name, bug=name == "bug"))
    queue.start()
    await until(lambda: _true(bool(bugs)))
    await queue.stop()
    assert done == ["first", "last"]
    assert [type(bug) for bug in bugs] == [ZeroDivisionError]


async def _as_many(batches: list[int], wanted: int) -> bool:
    return len(batches) == wanted


async def _true(answer: bool) -> bool:
    return answer


def test_what_was_decoded_once_is_decoded_again_however_deep_the_stack_is() -> None:
    deepest = max(levels for levels in range(100, 1000, 5) if isinstance(read(nested(levels)), Event))
    event = decode(nested(deepest))
    assert event.refusal is None
    assert called_by(30, lambda: read(nested(deepest))) is None, "it is at the edge"

    again = called_by(30, request_of(event, 1, lambda: None, keep).event)

    assert again == event


def nested(levels: int) -> bytes:
    """A submission beside whose data lies something that nobody knows."""
    return encode(JobEvents().submitted()).replace(
        b'"data":{', b'"data":{"unknown":' + b"[" * levels + b"]" * levels + b","
    )


def read(message: bytes) -> Event | None:
    try:
        return decode(message)
    except Undecodable:
        return None


def called_by(frames: int, act: Callable[[], Event | None]) -> Event | None:
    return called_by(frames - 1, act) if frames else act()


async def test_a_refusal_is_kept_and_what_came_counts_as_large_as_it_came() -> None:
    event = msgspec.structs.replace(JobEvents().submitted(), refusal=Refusal("too_large", "It is too large."))
    waiting = request_of(event, 900_000, lambda: None, keep)
    waiting_requests = FairQueue()
    waiting_requests.add(1, waiting)
    assert (waiting.event(), waiting_requests.size_bytes) == (event, 900_000)
