"""Jobs that belong to another: who may be a parent, and how long a line of them may be."""

from typing import Any
from uuid import UUID, uuid4

from jobmonitor.contract.events import JobCompleted, JobFailed, JobQueued, JobSubmitted
from jobmonitor.ledger.transaction import GENERATIONS_MAX
from support.engine import Engine, heard


async def accept(engine: Engine, parent: UUID | None, **says: Any) -> UUID:
    job_id = uuid4()
    whole: dict[str, Any] = {"account_id": 1, "owner_id": 2, "job_type": "probe", "parameters": {}, **says}
    await engine.acceptor.accept([heard(job_id, JobSubmitted(**whole, parent_job_id=parent))])
    return job_id


async def parent_of(engine: Engine, job_id: UUID) -> UUID | None:
    parent: UUID | None = (await engine.run(job_id))["parent_job_id"]
    return parent


async def test_a_child_says_in_its_first_fact_whose_it_is(engine: Engine) -> None:
    engine.probe.small = True
    parent = await accept(engine, None)
    child = await accept(engine, parent)

    first, *_, last = await engine.facts(child)

    assert isinstance(first, JobQueued)
    assert first.asked is not None
    assert first.asked.parent_job_id == parent == await parent_of(engine, child)
    assert isinstance(last, JobCompleted)


async def test_who_is_no_job_of_the_account_is_no_parent(engine: Engine) -> None:
    elsewhere = await accept(engine, None, account_id=5)

    for parent in (elsewhere, uuid4()):
        child = await accept(engine, parent)
        (failed,) = await engine.facts(child)

        assert isinstance(failed, JobFailed)
        assert (failed.code, failed.reason) == (
            "unknown_parent",
            f"Its parent, job {parent}, is not a job of this account.",
        )
        assert failed.asked is not None
        assert failed.asked.parent_job_id is None
        assert await parent_of(engine, child) is None


async def test_a_job_is_not_its_own_parent(engine: Engine) -> None:
    job_id = uuid4()
    own = JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters={}, parent_job_id=job_id)

    await engine.acceptor.accept([heard(job_id, own)])

    assert [fact.code for fact in await engine.facts(job_id)] == ["unknown_parent"]


async def test_a_job_whose_run_is_no_longer_kept_is_a_parent_still(engine: Engine) -> None:
    long_over = uuid4()
    await engine.owner.execute("INSERT INTO ledger.taken_up (job_id, account_id) VALUES ($1, 1)", long_over)

    child = await accept(engine, long_over)

    assert await parent_of(engine, child) == long_over


async def test_a_line_of_jobs_that_submit_each_other_ends(engine: Engine) -> None:
    engine.probe.small = True
    line = [await accept(engine, None)]
    while len(line) < GENERATIONS_MAX:
        line.append(await accept(engine, line[-1]))
    beyond = await accept(engine, line[-1])
    beside = await accept(engine, line[0])

    assert [(await engine.run(job_id))["state"] for job_id in (*line, beside)] == ["completed"] * (GENERATIONS_MAX + 1)
    (refused,) = await engine.facts(beyond)
    assert (refused.code, await parent_of(engine, beyond)) == ("too_many_generations", line[-1])


async def test_the_same_job_under_another_parent_is_another_request(engine: Engine) -> None:
    parent, other, job_id = await accept(engine, None), await accept(engine, None), uuid4()
    wish: dict[str, Any] = {"account_id": 1, "owner_id": 2, "job_type": "probe", "parameters": {}}
    for claimed in (parent, parent, other):
        await engine.acceptor.accept([heard(job_id, JobSubmitted(**wish, parent_job_id=claimed))])

    rejected = (await engine.facts(job_id))[-1]
    assert (rejected.code, await parent_of(engine, job_id)) == ("key_reused", parent)
