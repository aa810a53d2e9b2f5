"""Accounts share the workers: a bounded number of jobs of each is worked on, the others wait in the queue."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from jobmonitor.contract.events import JobCancelled, JobStopRequested, JobSubmitted
from support.engine import Engine, heard
from support.job_events import NOON
from support.waiting import until

ROOM = 3
"""As open_engine sets it."""


async def submit(engine: Engine, jobs: int, account_id: int = 1, **says: Any) -> list[UUID]:
    """So many jobs of an account, accepted together; in the order they wait."""
    job = JobSubmitted(account_id=account_id, owner_id=2, job_type="probe", parameters={"units": 1}, **says)
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
    engine.probe.exclusive_resource = "supporters"
    first, second = await submit(engine, 2)
    (theirs,) = await submit(engine, 1, account_id=2)
    assert await at_work(engine) == [first]
    assert await at_work(engine, 2) == [theirs]
    await engine.run_to_end(first)
    assert await at_work(engine) == [second]


async def test_a_small_job_waits_while_another_writes_the_same(engine: Engine) -> None:
    engine.probe.exclusive_resource = "supporters"
    (large,) = await submit(engine, 1)
    engine.probe.small = True
    (small,) = await submit(engine, 1)
    assert (await engine.run(small))["state"] == "queued"
    await engine.run_to_end(large)
    await engine.run_to_end(small)
    assert (await engine.run(small))["state"] == "completed"


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
    await engine.owner.execute("UPDATE ledger.runs SET writes = 'supporters'")
    engine.probe.exclusive_resource = "supporters"
    await submit(engine, 1)
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
