"""Accepting many jobs at once, small ones done in the same transaction, on a real ledger."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from jobmonitor.contract.events import (
    JobCompleted,
    JobFailed,
    JobProgressed,
    JobQueued,
    JobStarted,
    JobSubmitted,
    result_key,
)
from jobmonitor.contract.topics import jobs_topic
from jobmonitor.processor import acceptor
from support.engine import Engine, heard, read_records


@pytest.fixture
def engine(engine: Engine) -> Engine:
    engine.probe.small = True
    return engine


def submission(account_id: int = 1, **parameters: Any) -> JobSubmitted:
    return JobSubmitted(account_id=account_id, owner_id=2, job_type="probe", parameters={"units": 4} | parameters)


async def chunks(engine: Engine) -> int:
    count: int = await engine.owner.fetchval("SELECT count(*) FROM ledger.chunks")
    return count


async def test_a_small_job_is_done_in_the_step_that_takes_it_up(engine: Engine) -> None:
    job_id = await engine.submit(units=4, chunk_units=2)
    facts = await engine.facts(job_id)
    assert [type(fact) for fact in facts] == [JobQueued, JobStarted, JobProgressed, JobProgressed, JobCompleted]
    assert [fact.sequence for fact in facts] == [1, 2, 3, 4, 5]
    result = facts[-1].result
    stored = b"".join([piece async for piece in engine.objects.stream(result_key(1, job_id, result))])
    assert stored == b"unit\r\n0\r\n1\r\n2\r\n3\r\n"
    assert (result.size_bytes, result.rows, facts[-1].outcomes) == (len(stored), 4, {"counted": 4})
    assert await engine.effects() == [0, 1, 2, 3]
    assert await chunks(engine) == 0, "nothing went through the work topic"


async def test_a_job_with_nothing_to_do_and_nothing_to_offer_completes(engine: Engine) -> None:
    job_id = await engine.submit(units=0, file=False)
    completed = (await engine.facts(job_id))[-1]
    assert isinstance(completed, JobCompleted)
    assert (completed.done, completed.total, completed.result) == (0, 0, None)


async def test_a_job_refused_by_its_check_fails_in_the_step_without_having_started(engine: Engine) -> None:
    job_id = await engine.submit(units=-1)
    assert [type(fact) for fact in await engine.facts(job_id)] == [JobQueued, JobFailed]


async def test_submitting_twice_even_at_once_is_one_job_with_one_effect(engine: Engine) -> None:
    job_id = uuid4()
    twice = [heard(job_id, submission()), heard(job_id, submission(units=2))]
    await asyncio.gather(*[engine.acceptor.accept(twice) for _ in range(4)])
    assert await engine.effects() == [0, 1, 2, 3]
    assert [type(fact) for fact in await engine.facts(job_id)].count(JobCompleted) == 1


async def test_two_workers_with_the_same_jobs_in_different_orders_do_not_block_each_other(engine: Engine) -> None:
    batch = [heard(uuid4(), submission(1 + number % 3)) for number in range(30)]
    await asyncio.gather(engine.acceptor.accept(batch), engine.acceptor.accept(batch[::-1]))
    assert await engine.effects() == sorted([0, 1, 2, 3] * 30)


async def test_a_job_that_turns_out_impossible_keeps_no_effect_and_fails_nobody_else(engine: Engine) -> None:
    good, bad = uuid4(), uuid4()
    await engine.acceptor.accept([heard(good, submission()), heard(bad, submission(refuse_at=2))])
    assert isinstance((await engine.facts(good))[-1], JobCompleted)
    await engine.run_to_end(bad)
    failed = (await engine.facts(bad))[-1]
    assert (failed.code, failed.reason) == ("impossible", "Unit 2 cannot be counted.")
    assert await engine.effects() == [0, 0, 1, 1, 2, 3], "of the bad one the chunks before the refusal"


async def test_a_temporary_failure_in_the_step_lets_the_job_go_on_as_chunks(engine: Engine) -> None:
    engine.probe.failures = [OSError("away"), OSError("still away")]
    first, second = uuid4(), uuid4()
    await engine.acceptor.accept([heard(first, submission()), heard(second, submission())])
    assert await chunks(engine) == 1, "the plan of the one that failed alone as well"
    await engine.run_to_end(first)
    await engine.run_to_end(second)
    assert await engine.effects() == sorted([0, 1, 2, 3] * 2)
    for job_id in (first, second):
        facts = await engine.facts(job_id)
        assert [type(fact) for fact in facts].count(JobCompleted) == 1
        assert [fact.sequence for fact in facts] == list(range(1, len(facts) + 1))


async def test_a_bug_in_the_step_is_left_to_the_chunks_which_count_their_attempts(engine: Engine) -> None:
    engine.probe.failures = [ZeroDivisionError(), ZeroDivisionError()]
    job_id = await engine.submit(units=2, chunk_units=2)
    assert await engine.effects() == []
    await engine.run_to_end(job_id)
    assert isinstance((await engine.facts(job_id))[-1], JobCompleted)


async def test_one_row_of_the_outbox_holds_all_that_a_batch_says(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker is away: the facts of ten jobs wait in one row, and leave when it is back."""
    monkeypatch.setattr(acceptor, "BATCH_S", 60)  # on a busy machine they would not be one batch
    await engine.producer.stop()
    batch = [heard(uuid4(), submission(file=False)) for _ in range(10)]
    await asyncio.gather(engine.acceptor.accept(batch), return_exceptions=True)
    assert await engine.owner.fetchval("SELECT array_agg(cardinality(topics)) FROM ledger.outbox") == [70]


async def test_facts_say_in_a_header_what_they_are(engine: Engine) -> None:
    job_id = await engine.submit(units=1)
    records = await read_records(engine.bootstrap, jobs_topic("probe"))
    types = [dict(record.headers)["ce_type"] for record in records if record.key == str(job_id).encode()]
    assert types == [
        b"jobmonitor.job_queued.v1",
        b"jobmonitor.job_started.v1",
        b"jobmonitor.job_progressed.v1",
        b"jobmonitor.job_completed.v1",
    ]
