"""The engine on real servers: chunks under leases, effects once, facts that leave with them."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from jobmonitor.contract.events import (
    ChunkDispatched,
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobProgressed,
    JobQueued,
    JobScheduled,
    JobStarted,
    JobStopping,
    JobStopRequested,
    ResultExpired,
    result_key,
)
from jobmonitor.contract.topics import work_topic
from jobmonitor.database.pool import open_pool
from jobmonitor.ledger.claims import LeaseLost
from jobmonitor.ledger.runs import lock_run
from jobmonitor.processor.chunks import KeepLetter
from jobmonitor.reconciler.repairs import Repairs
from jobmonitor.reconciler.settings import ReconcilerSettings
from jobmonitor.runtime.failures import TEMPORARY
from jobmonitor.runtime.kafka import KafkaUnavailable
from support.engine import Engine, read_events
from support.job_events import NOON
from support.waiting import until

LEASE = timedelta(seconds=30)
STOP = JobStopRequested(account_id=1, requested_by=2)


def into(dead_lettered: list[str]) -> KeepLetter:
    """Keeps the reasons of dead letters in this list."""

    async def dead_letter(reason: str) -> None:
        dead_lettered.append(reason)

    return dead_letter


def repairs_of(engine: Engine) -> Repairs:
    settings = ReconcilerSettings(
        database_url=engine.settings.database_url,
        object_store_url=engine.settings.object_store_url,
        with_probe=True,
        outbox_after_s=60,
        unclaimed_after_s=0,
    )
    return Repairs(engine.ledger, engine.producer, engine.objects, settings)


async def test_a_job_runs_from_submission_to_result(engine: Engine) -> None:
    job_id = await engine.submit(units=5, chunk_units=2)
    await engine.run_to_end(job_id)
    facts = await engine.facts(job_id)
    assert [type(fact) for fact in facts] == [JobQueued, JobStarted, *[JobProgressed] * 3, JobCompleted]
    assert [fact.sequence for fact in facts] == [1, 2, 3, 4, 5, 6]
    assert [fact.done for fact in facts[2:5]] == [2, 4, 5]
    result = facts[-1].result
    stored = b"".join([piece async for piece in engine.objects.stream(result_key(1, job_id, result))])
    assert stored == b"unit\r\n0\r\n1\r\n2\r\n3\r\n4\r\n"
    assert (result.size_bytes, result.rows) == (len(stored), 5)
    assert facts[-1].outcomes == {"counted": 5}


async def test_an_empty_plan_completes_with_the_header_alone(engine: Engine) -> None:
    job_id = await engine.submit(units=0)
    await engine.run_to_end(job_id)
    completed = (await engine.facts(job_id))[-1]
    assert isinstance(completed, JobCompleted)
    assert completed.result is not None
    assert (completed.done, completed.total) == (0, 0)
    assert [piece async for piece in engine.objects.stream(result_key(1, job_id, completed.result))] == [b"unit\r\n"]


async def test_submitting_twice_is_one_job(engine: Engine) -> None:
    job_id = await engine.submit(units=2)
    await engine.submit(job_id=job_id, units=9)
    await engine.run_to_end(job_id)
    assert await engine.effects() == [0, 1]
    assert [type(fact) for fact in await engine.facts(job_id)].count(JobQueued) == 1


async def test_no_more_chunks_than_the_window_are_handed_out(engine: Engine) -> None:
    job_id = await engine.submit(units=10, chunk_units=1)
    await engine.runner.run(job_id, 0)
    assert await engine.dispatched(job_id) == [1, 2]
    await engine.runner.run(job_id, 1)
    assert await engine.dispatched(job_id) == [2, 3]


async def test_a_chunk_delivered_many_times_at_once_has_its_effects_once(engine: Engine) -> None:
    job_id = await engine.submit(units=2, chunk_units=2)
    await engine.runner.run(job_id, 0)
    await asyncio.gather(*[engine.runner.run(job_id, 1) for _ in range(5)])
    await engine.runner.run(job_id, 1)
    await engine.run_to_end(job_id)
    assert await engine.effects() == [0, 1]


async def test_a_superseded_worker_cannot_commit(engine: Engine) -> None:
    """A worker paused past its lease comes back after another has done its chunk: nothing of it counts."""
    job_id = await engine.submit(units=2, chunk_units=2)
    await engine.runner.run(job_id, 0)
    paused = await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=LEASE)
    assert paused is not None
    await engine.end_leases(job_id)
    await engine.run_to_end(job_id)
    with pytest.raises(LeaseLost):
        await engine.ledger.claims.extend(paused, lease=LEASE)
    assert await engine.runner._run_claimed(paused) == "lease_lost"
    assert await engine.effects() == [0, 1]


async def test_a_frozen_workers_transaction_is_ended_and_frees_the_rows_it_locked(engine: Engine) -> None:
    job_id = await engine.submit(units=2)
    frozen = await open_pool(engine.settings.database_url, size=1, application_name="frozen", silence_s=0.3)

    async def freeze() -> None:
        async with frozen.acquire() as connection, connection.transaction():
            await lock_run(connection, job_id)
            await engine.run_to_end(job_id)  # waits for the row until the server has had enough
            await lock_run(connection, job_id)

    with pytest.raises(TEMPORARY):
        await freeze()
    await frozen.close()
    assert isinstance((await engine.facts(job_id))[-1], JobCompleted)


async def test_a_temporary_failure_leaves_no_effect_and_is_tried_again_later(engine: Engine) -> None:
    engine.probe.failures = [OSError("the object store is away")]
    job_id = await engine.submit(units=2, chunk_units=2)
    await engine.runner.run(job_id, 0)
    await engine.runner.run(job_id, 1)
    assert await engine.effects() == []
    await engine.runner.run(job_id, 1)
    assert await engine.effects() == [], "it has to wait for its pause first"
    await engine.end_leases(job_id)
    assert await repairs_of(engine).redispatch_chunks() == 1
    await engine.run_to_end(job_id)
    assert await engine.effects() == [0, 1]


async def test_a_chunk_that_keeps_failing_fails_its_job_with_a_reason_and_a_dead_letter(engine: Engine) -> None:
    dead_lettered: list[str] = []
    engine.probe.failures = [OSError("away")] * 5
    job_id = await engine.submit(units=2, chunk_units=2)
    await engine.runner.run(job_id, 0)
    for _ in range(5):
        await engine.end_leases(job_id)
        await engine.runner.run(job_id, 1, into(dead_lettered))
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert failed.code == "gave_up"
    assert failed.reason == "A part of the work was tried 5 times and failed each time."
    assert await engine.effects() == []
    assert [f"Chunk 1 of job {job_id}: A part of the work was tried 5 times" in reason for reason in dead_lettered] == [
        True
    ]


async def crash_tries(engine: Engine, job_id: UUID, tries: int) -> None:
    """As if so many workers had died with chunk 1 in their hands."""
    for _ in range(tries):
        assert await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=LEASE) is not None
        await engine.end_leases(job_id)


async def test_a_chunk_that_cannot_be_given_up_yet_is_given_up_by_the_same_message_for_its_true_cause(
    engine: Engine,
) -> None:
    engine.probe.failures = [OSError("away")]
    job_id = await engine.submit(units=2, chunk_units=2)
    await engine.runner.run(job_id, 0)
    await crash_tries(engine, job_id, 4)

    async def no_broker(reason: str) -> None:
        raise KafkaUnavailable(reason)

    with pytest.raises(KafkaUnavailable):
        await engine.runner.run(job_id, 1, no_broker)
    dead_lettered: list[str] = []
    await engine.runner.run(job_id, 1, into(dead_lettered))
    assert len(dead_lettered) == 1
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert failed.reason == "A part of the work was tried 5 times and failed each time."


async def test_a_last_try_without_a_message_to_keep_leaves_its_cause_to_the_next(engine: Engine) -> None:
    dead_lettered: list[str] = []
    engine.probe.failures = [OSError("away")]
    job_id = await engine.submit(units=2, chunk_units=2)
    await engine.runner.run(job_id, 0)
    await crash_tries(engine, job_id, 4)
    await engine.runner.run(job_id, 1)
    await engine.end_leases(job_id)
    await engine.runner.run(job_id, 1, into(dead_lettered))
    assert len(dead_lettered) == 1
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert "failed each time" in failed.reason


async def test_a_worker_that_lost_its_lease_in_the_last_try_gives_nothing_up(engine: Engine) -> None:
    """Whoever holds the lease now does, and makes the one dead letter."""
    dead_lettered: list[str] = []
    engine.probe.failures = [OSError("away")]
    job_id = await engine.submit(units=2, chunk_units=2)
    await engine.runner.run(job_id, 0)
    await crash_tries(engine, job_id, 4)
    frozen = await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=LEASE)
    assert frozen is not None
    await engine.end_leases(job_id)
    assert await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=LEASE) is not None
    assert await engine.runner._run_claimed(frozen, into(dead_lettered)) == "lease_lost"
    assert dead_lettered == []
    assert (await engine.run(job_id))["state"] == "running"


async def test_a_chunk_whose_workers_keep_dying_fails_its_job(engine: Engine) -> None:
    dead_lettered: list[str] = []
    job_id = await engine.submit(units=2, chunk_units=2)
    await engine.runner.run(job_id, 0)
    for _ in range(5):
        await crash_tries(engine, job_id, 1)
        assert await repairs_of(engine).redispatch_chunks() == 1
    await engine.runner.run(job_id, 1, into(dead_lettered))
    assert len(dead_lettered) == 1
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert "worker stopped" in failed.reason


async def test_a_refused_chunk_fails_the_job_with_its_words_and_keeps_no_effect_of_it(engine: Engine) -> None:
    job_id = await engine.submit(units=4, chunk_units=2, refuse_at=3)
    await engine.run_to_end(job_id)
    failed = (await engine.facts(job_id))[-1]
    assert (failed.code, failed.reason) == ("impossible", "Unit 3 cannot be counted.")
    assert await engine.effects() == [0, 1]


async def test_a_job_refused_by_its_check_never_starts(engine: Engine) -> None:
    job_id = await engine.submit(units=-1)
    await engine.run_to_end(job_id)
    assert [type(fact) for fact in await engine.facts(job_id)] == [JobQueued, JobFailed]


@pytest.mark.parametrize("kind", ["invalid", "conflict", "forbidden"])
async def test_a_worker_treats_refusals_of_all_kinds_alike(engine: Engine, kind: str) -> None:
    job_id = await engine.submit(refuse_as=kind)
    await engine.run_to_end(job_id)
    failed = (await engine.facts(job_id))[-1]
    assert (failed.code, failed.reason) == ("asked_to_refuse", "The probe was asked to refuse.")


async def test_a_lease_is_kept_while_work_has_taken_every_connection(engine: Engine) -> None:
    """Else chunks that are well would be taken over by others, for no better reason than that all are busy."""
    job_id = await engine.submit(units=2, chunk_units=2)
    await engine.runner.run(job_id, 0)
    lease = timedelta(seconds=1)
    claim = await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=lease)
    assert claim is not None
    leased_until = "SELECT lease_until FROM ledger.chunks WHERE job_id = $1 AND chunk = 1"
    until_at_first = await engine.owner.fetchval(leased_until, job_id)

    async def extended() -> bool:
        return bool(await engine.owner.fetchval(leased_until, job_id) > until_at_first + 2 * lease)

    async with AsyncExitStack() as busy:
        for _ in range(engine.ledger.pool.get_max_size()):
            await busy.enter_async_context(engine.ledger.pool.acquire())
        async with engine.ledger.leases.kept(claim, lease=lease):
            await until(extended)


async def test_a_stop_lets_the_chunk_under_way_finish_and_starts_no_other(engine: Engine) -> None:
    job_id = await engine.submit(units=6, chunk_units=2)
    await engine.runner.run(job_id, 0)
    under_way = await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=LEASE)
    assert under_way is not None
    await engine.ledger.stop(job_id, STOP, NOON, stoppable=True)
    assert isinstance((await engine.facts(job_id))[-1], JobStopping)
    await engine.runner.run(job_id, 2)
    await engine.runner._run_claimed(under_way)
    await engine.run_to_end(job_id)
    cancelled = (await engine.facts(job_id))[-1]
    assert isinstance(cancelled, JobCancelled)
    assert (cancelled.done, cancelled.total) == (2, 6)
    assert await engine.effects() == [0, 1]


async def test_a_stop_whose_worker_died_is_finished_by_the_reconciler(engine: Engine) -> None:
    job_id = await engine.submit(units=2, chunk_units=2)
    await engine.runner.run(job_id, 0)
    await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=LEASE)
    await engine.ledger.stop(job_id, STOP, NOON, stoppable=True)
    assert await repairs_of(engine).finish_stops() == 0
    await engine.end_leases(job_id)
    assert await repairs_of(engine).finish_stops() == 1
    assert await repairs_of(engine).finish_stops() == 0, "it is being assembled"
    await engine.run_to_end(job_id)
    assert isinstance((await engine.facts(job_id))[-1], JobCancelled)


async def test_a_stop_in_the_name_of_another_account_changes_nothing(engine: Engine) -> None:
    job_id = await engine.submit(units=2)
    await engine.ledger.stop(job_id, JobStopRequested(account_id=9, requested_by=2), NOON, stoppable=True)
    await engine.run_to_end(job_id)
    assert isinstance((await engine.facts(job_id))[-1], JobCompleted)


async def test_a_type_that_cannot_be_stopped_goes_on(engine: Engine) -> None:
    job_id = await engine.submit(units=2)
    await engine.ledger.stop(job_id, STOP, NOON, stoppable=False)
    await engine.run_to_end(job_id)
    assert isinstance((await engine.facts(job_id))[-1], JobCompleted)


async def test_a_scheduled_job_starts_once_when_due_however_many_look(engine: Engine) -> None:
    job_id = await engine.submit(units=2, run_at=datetime.now(UTC) + timedelta(hours=1))
    assert await repairs_of(engine).start_due_jobs() == 0
    await engine.owner.execute("UPDATE ledger.runs SET run_at = now() WHERE job_id = $1", job_id)
    started = await asyncio.gather(*[repairs_of(engine).start_due_jobs() for _ in range(4)])
    assert sum(started) == 1
    await engine.run_to_end(job_id)
    assert [type(fact) for fact in await engine.facts(job_id)][:2] == [JobScheduled, JobQueued]
    assert await engine.effects() == [0, 1]


async def test_messages_a_dying_process_left_behind_are_sent(engine: Engine) -> None:
    job_id = await engine.submit(units=2)
    left = await engine.owner.fetchval(
        "INSERT INTO ledger.outbox (topics, keys, values, types, send_after) VALUES (ARRAY[$1], ARRAY[$2::bytea], "
        "ARRAY[$3::bytea], ARRAY['jobmonitor.chunk_dispatched.v1'], now() - interval '1 hour') RETURNING id",
        work_topic("probe"),
        str(job_id).encode(),
        b'{"specversion":"1.0","id":"left","source":"/t","type":"jobmonitor.chunk_dispatched.v1","subject":"'
        + str(job_id).encode()
        + b'","time":"2026-11-23T00:00:00Z",'
        + b'"data":{"account_id":1,"job_type":"probe","chunk":0,"kind":"plan","attempt":7}}',
    )
    assert left is not None
    assert await repairs_of(engine).send_leftover_messages() == 1
    assert await engine.owner.fetchval("SELECT count(*) FROM ledger.outbox WHERE id = $1", left) == 0
    events = await read_events(engine.bootstrap, work_topic("probe"))
    assert [e.data for e in events if e.job_id == job_id and e.id == "left"] == [
        ChunkDispatched(account_id=1, job_type="probe", chunk=0, kind="plan", attempt=7)
    ]


async def test_an_ended_job_leaves_its_result_and_no_parts(engine: Engine, tmp_path: Path) -> None:
    job_id = await engine.submit(units=4)
    await engine.run_to_end(job_id)
    lost = tmp_path / "results" / "1" / str(job_id) / "of-a-worker-that-lost-its-lease.csv"
    lost.write_bytes(b"half a file")
    assert await repairs_of(engine).sweep_parts() == 1
    name = await engine.owner.fetchval("SELECT result ->> 'name' FROM ledger.runs WHERE job_id = $1", job_id)
    assert _files(tmp_path) == [f"results/1/{job_id}/{name}"]
    assert await engine.owner.fetchval("SELECT count(*) FROM ledger.chunks") == 0


async def test_a_result_past_its_time_is_marked_and_purged(engine: Engine, tmp_path: Path) -> None:
    job_id = await engine.submit(units=4)
    await engine.run_to_end(job_id)
    await engine.owner.execute("UPDATE ledger.runs SET expires_at = now() - interval '1 s'")
    assert await repairs_of(engine).expire_results() == 1
    assert await repairs_of(engine).expire_results() == 0
    # as if the one that marked it had died here
    assert await repairs_of(engine).purge_results() == 1
    assert await repairs_of(engine).purge_results() == 0
    assert [path for path in _files(tmp_path) if path.startswith("results/")] == []


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_a_failed_job_whose_report_nobody_fetched_leaves_the_monitor_in_the_end(engine: Engine) -> None:
    job_id = await engine.submit(units=-1)
    await engine.run_to_end(job_id)
    assert await repairs_of(engine).expire_results() == 0
    await engine.owner.execute("UPDATE ledger.runs SET updated_at = now() - interval '31 days'")
    assert await repairs_of(engine).expire_results() == 1
    assert isinstance((await engine.facts(job_id))[-1], ResultExpired)
