"""What operators and autoscalers see of the work that is still to do, on a real ledger."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from prometheus_client import REGISTRY

from jobmonitor.ledger.claims import LeftChunk, reserve
from jobmonitor.reconciler.watching import Watching
from support.brokers import broker_at
from support.engine import Engine


def shown(metric: str, job_type: str = "probe", **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"jobmonitor_ledger_{metric}", {"job_type": job_type, **labels})


def watching(engine: Engine) -> Watching:
    return Watching(engine.ledger, broker_at(engine.bootstrap))


async def age(engine: Engine, by: timedelta) -> None:
    await engine.owner.execute("UPDATE ledger.runs SET created_at = created_at - $1::interval", by)


async def add_runs(engine: Engine, state: str, count: int, *, account_id: int = 1, job_type: str = "probe") -> None:
    """As if so many jobs had come in an hour ago; those that wait are not admitted."""
    await engine.owner.execute(
        "INSERT INTO ledger.runs (job_id, account_id, owner_id, job_type, parameters, state, admitted, swept, "
        "created_at) SELECT gen_random_uuid(), $1, 2, $2, '{}', $3, false, $3 = 'completed', now() - interval '1 hour' "
        "FROM generate_series(1, $4)",
        account_id,
        job_type,
        state,
        count,
    )


async def test_jobs_are_counted_by_state(engine: Engine) -> None:
    running = await engine.submit(units=20)
    await engine.runner.run(running, 0)
    for _ in range(5):
        await engine.submit(units=20)
    await engine.submit(run_at=datetime.now(UTC) + timedelta(hours=1))
    await engine.run_to_end(await engine.submit(units=1, chunk_units=1))
    await watching(engine).backlogs()
    states = {state: shown("jobs", state=state) for state in ("scheduled", "queued", "running", "stopping")}
    assert states == {"scheduled": 1, "queued": 6, "running": 1, "stopping": 0}


async def test_the_oldest_of_10_000_waiting_jobs_of_one_account_is_seen_in_seconds(engine: Engine) -> None:
    """They are in the ledger only: no message of theirs waits in Kafka."""
    await add_runs(engine, "queued", 10_000)
    await add_runs(engine, "completed", 10_000)
    await watching(engine).backlogs()
    assert shown("jobs", state="queued") == 10_000
    assert 3600 <= (shown("oldest_waiting_seconds") or 0) < 3700


async def test_a_scheduled_job_waits_since_its_time_came(engine: Engine) -> None:
    job_id = await engine.submit(run_at=datetime.now(UTC) + timedelta(minutes=10))
    await age(engine, timedelta(days=1))
    await engine.owner.execute("UPDATE ledger.runs SET run_at = now() - interval '1 minute' WHERE job_id = $1", job_id)
    await watching(engine).backlogs()
    assert shown("oldest_waiting_seconds") == 0, "nobody has queued it yet"
    await engine.ledger.queue_due()
    await watching(engine).backlogs()
    assert 60 <= (shown("oldest_waiting_seconds") or 0) < 160


async def test_a_job_whose_plan_is_being_made_does_not_wait(engine: Engine) -> None:
    job_id = await engine.submit(units=20)
    await age(engine, timedelta(minutes=5))
    await watching(engine).backlogs()
    assert (shown("oldest_waiting_seconds") or 0) >= 300
    claim = await engine.ledger.claims.claim(job_id, 0, job_type="probe", lease=engine.lease)
    assert claim is not None
    await watching(engine).backlogs()
    assert shown("oldest_waiting_seconds") == 0
    assert shown("jobs", state="queued") == 1


async def test_chunks_count_as_to_do_until_they_are_claimed(engine: Engine) -> None:
    job_id = await engine.submit(units=20, chunk_units=2)
    await engine.runner.run(job_id, 0)
    window = len(await engine.dispatched(job_id))
    await watching(engine).backlogs()
    assert (shown("unclaimed_chunks"), shown("not_dispatched_chunks")) == (window, 10 - window)
    assert await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=engine.lease) is not None
    await watching(engine).backlogs()
    assert shown("unclaimed_chunks") == window - 1


async def test_telling_the_workers_again_of_a_chunk_makes_it_no_younger(engine: Engine) -> None:
    job_id = await engine.submit(units=20, chunk_units=2)
    await engine.owner.execute("UPDATE ledger.chunks SET dispatched_at = now() - interval '10 minutes'")
    assert await engine.ledger.hint_open_chunks(unclaimed_after=timedelta(seconds=30)) == 1
    await watching(engine).backlogs()
    assert 600 <= (shown("oldest_unclaimed_seconds") or 0) < 700
    assert await engine.ledger.claims.claim(job_id, 0, job_type="probe", lease=timedelta()) is not None
    await engine.ledger.hint_open_chunks(unclaimed_after=timedelta(seconds=30))
    await watching(engine).backlogs()
    assert (shown("oldest_unclaimed_seconds") or 0) < 100, "since its lease ended"


async def test_a_type_that_is_not_installed_is_shown_while_it_has_jobs(engine: Engine) -> None:
    reconciler = watching(engine)
    await add_runs(engine, "queued", 3, account_id=7, job_type="taken-away")
    await reconciler.backlogs()
    assert shown("jobs", "taken-away", state="queued") == 3
    await engine.owner.execute("DELETE FROM ledger.runs WHERE job_type = 'taken-away'")
    await reconciler.backlogs()
    assert shown("jobs", "taken-away", state="queued") is None
    assert shown("oldest_waiting_seconds", "taken-away") is None
    assert shown("jobs", "user-data-import", state="queued") == 0, "one that is installed stays, with nothing to do"


class Counts(NamedTuple):
    """Of a chunk that did some of its units."""

    rows: int = 0
    rejected: int = 0
    outcomes: Mapping[str, int] = MappingProxyType({})


async def leave(engine: Engine, job_id: UUID, chunk: int, *, times_left: int) -> None:
    """Claim the chunk, do nothing of it and leave its two units for another hour."""
    claim = await engine.ledger.claims.claim(job_id, chunk, job_type="probe", lease=engine.lease)
    assert claim is not None
    left = LeftChunk(units=2, payload=claim.payload, pause=timedelta(hours=1), times_left=times_left)
    async with engine.ledger.transaction() as transaction:
        await transaction.finish_chunk(claim, Counts(), part_key=None, left=[left])


async def test_units_left_for_later_are_as_old_as_their_first_leaving(engine: Engine) -> None:
    job_id = await engine.submit(units=4, chunk_units=2)
    await engine.runner.run(job_id, 0)
    await leave(engine, job_id, 1, times_left=1)
    await watching(engine).backlogs()
    assert (shown("left_units"), shown("unclaimed_chunks")) == (2, 1), "what pauses is not to be claimed"
    await engine.owner.execute("UPDATE ledger.chunks SET left_at = left_at - interval '2 hours', lease_until = now()")
    await leave(engine, job_id, 3, times_left=2)
    await watching(engine).backlogs()
    assert shown("left_units") == 2
    assert 7200 <= (shown("oldest_left_seconds") or 0) < 7300
    await engine.end_leases(job_id)
    await engine.run_to_end(job_id)
    await watching(engine).backlogs()
    assert (shown("left_units"), shown("oldest_left_seconds")) == (0, 0)


async def test_reserved_effects_are_seen_until_they_are_settled(engine: Engine) -> None:
    job_id = await engine.submit(units=4, chunk_units=2)
    await engine.runner.run(job_id, 0)
    claim = await engine.ledger.claims.claim(job_id, 1, job_type="probe", lease=engine.lease)
    assert claim is not None
    async with engine.ledger.transaction() as transaction:
        await reserve(transaction.connection, claim, [{"data": 1}, {"data": 2}])
    await engine.owner.execute("UPDATE ledger.chunks SET reserved_at = reserved_at - interval '1 hour'")
    await watching(engine).backlogs()
    assert shown("reserved_effects") == 2
    assert 3600 <= (shown("oldest_reserved_seconds") or 0) < 3700
    async with engine.ledger.transaction() as transaction:
        await transaction.finish_chunk(claim, Counts(), part_key=None)
    await watching(engine).backlogs()
    assert (shown("reserved_effects"), shown("oldest_reserved_seconds")) == (0, 0)
