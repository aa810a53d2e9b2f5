"""Accounts share the workers: a bounded number of jobs of each is worked on, the others wait in the queue."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from jobmonitor.contract.events import JobCancelled, JobFailed, JobStopRequested, JobSubmitted, JobWaiting
from jobmonitor.job_types.probe.job_type import ProbeParameters
from support.engine import Engine, heard
from support.job_events import NOON
from support.probe import FailingProbe
from support.waiting import until

ROOM = 3
"""As open_engine sets it."""


async def submit(engine: Engine, jobs: int, account_id: int = 1, *resources: str, **says: Any) -> list[UUID]:
    """So many jobs of an account with these exclusive resources, accepted together; in the order they wait."""
    parameters = {"units": 1, "resources": resources}
    job = JobSubmitted(account_id=account_id, owner_id=2, job_type="probe", parameters=parameters, **says)
    batch = [heard(uuid4(), job) for _ in range(jobs)]
    await engine.acceptor.accept(batch)
    rows = await engine.owner.fetch("SELECT job_id FROM ledger.runs ORDER BY created_at, job_id")
    ours = {submission.job_id for submission in batch}
    return [row["job_id"] for row in rows if row["job_id"] in ours]


async def at_work(engine: Engine, account_id: int = 1) -> list[UUID]:
    rows = await engine.owner.fetch(
        "SELECT job_id FROM ledger.runs WHERE account_id = $1 AND admitted "
        "AND state IN ('queued', 'running', 'stopping') ORDER BY created_at, job_id",
        account_id,
    )
    return [row["job_id"] for row in rows]


async def test_no_more_jobs_of_an_account_begin_than_it_has_room_for(engine: Engine) -> None:
    await submit(engine, 5)
    assert len(await at_work(engine)) == ROOM
    (others,) = await submit(engine, 1, account_id=2)
    assert await at_work(engine, 2) == [others], "another account has its own room"


async def test_when_a_job_ends_the_one_that_waited_longest_begins(engine: Engine) -> None:
    jobs = await submit(engine, 5)
    begun = await at_work(engine)
    waiting = [job_id for job_id in jobs if job_id not in begun]
    await engine.run_to_end(begun[0])
    assert set(await at_work(engine)) == {*begun[1:], waiting[0]}
    assert await engine.dispatched(waiting[0]) == [0]


async def test_all_get_done_in_the_end(engine: Engine) -> None:
    jobs = await submit(engine, 10)
    while under_way := await at_work(engine):
        for job_id in under_way:
            await engine.run_to_end(job_id)
    states = {row["state"] for row in await engine.owner.fetch("SELECT state FROM ledger.runs")}
    assert states == {"completed"}
    assert await engine.effects() == [0] * len(jobs)


async def test_a_failed_and_a_stopped_job_make_room_too(engine: Engine) -> None:
    await submit(engine, 5)
    begun = await at_work(engine)
    await engine.ledger.fail(begun[0], "gone", "It is gone.")
    await engine.ledger.stop(begun[1], JobStopRequested(account_id=1, requested_by=2), NOON, stoppable=True)
    await engine.run_to_end(begun[1])
    now = await at_work(engine)
    assert len(now) == ROOM
    assert not {begun[0], begun[1]} & set(now)


async def test_a_job_that_waits_can_be_stopped_and_never_begins(engine: Engine) -> None:
    jobs = await submit(engine, 4)
    waiting = next(iter(set(jobs) - set(await at_work(engine))))
    await engine.ledger.stop(waiting, JobStopRequested(account_id=1, requested_by=2), NOON, stoppable=True)
    assert isinstance((await engine.facts(waiting))[-1], JobCancelled)
    await engine.run_to_end((await at_work(engine))[0])
    assert await engine.dispatched(waiting) == []


async def test_scheduled_jobs_that_come_due_together_take_turns_as_well(engine: Engine) -> None:
    await submit(engine, 5, run_at=datetime.now(UTC) + timedelta(hours=1))
    assert await at_work(engine) == []
    await engine.owner.execute("UPDATE ledger.runs SET run_at = now()")
    await asyncio.gather(*[engine.ledger.queue_due() for _ in range(3)])
    assert len(await at_work(engine)) == ROOM


async def test_many_workers_at_once_never_admit_more(engine: Engine) -> None:
    job = JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters={"units": 1})
    await asyncio.gather(*[engine.acceptor.accept([heard(uuid4(), job)]) for _ in range(12)])
    assert len(await at_work(engine)) == ROOM


async def test_of_jobs_that_write_the_same_one_works_at_a_time(engine: Engine) -> None:
    first, second = await submit(engine, 2, 1, "supporters")
    (theirs,) = await submit(engine, 1, 2, "supporters")
    assert await at_work(engine) == [first]
    assert await at_work(engine, 2) == [theirs]
    await engine.run_to_end(first)
    assert await at_work(engine) == [second]


async def test_a_small_job_waits_while_another_writes_the_same(engine: Engine) -> None:
    (large,) = await submit(engine, 1, 1, "supporters")
    engine.probe.small = True
    (small,) = await submit(engine, 1, 1, "supporters")
    assert (await engine.run(small))["state"] == "queued"
    await engine.run_to_end(large)
    await engine.run_to_end(small)
    assert (await engine.run(small))["state"] == "completed"


async def test_jobs_that_need_several_resources_wait_for_all_and_others_for_none(engine: Engine) -> None:
    (first,) = await submit(engine, 1, 1, "supporters", "receipts")
    (second,) = await submit(engine, 1, 1, "receipts", "campaigns")
    (free,) = await submit(engine, 1, 1, "campaigns of last year")
    assert await at_work(engine) == [first, free]
    await engine.run_to_end(first)
    assert await at_work(engine) == [second, free]


async def test_a_job_that_needs_two_resources_is_not_overtaken_by_those_that_need_one(engine: Engine) -> None:
    (holder,) = await submit(engine, 1, 1, "supporters")
    (both,) = await submit(engine, 1, 1, "supporters", "receipts")
    engine.probe.small = True
    (small,) = await submit(engine, 1, 1, "receipts")
    (larger,) = await submit(engine, 1, 1, "receipts")
    assert await at_work(engine) == [holder], "the receipts are kept for the one that waits for both"
    await engine.run_to_end(holder)
    assert await at_work(engine) == [both]
    await engine.run_to_end(both)
    for job_id in (small, larger):
        await engine.run_to_end(job_id)
    assert {row["state"] for row in await engine.owner.fetch("SELECT state FROM ledger.runs")} == {"completed"}


async def test_a_job_that_waits_for_a_resource_says_so_until_it_begins(engine: Engine) -> None:
    first, second = await submit(engine, 2, 1, "supporters", "receipts")
    assert (await engine.run(second))["waits_for"] == "another job that changes receipts"
    waiting = (await engine.facts(second))[-1]
    assert isinstance(waiting, JobWaiting)
    await engine.run_to_end(first)
    assert (await engine.run(second))["waits_for"] is None
    await engine.run_to_end(second)
    assert (await engine.run(second))["state"] == "completed"


async def test_a_scheduled_job_waits_for_its_resource_and_says_so(engine: Engine) -> None:
    (holder,) = await submit(engine, 1, 1, "supporters")
    (due,) = await submit(engine, 1, 1, "supporters", run_at=datetime.now(UTC) + timedelta(hours=1))
    await engine.owner.execute("UPDATE ledger.runs SET run_at = now() WHERE job_id = $1", due)
    await engine.ledger.queue_due()
    assert await at_work(engine) == [holder]
    assert (await engine.run(due))["waits_for"] == "another job that changes supporters"
    await engine.run_to_end(holder)
    assert await at_work(engine) == [due]


async def test_a_job_that_waits_because_its_account_is_busy_names_no_resource(engine: Engine) -> None:
    await submit(engine, ROOM)
    (waiting,) = await submit(engine, 1, 1, "supporters")
    assert (await engine.run(waiting))["waits_for"] is None


class BrokenResources(FailingProbe):
    """Cannot say what it needs."""

    def exclusive_resources(self, params: ProbeParameters) -> frozenset[str]:
        raise ZeroDivisionError


async def test_a_type_that_fails_to_say_what_it_needs_fails_its_job_and_nothing_else(engine: Engine) -> None:
    engine.use(BrokenResources())
    (job_id,) = await submit(engine, 1)
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert "This is a fault of the software." in failed.reason


async def test_a_job_nobody_let_begin_is_let_in_by_the_reconciler(engine: Engine) -> None:
    (job_id,) = await submit(engine, 1)
    await engine.owner.execute("DELETE FROM ledger.chunks")
    await engine.owner.execute("UPDATE ledger.runs SET admitted = false")
    assert await engine.ledger.admit_waiting() == 1
    assert await engine.ledger.admit_waiting() == 0
    await engine.run_to_end(job_id)
    assert (await engine.run(job_id))["state"] == "completed"


async def runs_of_another_type(engine: Engine, jobs: int, *, admitted: bool, account_id: int = 1) -> None:
    """Jobs whose workers are away, as they stand in the ledger."""
    await engine.owner.execute(
        "INSERT INTO ledger.runs (job_id, account_id, owner_id, job_type, parameters, created_at, state, admitted) "
        "SELECT gen_random_uuid(), $1, 2, 'away', '{}', now() - interval '1 day', 'queued', $2 "
        "FROM generate_series(1, $3)",
        account_id,
        admitted,
        jobs,
    )


async def of_type(engine: Engine, job_type: str) -> int:
    number: int = await engine.owner.fetchval(
        "SELECT count(*) FROM ledger.runs WHERE job_type = $1 AND admitted AND state = 'queued'", job_type
    )
    return number


async def test_jobs_of_a_type_whose_workers_are_away_hold_up_no_other_type(engine: Engine) -> None:
    await runs_of_another_type(engine, ROOM, admitted=True)
    await runs_of_another_type(engine, 50, admitted=False)
    await submit(engine, 5)
    assert await of_type(engine, "probe") == ROOM
    begun = next(iter(set(await at_work(engine)) & set(await probes(engine))))
    await engine.run_to_end(begun)
    assert await of_type(engine, "probe") == ROOM, "the next of its type begins, though others wait longer"
    assert await of_type(engine, "away") == ROOM


async def probes(engine: Engine) -> list[UUID]:
    return [
        row["job_id"] for row in await engine.owner.fetch("SELECT job_id FROM ledger.runs WHERE job_type = 'probe'")
    ]


async def test_what_is_written_is_written_by_one_job_whatever_its_type(engine: Engine) -> None:
    await runs_of_another_type(engine, 1, admitted=True)
    await engine.owner.execute("UPDATE ledger.runs SET writes = '{supporters}'")
    await submit(engine, 1, 1, "supporters")
    assert await of_type(engine, "probe") == 0
    await engine.owner.execute("UPDATE ledger.runs SET state = 'failed' WHERE job_type = 'away'")
    assert await engine.ledger.admit_waiting() == 1
    assert await of_type(engine, "probe") == 1


async def test_an_account_whose_lock_is_held_keeps_no_other_waiting(engine: Engine) -> None:
    for account_id in (1, 2, 3):
        await runs_of_another_type(engine, 1, admitted=False, account_id=account_id)
    async with engine.ledger.transaction() as transaction:
        await transaction.capacity(2)
        admitting = asyncio.create_task(engine.ledger.admit_waiting())
        await until(lambda: _is(at_work(engine, 1), 1))
        assert len(await at_work(engine, 2)) == 0
        # what was let begin is committed: whoever ends or begins a job of account 1 waits for nobody
        await engine.owner.execute("SELECT pg_advisory_xact_lock(hashtextextended('admission', 1))")
    assert await admitting == 3


async def _is(found: Awaitable[list[UUID]], count: int) -> bool:
    return len(await found) == count
