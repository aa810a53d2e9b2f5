"""Slots that job types share: each has one of its own, nobody takes more than there are, and turns are fair."""

import asyncio
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.processor.shares import MOMENTS, SHARED_PLANS, SHARED_WORK, Shares, connections
from jobmonitor.runtime.settings import SettingsError
from support.documents import ROOT

TYPES = ("export", "mail", "receipts")


async def begin(shares: Shares, job_type: str) -> "asyncio.Task[None]":
    """Somebody who asks for a slot; done when it has one."""
    task = asyncio.create_task(shares.take(job_type))
    await asyncio.sleep(0)
    return task


async def test_given_all_shared_slots_taken_by_one_type_when_another_comes_then_it_has_its_own() -> None:
    shares = Shares(5)
    exports = [await begin(shares, "export") for _ in range(7)]
    assert [task.done() for task in exports] == [True] * 6 + [False]
    mails = [await begin(shares, "mail") for _ in range(2)]
    assert [task.done() for task in mails] == [True, False]
    assert (await begin(shares, "receipts")).done()


async def test_given_two_that_wait_when_a_slot_is_free_then_the_type_with_fewer_has_it() -> None:
    shares = Shares(2)
    for _ in range(3):
        await begin(shares, "export")
    again = await begin(shares, "export")
    await begin(shares, "mail")
    mail = await begin(shares, "mail")
    shares.give_back("export")
    await asyncio.sleep(0)
    assert (mail.done(), again.done()) == (True, False)


async def test_types_that_have_as_many_take_turns() -> None:
    shares, order = Shares(1), list[str]()

    async def work(job_type: str) -> None:
        async with shares.of(job_type):
            order.append(job_type)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        for job_type in TYPES:
            for _ in range(20):
                tasks.create_task(work(job_type))
    assert all(Counter(order[:30])[job_type] >= 9 for job_type in TYPES), order


async def test_whoever_stops_waiting_takes_no_slot_with_it() -> None:
    shares = Shares(0)
    await begin(shares, "export")
    leaving, staying = await begin(shares, "export"), await begin(shares, "export")
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    shares.give_back("export")
    await asyncio.sleep(0)
    assert staying.done()


async def test_whoever_is_cancelled_with_a_slot_just_given_gives_it_back() -> None:
    shares = Shares(0)
    await begin(shares, "export")
    leaving, staying = await begin(shares, "export"), await begin(shares, "export")
    shares.give_back("export")
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await asyncio.sleep(0)
    assert staying.done()


@given(st.integers(0, 4), st.lists(st.tuples(st.sampled_from(TYPES), st.booleans()), max_size=60))
async def test_no_type_waits_beside_its_own_slot_and_never_are_there_more(
    shared: int, steps: list[tuple[str, bool]]
) -> None:
    shares = Shares(shared)
    asked: dict[str, list[asyncio.Task[None]]] = {job_type: [] for job_type in TYPES}
    for job_type, takes in steps:
        has = [task for task in asked[job_type] if task.done()]
        if takes:
            asked[job_type].append(await begin(shares, job_type))
        elif has:
            asked[job_type].remove(has[0])
            shares.give_back(job_type)
            await asyncio.sleep(0)
        taken = {each: sum(task.done() for task in tasks) for each, tasks in asked.items()}
        assert sum(max(0, count - 1) for count in taken.values()) <= shared
        waiting = [each for each, tasks in asked.items() if len(tasks) > taken[each]]
        assert all(taken[each] >= 1 for each in waiting)
        if waiting:
            assert sum(max(0, count - 1) for count in taken.values()) == shared
    for task in (task for tasks in asked.values() for task in tasks):
        task.cancel()


@pytest.mark.parametrize(("job_types", "pool"), [(1, 14), (2, 16), (15, 42)])
def test_a_process_has_as_many_connections_as_its_types_take(job_types: int, pool: int) -> None:
    shared = connections(job_types)
    assert shared.pool == pool
    assert shared.pool - 2 * job_types - shared.plans - shared.work == MOMENTS, "for what takes moments"


def test_fewer_connections_are_taken_from_what_is_shared_and_too_few_are_refused_in_words() -> None:
    assert connections(15, pool=34).work == connections(15, pool=34).plans == 0
    with pytest.raises(SettingsError, match="DATABASE_POOL_SIZE is 33, but to serve 15 job types takes 34 connections"):
        connections(15, pool=33)


def test_the_documented_sums_are_those_of_the_code() -> None:
    told = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8").partition("## Connections of a process")[2]
    rows = [
        [int(cell) for cell in row]
        for row in re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", told, re.MULTILINE)
    ]
    assert [row[0] for row in rows] == [1, 2, 5, 15]
    for types, database, one_broker, three_brokers in rows:
        assert database == connections(types).pool + 1
        assert [one_broker, three_brokers] == [2 * brokers + types * (brokers + 1) for brokers in (1, 3)]
    assert connections(1).pool - 2 == MOMENTS + SHARED_PLANS + SHARED_WORK == 4 + 8, "as the text says"
