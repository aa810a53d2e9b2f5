"""Jobs that submit jobs: each child once, whatever happens to the work that submits it, and not without it."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from jobmonitor.contract.events import JobCompleted, JobFailed, JobQueued, JobSubmitted
from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.contract.topics import requests_topic
from jobmonitor.job_types.children import CHILDREN_MAX, Children
from jobmonitor.job_types.probe.job_type import ProbeParameters
from jobmonitor.job_types.protocol import Context, Ending, Refused
from jobmonitor.ledger.transaction import GENERATIONS_MAX
from jobmonitor.processor.acceptor import Submission
from support.engine import Engine, create_topics, pass_over, read_events
from support.probe import FailingProbe
from support.processors import processors
from support.waiting import until

TOPIC = requests_topic("probe")
CHILDREN: dict[str, Any] = {"units": 6, "chunk_units": 2, "children": 2}
"""Twelve children."""


async def submissions(engine: Engine, parent: UUID) -> list[Submission]:
    """What the job has submitted, as a worker of the children hears it."""
    return [
        Submission(event.job_id, event.id, event.time, event.data)
        for event in await read_events(engine.bootstrap, TOPIC)
        if isinstance(event.data, JobSubmitted) and event.data.parent_job_id == parent
    ]


def keys(parent: UUID) -> set[UUID]:
    return {job_id_for(1, f"{parent}:{unit}:{number}") for unit in range(6) for number in range(2)}


async def test_a_job_submits_jobs_for_its_account_and_owner(engine: Engine) -> None:
    parent = await engine.submit(**CHILDREN)
    await engine.run_to_end(parent)

    found = await submissions(engine, parent)

    assert {each.job_id for each in found} == keys(parent)
    assert len(found) == 12
    assert {(each.data.account_id, each.data.owner_id, each.data.job_type) for each in found} == {(1, 2, "probe")}
    await engine.acceptor.accept(found)
    (first, *_) = await engine.facts(found[0].job_id)
    assert isinstance(first, JobQueued)
    assert first.asked is not None
    assert first.asked.parent_job_id == parent


async def test_a_chunk_that_fails_or_comes_twice_submits_its_children_once(engine: Engine) -> None:
    parent = await engine.submit(**CHILDREN, away_attempts=2)
    while chunks := await engine.dispatched(parent):
        await asyncio.gather(*(engine.runner.run(parent, chunk) for chunk in chunks * 3))
        await engine.end_leases(parent)

    assert Counter(each.job_id for each in await submissions(engine, parent)) == Counter(keys(parent))


async def test_work_that_never_commits_submits_nothing(engine: Engine) -> None:
    parent = await engine.submit(**CHILDREN, refuse_at=0)
    await engine.run_to_end(parent)

    assert isinstance((await engine.facts(parent))[-1], JobFailed)
    submitted = {each.job_id for each in await submissions(engine, parent)}
    refused = {job_id_for(1, f"{parent}:{unit}:{number}") for unit in range(2) for number in range(2)}
    assert not submitted & refused


async def test_a_small_job_submits_jobs_in_the_step_that_does_it(engine: Engine) -> None:
    engine.probe.small = True
    parent = await engine.submit(**CHILDREN)

    assert isinstance((await engine.facts(parent))[-1], JobCompleted)
    assert Counter(each.job_id for each in await submissions(engine, parent)) == Counter(keys(parent))


async def test_a_small_job_that_fails_midway_submits_nothing_twice(engine: Engine) -> None:
    engine.probe.small = True
    engine.probe.failures = [OSError("away"), OSError("away")]
    parent = await engine.submit(**CHILDREN)
    await engine.run_to_end(parent)

    assert Counter(each.job_id for each in await submissions(engine, parent)) == Counter(keys(parent))


async def test_too_many_children_in_one_step_fail_the_job_with_the_reason(engine: Engine) -> None:
    parent = await engine.submit(units=1, chunk_units=1, children=CHILDREN_MAX + 1)
    await engine.run_to_end(parent)

    failed = (await engine.facts(parent))[-1]
    assert (failed.code, failed.reason) == (
        "too_many_children",
        "A job can start 100 others in one step, and not more.",
    )
    assert await submissions(engine, parent) == []


async def test_a_job_type_that_submits_itself_comes_to_an_end(engine: Engine) -> None:
    engine.probe.small = True
    line = [await engine.submit(units=1, chunk_units=1, children=1, generations=1_000)]
    while children := await submissions(engine, line[-1]):
        await engine.acceptor.accept(children)
        line += [each.job_id for each in children]
        assert len(line) <= GENERATIONS_MAX + 1

    assert len(line) == GENERATIONS_MAX + 1
    ends = [(await engine.facts(job_id))[-1] for job_id in line]
    assert all(isinstance(end, JobCompleted) for end in ends[:-1])
    assert (ends[-1].code, len(await engine.facts(line[-1]))) == ("too_many_generations", 1)


class Ends(FailingProbe):
    """Submits a job when one of its own ends, and fails after that as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.hook_fails: list[Exception] = []

    async def ended(self, params: ProbeParameters, ending: Ending, context: Context) -> None:
        context.submit("probe", "report", {"units": 0}, reference=f"{ending.state}")
        if self.hook_fails:
            raise self.hook_fails.pop(0)


async def test_the_end_of_a_job_submits_one(engine: Engine) -> None:
    engine.use(Ends())
    completed, failed = await engine.submit(), await engine.submit(refuse_at=3)
    for job_id in (completed, failed):
        await engine.run_to_end(job_id)

        (child,) = await submissions(engine, job_id)
        assert child.data.reference == (await engine.run(job_id))["state"]


async def test_an_end_that_fails_submits_nothing_and_one_tried_again_submits_once(engine: Engine) -> None:
    probe = Ends()
    engine.use(probe)
    probe.hook_fails = [ZeroDivisionError("a bug")]
    buggy = await engine.submit()
    await engine.run_to_end(buggy)
    probe.hook_fails = [OSError("away")]
    mended = await engine.submit()
    await engine.run_to_end(mended)
    await engine.end_leases(mended)
    await engine.run_to_end(mended)

    assert [len(await submissions(engine, job_id)) for job_id in (buggy, mended)] == [0, 1]


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({"job_type": "no-such-type"}, ValueError),
        ({"key": ""}, ValueError),
        ({"key": "x" * 201}, ValueError),
        ({"parameters": ["no", "object"]}, ValueError),
        ({"reference": "two\nlines"}, Refused),
        ({"parameters": {"text": "x" * 20_001}}, Refused),
    ],
)
async def test_what_no_request_may_hold_is_told_at_once(
    engine: Engine, asked: dict[str, object], wrong: type[Exception]
) -> None:
    run = await engine.submit()
    async with engine.ledger.transaction() as transaction:
        submit = Children(transaction, await transaction.lock(run))
        whole: dict[str, object] = {"job_type": "probe", "key": "winner", "parameters": {}} | asked
        with pytest.raises(wrong):
            submit(**whole)  # type: ignore[arg-type]
        assert transaction.messages == []


async def test_one_key_is_one_child_and_not_two(engine: Engine) -> None:
    run = await engine.submit()
    async with engine.ledger.transaction() as transaction:
        submit = Children(transaction, await transaction.lock(run))
        once, again = submit("probe", "winner", {"units": 1}), submit("probe", "winner", {"units": 1})
        with pytest.raises(ValueError, match="two different children"):
            submit("probe", "winner", {"units": 2})
        assert once == again == job_id_for(1, f"{run}:winner")
        assert len(transaction.messages) == 1


async def mend(engine: Engine) -> None:
    """As the reconciler does."""
    await engine.ledger.send_leftovers(engine.producer, older_than=timedelta(seconds=1))
    await engine.ledger.hint_open_chunks(unclaimed_after=timedelta(seconds=1))


async def test_workers_that_are_killed_leave_each_child_once(engine: Engine) -> None:
    """Processes under the leases of real life, killed outright in the middle of chunks, again and again."""
    await create_topics(engine.bootstrap, TOPIC, "work.probe")
    await pass_over(engine.bootstrap, "jobmonitor-processor-probe", TOPIC, "work.probe")
    parent, units = uuid4(), 60
    asked = {"units": units, "chunk_units": 1, "chunk_s": 0.05, "children": 1, "file": False, "effects": False}
    data = JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters=asked)
    await engine.acceptor.accept([Submission(parent, str(uuid4()), datetime.now(UTC), data)])
    done = "SELECT chunks_done FROM ledger.runs WHERE job_id = $1"

    with processors() as some:
        for kills in range(1, 6):
            process = some.start(engine, "probe", JOBMONITOR_KAFKA_INSTANCE="worker-1")

            async def has_come_so_far(wanted: int = kills * 8) -> bool:
                await mend(engine)
                return bool(await engine.owner.fetchval(done, parent) >= wanted)

            await until(has_come_so_far, within_s=120)
            process.kill()
            await asyncio.to_thread(process.wait)
        some.start(engine, "probe", JOBMONITOR_KAFKA_INSTANCE="worker-1")

        async def ended() -> bool:
            await mend(engine)
            query = "SELECT state = 'completed' FROM ledger.runs WHERE job_id = $1"
            return bool(await engine.owner.fetchval(query, parent))

        await until(ended, within_s=120)

        async def all_there() -> bool:
            await mend(engine)
            count = "SELECT count(*) FROM ledger.runs WHERE parent_job_id = $1 AND state = 'completed'"
            return bool(await engine.owner.fetchval(count, parent) == units)

        await until(all_there, within_s=120)

    expected = {job_id_for(1, f"{parent}:{unit}:0") for unit in range(units)}
    assert {each.job_id for each in await submissions(engine, parent)} == expected
    for child in sorted(expected)[:5]:
        assert [type(fact) for fact in await engine.facts(child)].count(JobCompleted) == 1
