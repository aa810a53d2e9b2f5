"""What a job type does when its jobs begin and end: exactly once, however a job ends and whoever ends it."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from jobmonitor.contract.events import JobCancelled, JobFailed, JobStopRequested, JobSubmitted
from jobmonitor.contract.topics import view_topics, work_topic
from jobmonitor.job_types.hooks import BUGS
from jobmonitor.job_types.outside_probe.job_type import OutsideProbe
from jobmonitor.job_types.probe.job_type import ProbeParameters
from jobmonitor.job_types.protocol import Context, Ending, Refused, RetryPolicy
from jobmonitor.ledger.claims import Claim
from jobmonitor.reconciler.repairs import Repairs
from jobmonitor.reconciler.settings import ReconcilerSettings
from support.engine import Engine, create_topics, heard
from support.job_events import NOON
from support.probe import FailingProbe
from support.processors import processors
from support.waiting import until

STOP = JobStopRequested(account_id=1, requested_by=2)
WRITE = "INSERT INTO probe.hooks VALUES ($1, $2, $3, $4, $5, $6)"
BEGAN = ("began", "running", 0, 0)


class Hooked(FailingProbe):
    """Leaves a row when a job begins and when it ends, and fails after that as it is told."""

    retries = RetryPolicy(tries_max=2, pause_first_s=0)

    def __init__(self) -> None:
        super().__init__()
        self.began_fails: list[Exception] = []
        self.ended_fails: list[Exception] = []

    async def began(self, params: ProbeParameters, context: Context) -> None:
        await context.connection.execute(WRITE, context.account_id, context.job_id, *BEGAN)
        if self.began_fails:
            raise self.began_fails.pop(0)

    async def ended(self, params: ProbeParameters, ending: Ending, context: Context) -> None:
        says = ("ended", ending.state, ending.done, ending.total)
        await context.connection.execute(WRITE, context.account_id, context.job_id, *says)
        assert sum(ending.outcomes.values()) == ending.done
        if self.ended_fails:
            raise self.ended_fails.pop(0)


@pytest.fixture
def hooked(engine: Engine) -> Hooked:
    probe = Hooked()
    engine.use(probe)
    return probe


async def hooks(engine: Engine, job_id: UUID) -> list[tuple[Any, ...]]:
    rows = await engine.owner.fetch("SELECT hook, state, done, total FROM probe.hooks WHERE job_id = $1", job_id)
    return [tuple(row) for row in rows]


async def started(engine: Engine, **parameters: Any) -> UUID:
    """A job of two chunks of two units each, one of which is done."""
    job_id = await engine.submit(units=4, chunk_units=2, **parameters)
    for chunk in (0, 1):
        await engine.runner.run(job_id, chunk)
    return job_id


def repairs_of(engine: Engine) -> Repairs:
    settings = ReconcilerSettings(
        database_url=engine.settings.database_url,
        object_store_url=engine.settings.object_store_url,
        with_probe=True,
        unclaimed_after_s=0,
    )
    return Repairs(engine.ledger, engine.producer, engine.objects, settings)


async def test_a_completed_job_began_and_ended_once(engine: Engine, hooked: Hooked) -> None:
    job_id = await engine.submit(units=4, chunk_units=2)
    await engine.run_to_end(job_id)
    assert await hooks(engine, job_id) == [BEGAN, ("ended", "completed", 4, 4)]


async def test_a_job_done_in_one_step_began_and_ended_once(engine: Engine, hooked: Hooked) -> None:
    hooked.small = True
    job_id = await engine.submit(units=2)
    assert await hooks(engine, job_id) == [BEGAN, ("ended", "completed", 2, 2)]


async def test_a_job_that_never_began_has_no_hook(engine: Engine, hooked: Hooked) -> None:
    refused = await engine.submit(units=-1)
    await engine.run_to_end(refused)
    stopped = await engine.submit(units=2)
    await engine.ledger.stop(stopped, STOP, NOON, stoppable=True)
    assert await hooks(engine, refused) == await hooks(engine, stopped) == []


async def test_a_job_that_fails_ended_once(engine: Engine, hooked: Hooked) -> None:
    refused = await started(engine, refuse_at=3)
    await engine.run_to_end(refused)
    assert await hooks(engine, refused) == [BEGAN, ("ended", "failed", 2, 4)]


async def test_a_job_that_is_given_up_ended_once(engine: Engine, hooked: Hooked) -> None:
    job_id = await started(engine, away_attempts=9)
    for _ in range(4):
        await engine.end_leases(job_id)
        await engine.runner.run(job_id, 2)
    assert isinstance((await engine.facts(job_id))[-1], JobFailed)
    assert [hook[:2] for hook in await hooks(engine, job_id)] == [BEGAN[:2], ("ended", "failed")]


async def test_a_job_the_ledger_itself_fails_ended_once(engine: Engine, hooked: Hooked) -> None:
    job_id = await started(engine)
    for _ in range(2):
        await engine.ledger.fail(job_id, "message_too_large", "It is too large.")
    assert await hooks(engine, job_id) == [BEGAN, ("ended", "failed", 2, 4)]


async def test_a_stopped_job_ended_once_with_what_was_done(engine: Engine, hooked: Hooked) -> None:
    job_id = await started(engine)
    await engine.ledger.stop(job_id, STOP, NOON, stoppable=True)
    assert await hooks(engine, job_id) == [BEGAN], "it is being assembled"
    await engine.run_to_end(job_id)
    assert await hooks(engine, job_id) == [BEGAN, ("ended", "cancelled", 2, 4)]


async def test_a_stopped_job_that_the_reconciler_ends_ended_once(engine: Engine, hooked: Hooked) -> None:
    job_id = await started(engine)
    await engine.ledger.stop(job_id, STOP, NOON, stoppable=True)
    await engine.owner.execute("UPDATE ledger.chunks SET assemble_until = now() - interval '1 s' WHERE chunk = 3")
    for _ in range(2):
        await repairs_of(engine).finish_stops()
    assert isinstance((await engine.facts(job_id))[-1], JobCancelled)
    assert await hooks(engine, job_id) == [BEGAN, ("ended", "cancelled", 2, 4)]


async def claim(engine: Engine, job_id: UUID, chunk: int) -> Claim:
    await engine.end_leases(job_id)
    claimed = await engine.ledger.claims.claim(job_id, chunk, job_type="probe", lease=engine.lease)
    assert claimed is not None
    return claimed


async def test_a_worker_that_lost_its_lease_leaves_no_hook(engine: Engine, hooked: Hooked) -> None:
    job_id = await engine.submit(units=2)
    slow_plan, plan = await claim(engine, job_id, 0), await claim(engine, job_id, 0)
    assert [await engine.runner._run_claimed(each) for each in (slow_plan, plan)] == ["lease_lost", "done"]
    await engine.runner.run(job_id, 1)
    slow, assembly = await claim(engine, job_id, 2), await claim(engine, job_id, 2)
    assert [await engine.runner._run_claimed(each) for each in (slow, assembly)] == ["lease_lost", "done"]
    assert await hooks(engine, job_id) == [BEGAN, ("ended", "completed", 2, 2)]


@pytest.mark.parametrize("bug", [ZeroDivisionError(), Refused("no", "It may not end."), asyncpg.DataError()], ids=repr)
async def test_a_bug_at_the_end_leaves_nothing_and_the_job_ends_all_the_same(
    engine: Engine, hooked: Hooked, bug: Exception
) -> None:
    counted = BUGS.labels("probe")._value.get()
    hooked.ended_fails = [bug]
    job_id = await engine.submit(units=2)
    await engine.run_to_end(job_id)
    assert (await engine.run(job_id))["state"] == "completed"
    assert await hooks(engine, job_id) == [BEGAN]
    assert BUGS.labels("probe")._value.get() == counted + 1


async def test_sql_that_fails_at_the_end_leaves_the_end_itself(engine: Engine, hooked: Hooked) -> None:
    """The transaction goes on behind the savepoint."""

    class Wrong(Hooked):
        async def ended(self, params: ProbeParameters, ending: Ending, context: Context) -> None:
            await context.connection.execute("SELECT 1 / 0")

    engine.use(Wrong())
    job_id = await engine.submit(units=2)
    await engine.run_to_end(job_id)
    assert (await engine.run(job_id))["state"] == "completed"


async def test_an_end_that_fails_for_a_while_is_tried_again(engine: Engine, hooked: Hooked) -> None:
    hooked.ended_fails = [OSError("It is away.")]
    job_id = await engine.submit(units=2)
    await engine.run_to_end(job_id)
    await engine.end_leases(job_id)
    await engine.run_to_end(job_id)
    assert await hooks(engine, job_id) == [BEGAN, ("ended", "completed", 2, 2)]


async def test_a_start_that_fails_is_tried_again_and_then_fails_the_job(engine: Engine, hooked: Hooked) -> None:
    hooked.began_fails = [ZeroDivisionError()]
    mended = await engine.submit(units=2)
    await engine.runner.run(mended, 0)
    assert (await engine.run(mended))["state"] == "queued"
    await engine.end_leases(mended)
    await engine.run_to_end(mended)
    assert await hooks(engine, mended) == [BEGAN, ("ended", "completed", 2, 2)]

    hooked.began_fails = [ZeroDivisionError()] * 9
    broken = await engine.submit(units=2)
    for _ in range(4):
        await engine.runner.run(broken, 0)
        await engine.end_leases(broken)
    failed = (await engine.facts(broken))[-1]
    assert isinstance(failed, JobFailed)
    assert failed.code == "gave_up"
    assert await hooks(engine, broken) == []


async def test_a_start_that_is_refused_fails_the_job_before_it_began(engine: Engine, hooked: Hooked) -> None:
    hooked.began_fails = [Refused("sent_already", "The campaign was sent already.")]
    job_id = await engine.submit(units=2)
    await engine.run_to_end(job_id)
    failed = (await engine.facts(job_id))[-1]
    assert (failed.code, await hooks(engine, job_id)) == ("sent_already", [])


async def test_workers_that_are_killed_again_and_again_leave_each_hook_once(engine: Engine) -> None:
    slug, jobs = OutsideProbe.slug, [uuid4() for _ in range(30)]
    await create_topics(engine.bootstrap, *view_topics(slug), work_topic(slug))
    parameters = {"units": 12, "chunk_units": 3, "call_s": 0.01, "file": False}
    acceptor = engine.acceptor_for(OutsideProbe())
    for job_id in jobs:
        wish = JobSubmitted(account_id=1, owner_id=2, job_type=slug, parameters=parameters)
        await acceptor.accept([heard(job_id, wish)])

    async def ended(more_than: int) -> bool:
        count = "SELECT count(*) FROM ledger.runs WHERE state IN ('completed', 'completed_with_errors')"
        return int(await engine.owner.fetchval(count)) > more_than

    with processors() as some:
        for more_than in (2, 8, 14):
            worker = some.start(engine, slug, JOBMONITOR_KAFKA_INSTANCE="worker-1")
            await _mended_until(engine, lambda more_than=more_than: ended(more_than))
            worker.kill()
        some.start(engine, slug, JOBMONITOR_KAFKA_INSTANCE="worker-1")
        await _mended_until(engine, lambda: ended(len(jobs) - 1))
    for job_id in jobs:
        done = (await engine.run(job_id))["done"]
        state = (await engine.run(job_id))["state"]
        assert await hooks(engine, job_id) == [("began", "running", 0, 12), ("ended", state, done, 12)]


async def _mended_until(engine: Engine, condition: Any) -> None:
    """Doing what the reconciler would do."""
    repairs = repairs_of(engine)

    async def mended() -> bool:
        await repairs.send_leftover_messages()
        await repairs.redispatch_chunks()
        await repairs.admit_waiting()
        return bool(await condition())

    await until(mended, within_s=90)
