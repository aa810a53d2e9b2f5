"""Requests nobody accepted are published again, whatever else waits, and what is looked for is found by an index."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from jobmonitor.contract.events import JobStopRequested, JobSubmitted
from jobmonitor.contract.topics import requests_topic, view_topics
from jobmonitor.database.statement import Statement, statements
from jobmonitor.job_types.registry import slugs
from jobmonitor.ledger.runs import SQL as LEDGER_SQL
from jobmonitor.reconciler.republishing import PAGE, Republishing
from jobmonitor.reconciler.republishing import SQL as RECONCILER_SQL
from support.engine import Engine, create_topics, read_events
from support.retention import months_ago
from support.views import see

UNSERVED, SERVED = "user-data-export", "probe"


@pytest.fixture
async def engine(engine: Engine) -> Engine:
    await create_topics(engine.bootstrap, *view_topics(UNSERVED))
    return engine


async def published(engine: Engine, job_type: str) -> list[UUID]:
    events = await read_events(engine.bootstrap, requests_topic(job_type))
    return [event.job_id for event in events if isinstance(event.data, JobSubmitted | JobStopRequested)]


def republishing(engine: Engine) -> Republishing:
    return Republishing(engine.ledger, engine.producer, slugs(with_probe=True), untaken_after_s=0)


async def test_submissions_to_a_type_nobody_serves_keep_no_other_types_waiting(engine: Engine) -> None:
    await see(engine, UNSERVED, 500)
    [other] = await see(engine, SERVED, 1)
    again = republishing(engine)
    await again.submissions()  # sees them
    assert await again.submissions() <= PAGE + 1
    assert other in await published(engine, SERVED)


async def test_thousands_in_front_keep_nobody_behind_them_waiting(engine: Engine) -> None:
    jobs = await see(engine, UNSERVED, 2 * PAGE + 1)
    again = republishing(engine)
    for _ in range(3 + 3):  # three pages, seen and then asked for
        await again.submissions()
    assert set(await published(engine, UNSERVED)) >= set(jobs)


async def test_what_was_taken_up_is_left_alone(engine: Engine) -> None:
    """The view may be behind the ledger."""
    [job_id] = await see(engine, SERVED, 1)
    await engine.submit(job_id=job_id)
    again = republishing(engine)
    assert [await again.submissions() for _ in range(3)] == [0, 0, 0]


async def test_a_stop_nobody_heard_is_asked_for_again_until_it_was_heard(engine: Engine) -> None:
    [job_id] = await see(engine, SERVED, 1, stop=True)
    await engine.submit(job_id=job_id)
    again = republishing(engine)
    await again.stops()
    assert await again.stops() == 1
    assert job_id in await published(engine, SERVED)
    await engine.ledger.stop(job_id, JobStopRequested(account_id=1, requested_by=2), datetime.now(UTC), stoppable=True)
    assert await again.stops() == 0


async def test_a_submission_that_can_no_longer_be_read_ends_nothing(engine: Engine) -> None:
    broken, whole = await see(engine, SERVED, 2)
    await engine.owner.execute(
        'UPDATE projection.job_timeline SET data = \'{"account_id": "?"}\' WHERE job_id = $1', broken
    )
    again = republishing(engine)
    await again.submissions()
    await again.submissions()
    asked = await published(engine, SERVED)
    assert whole in asked
    assert broken not in asked


LOOKED_FOR: dict[str, tuple[dict[str, Statement], dict[str, Any]]] = {
    "unaccepted_submissions": (RECONCILER_SQL, {"job_types": [SERVED, UNSERVED], "behind": [0, 0], "limit": 200}),
    "asked_stops": (RECONCILER_SQL, {"behind": 0, "limit": 200}),
    "unconsumed_stops": (RECONCILER_SQL, {"job_ids": [UUID(int=1)]}),
    "submissions_as_sent": (RECONCILER_SQL, {"job_ids": [UUID(int=1)]}),
    "stops_as_sent": (RECONCILER_SQL, {"job_ids": [UUID(int=1)]}),
    "due_schedules": (RECONCILER_SQL, {"now": datetime.now(UTC), "pause": timedelta(minutes=5), "limit": 20}),
    "clock": (RECONCILER_SQL, {}),
    "waiting_schedules": (RECONCILER_SQL, {}),
    "move_on_schedule": (
        RECONCILER_SQL,
        {
            "id": UUID(int=1),
            "next_date": date(2026, 11, 28),
            "next_at": datetime(2026, 11, 28, 8, tzinfo=UTC),
            "advanced_at": datetime(2026, 11, 27, 8, tzinfo=UTC),
            "last_date": None,
            "last_job_id": None,
        },
    ),
    "put_off_schedules": (RECONCILER_SQL, {"ids": [UUID(int=1)], "until": datetime(2026, 11, 28, 8, tzinfo=UTC)}),
    "known_runs": (LEDGER_SQL, {"job_ids": [UUID(int=1)]}),
    "runs_to_sweep": (LEDGER_SQL, {"behind": None, "limit": 200}),
    "runs_to_purge": (LEDGER_SQL, {"behind": UUID(int=1), "limit": 200}),
    "due_runs": (LEDGER_SQL, {"limit": 200}),
    "forget_runs": (LEDGER_SQL, {"kept": timedelta(days=30), "limit": 500}),
    "add_months_ahead": (RECONCILER_SQL, {}),
    "drop_month": (RECONCILER_SQL, {"kept_months": 24, "jobs_max": 500, "patience_ms": 100}),
    "drop_row_outcomes": (RECONCILER_SQL, {"kept_days": 90, "patience_ms": 100}),
    "tell_retention": (RECONCILER_SQL, {"history_months": 24, "run_days": 30, "row_outcome_days": 90}),
    "unserved": (RECONCILER_SQL, {"job_types": [SERVED, UNSERVED]}),
    "standing_still": (LEDGER_SQL, {}),
    "stopping_runs": (LEDGER_SQL, {"limit": 200}),
    "accounts_waiting": (LEDGER_SQL, {"account_jobs_max": 8}),
    "first_waiting": (LEDGER_SQL, {"account_id": 1}),
    "account_load": (LEDGER_SQL, {"account_id": 1}),
}
"""What the reconciler asks every second: the statement's values by its name."""


async def fill(engine: Engine) -> None:
    """Tables of some size, of which next to nothing is for the reconciler."""
    await engine.owner.execute(
        """
        INSERT INTO ledger.runs (job_id, account_id, owner_id, job_type, parameters, created_at, state, admitted, swept)
        SELECT gen_random_uuid(), n % 50, 2, 'probe', '{}', now(), 'completed', true, true
        FROM generate_series(1, 20000) AS n;
        INSERT INTO ledger.chunks (job_id, chunk, kind, state)
        SELECT job_id, 1, 'work', 'done' FROM ledger.runs;
        WITH numbers AS (
            INSERT INTO registry.job_numbers (job_id) SELECT job_id FROM ledger.runs RETURNING job_id, number, month
        )
        INSERT INTO projection.job_monitor (job_id, number, month, account_id, owner_id, job_type, state, sequence,
            done, total, rejected, updated_at, accepted_at, completed_at)
        SELECT job_id, number, month, 1, 2, 'probe', 'completed', 9, 0, 0, 0, now(), now(), now() FROM numbers;
        INSERT INTO projection.job_timeline (job_id, type, slot, event_id, account_id, owner_id, at, data)
        SELECT job_id, 'job_submitted', 0, job_id::text, 1, 2, now(), '{}' FROM ledger.runs;
        ANALYZE ledger.runs, ledger.chunks, projection.job_monitor;
        SELECT set_config('app.account_id', '1', false);
        INSERT INTO crm.schedules (account_id, owner_id, name, job_type, parameters, zone, local_time, next_date,
            next_at, advanced_at)
        SELECT 1, 2, n::text, 'probe', '{}', 'America/New_York', '03:00', '2026-11-28', now() + n * interval '1 min',
            now() - n * interval '1 min'
        FROM generate_series(1, 5000) AS n;
        ANALYZE crm.schedules;
        """
    )
    # no more than this month: who knows a table to be empty reads it as a whole
    await engine.owner.execute(f"ANALYZE projection.job_timeline_{months_ago(0):%Y_%m}")


async def test_what_the_reconciler_looks_for_is_found_by_an_index(engine: Engine) -> None:
    await fill(engine)
    for name, (sql, values) in LOOKED_FOR.items():
        async with engine.ledger.pool.acquire() as connection:
            plan = await Statement("EXPLAIN ", sql[name]).fetch(connection, **values)
        text = "\n".join(row[0] for row in plan)
        assert "Seq Scan" not in text, f"{name}:\n{text}"


def test_every_statement_of_the_reconciler_is_looked_at() -> None:
    """And the ledger's for the gauge of what stands still, which only the reconciler asks."""
    assert {*statements("jobmonitor.reconciler.sql"), "standing_still"} <= set(LOOKED_FOR)
