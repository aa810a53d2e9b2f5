"""Slots: how many chunks run at once, whose turn it is, and what happens to those that cannot begin."""

import asyncio
from typing import NoReturn
from uuid import UUID, uuid4

import pytest

from jobmonitor.processor.shares import Shares
from jobmonitor.processor.slots import Hint, Slots
from support.waiting import until


class Chunks:
    """Runs hints until they are let go, and writes down which began."""

    def __init__(self) -> None:
        self.began: list[UUID] = []
        self.cancelled: list[UUID] = []
        self.failures: list[Exception] = []
        self.bugs: list[BaseException] = []
        self._go_on = asyncio.Event()

    async def run(self, hint: Hint) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.began.append(hint.job_id)
        try:
            await self._go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.append(hint.job_id)
            raise

    def let_go(self) -> None:
        self._go_on.set()

    def crash(self, bug: BaseException) -> NoReturn:
        self.bugs.append(bug)
        raise asyncio.CancelledError

    async def have_begun(self, count: int) -> None:
        async def begun() -> bool:
            return len(self.began) >= count

        await until(begun)


def hints(account_id: int, count: int, settled: list[UUID] | None = None) -> list[Hint]:
    return [hint_of(account_id, uuid4(), settled if settled is not None else []) for _ in range(count)]


def hint_of(account_id: int, job_id: UUID, settled: list[UUID]) -> Hint:
    return Hint(account_id, job_id, 1, settled=lambda: settled.append(job_id))


async def test_given_two_slots_when_three_chunks_come_then_the_third_waits_for_one_to_end() -> None:
    chunks = Chunks()
    slots = Slots(chunks.run, crash=chunks.crash, slots=2)
    three = hints(1, 3)
    for hint in three:
        slots.add(hint)
    await chunks.have_begun(2)
    assert (chunks.began, slots.free) == ([hint.job_id for hint in three[:2]], 0)
    chunks.let_go()
    await chunks.have_begun(3)


async def test_given_many_chunks_of_one_account_when_another_accounts_comes_then_it_is_next() -> None:
    chunks = Chunks()
    slots = Slots(chunks.run, crash=chunks.crash, slots=1)
    flood, other = hints(1, 50), hints(2, 1)[0]
    for hint in [*flood, other]:
        slots.add(hint)
    await chunks.have_begun(1)
    chunks.let_go()
    await chunks.have_begun(51)
    assert chunks.began.index(other.job_id) <= 2


async def test_given_a_share_for_one_account_when_its_chunks_take_long_then_others_still_begin() -> None:
    chunks = Chunks()
    slots = Slots(chunks.run, crash=chunks.crash, slots=3, account_max=2)
    flood, other = hints(1, 10), hints(2, 1)[0]
    for hint in flood:
        slots.add(hint)
    await chunks.have_begun(2)
    slots.add(other)
    await chunks.have_begun(3)
    assert chunks.began == [flood[0].job_id, flood[1].job_id, other.job_id]
    chunks.let_go()
    await chunks.have_begun(11)


async def test_given_no_room_to_wait_when_a_chunk_comes_then_its_hint_is_let_go_for_the_reconciler() -> None:
    chunks, settled = Chunks(), list[UUID]()
    slots = Slots(chunks.run, crash=chunks.crash, slots=1, waiting_max=1)
    running, waiting, dropped = hints(1, 3, settled)
    for hint in (running, waiting, dropped):
        slots.add(hint)
    assert settled == [dropped.job_id]
    await slots.stop(within_s=0)


async def test_given_slots_shared_with_other_types_then_a_chunk_waits_for_one_of_those_too() -> None:
    chunks, shares = Chunks(), Shares(1)
    one, other = (Slots(chunks.run, crash=chunks.crash, slots=9, share=shares.of(slug)) for slug in ("one", "other"))
    assert one.free == 2
    for hint in hints(1, 3):
        one.add(hint)
    await chunks.have_begun(2)
    assert (one.free, other.free) == (0, 1)
    for hint in hints(1, 2):
        other.add(hint)
    await chunks.have_begun(3)
    chunks.let_go()
    await chunks.have_begun(5)


async def test_a_stop_lets_chunks_end_cancels_those_that_take_too_long_and_begins_no_other() -> None:
    chunks, settled = Chunks(), list[UUID]()
    slots = Slots(chunks.run, crash=chunks.crash, slots=1)
    running, waiting, late = hints(1, 3, settled)
    slots.add(running)
    slots.add(waiting)
    await chunks.have_begun(1)
    await slots.stop(within_s=0.05)
    slots.add(late)
    assert chunks.began == chunks.cancelled == [running.job_id]
    assert settled == [], "what waited or came later comes again, to somebody else"
    assert slots.free == 0


async def test_while_the_ledger_is_away_the_chunk_waits_in_its_slot() -> None:
    chunks = Chunks()
    chunks.failures = [OSError("away"), OSError("still away")]
    slots = Slots(chunks.run, crash=chunks.crash, slots=1)
    slots.add(hints(1, 1)[0])
    await chunks.have_begun(1)
    assert chunks.bugs == []
    chunks.let_go()


async def test_given_a_stop_while_a_chunk_waits_for_the_ledger_then_it_does_not_begin() -> None:
    chunks = Chunks()
    chunks.failures = [OSError("away")]
    slots = Slots(chunks.run, crash=chunks.crash, slots=1)
    slots.add(hints(1, 1)[0])
    await asyncio.sleep(0)
    assert chunks.failures == [], "it was tried, and pauses now"
    await slots.stop(within_s=1.0)
    assert (chunks.began, chunks.bugs) == ([], [])


@pytest.mark.parametrize("bug", [ZeroDivisionError(), LookupError()])
async def test_a_bug_ends_the_process(bug: Exception) -> None:
    chunks = Chunks()
    chunks.failures = [bug]
    slots = Slots(chunks.run, crash=chunks.crash, slots=1)
    slots.add(hints(1, 1)[0])

    async def crashed() -> bool:
        return chunks.bugs == [bug]

    await until(crashed)
