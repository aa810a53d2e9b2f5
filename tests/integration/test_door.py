"""What may come in: what nobody can accept makes a failed job that says why, and holds up nobody else."""

import asyncio
import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from jobmonitor.contract.envelope import Event, decode
from jobmonitor.contract.events import (
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobQueued,
    JobScheduled,
    JobStopRequested,
    RequestRejected,
)
from jobmonitor.crm.permissions import PERMISSIONS
from jobmonitor.crm.rights import Person, Standings, load_standings
from jobmonitor.database.pool import Connection, account_transaction
from jobmonitor.processor.requests import RequestHandler
from support.engine import Engine, create_topics, open_engine, read_events
from support.people import add_people
from support.waiting import until


@pytest.fixture
async def engine(engine: Engine) -> Engine:
    engine.probe.small = True
    await create_topics(engine.bootstrap, "jobs.user-data-export")
    return engine


def submission(job_id: UUID, **says: Any) -> bytes:
    """A message as any producer may send it."""
    data = {"account_id": 1, "owner_id": 2, "job_type": "probe", "parameters": {"units": 2}, **says}
    envelope = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/tests",
        "type": "jobmonitor.job_submitted.v1",
        "subject": str(job_id),
        "time": "2026-11-27T12:00:00Z",
        "data": data,
    }
    return json.dumps(envelope).encode()


def handler(engine: Engine) -> RequestHandler:
    return RequestHandler(engine.probe, engine.ledger, engine.acceptor)


def strict_handler(engine: Engine) -> RequestHandler:
    """As a worker has it: who is named in a request is looked up."""
    return RequestHandler(engine.probe, engine.ledger, engine.acceptor_for(engine.probe, load_standings=None))


UNACCEPTABLE: dict[str, dict[str, Any]] = {
    "too_many_names": {"parameters": {f"unknown {number}": number for number in range(10_000)}},
    "too_large": {"parameters": {"ids": list(range(120_000))}},
    "text_too_long": {"parameters": {"format": "x" * 900_000}},
    "too_deep": {"parameters": {"x": json.loads("[" * 900 + "]" * 900)}},
    "nul_character": {"parameters": {"x": "a\0b"}},
    "number_too_large": {"parameters": {"x": 10**30}},
    "bad_reference": {"reference": "Spring\nappeal \u202e2026"},
    "secret_parameter": {"parameters": {"token": "jmt_abc"}},
    "bad_run_at": {"run_at": "9999-12-31T23:59:59.999999Z"},
}


@pytest.mark.parametrize("code", UNACCEPTABLE)
async def test_what_nobody_can_accept_fails_with_the_reason_and_keeps_nobody_waiting(engine: Engine, code: str) -> None:
    refused, honest = uuid4(), uuid4()
    events = [decode(submission(refused, **UNACCEPTABLE[code])), decode(submission(honest))]
    await handler(engine).handle(events)
    (fact,) = await engine.facts(refused)
    assert isinstance(fact, JobFailed)
    assert (fact.code, fact.sequence) == (code, 1)
    assert fact.asked is not None
    assert (fact.asked.request_id, fact.asked.parameters) == (events[0].id, None)
    assert isinstance((await engine.facts(honest))[-1], JobCompleted)
    await handler(engine).handle(events)
    assert len(await engine.facts(refused)) == 1, "a repeat changes nothing"


async def test_many_unknown_parameters_make_a_short_reason(engine: Engine) -> None:
    job_id = uuid4()
    names = {f"unknown parameter number {number}": 1 for number in range(1_000)}
    await handler(engine).handle([decode(submission(job_id, parameters=names))])
    (fact,) = await engine.facts(job_id)
    assert fact.code == "bad_parameters"
    assert "unknown parameter number 0" in fact.reason
    assert len(fact.reason) <= 500


async def test_who_is_named_must_exist_and_may_start_such_a_job(engine: Engine, database: Any) -> None:
    await add_people(database.superuser_url, (1, 10))
    await add_people(database.superuser_url, (1, 11), active=False)
    await add_people(database.superuser_url, (1, 12), user_type="user")  # without a permission group
    await add_people(database.superuser_url, (5, 13))
    named = {
        "good": (1, 10),
        "account": (999_999, 10),
        "user": (1, 77),
        "inactive": (1, 11),
        "group": (1, 12),
        "other": (1, 13),
    }
    jobs = {name: uuid4() for name in named}
    events = [
        decode(submission(jobs[name], account_id=account, owner_id=user)) for name, (account, user) in named.items()
    ]
    await strict_handler(engine).handle(events)
    told = {name: (await engine.facts(job_id))[-1] for name, job_id in jobs.items()}
    assert isinstance(told.pop("good"), JobCompleted)
    assert {name: (fact.code, fact.reason) for name, fact in told.items()} == {
        "account": ("unknown_account", "There is no account 999999."),
        "user": ("unknown_user", "Account 1 has no user 77."),
        "inactive": ("not_permitted", "User 11 is not active."),
        "group": ("not_permitted", "User 12 is not active."),
        "other": ("unknown_user", "Account 1 has no user 13."),
    }
    assert all(fact.sequence == 1 and fact.asked.parameters == {"units": 2} for fact in told.values())


async def test_a_user_needs_the_permission_of_the_type(engine: Engine, database: Any) -> None:
    group = await engine_group(database.superuser_url, "receipts")
    await add_people(database.superuser_url, (1, 20), user_type="user", permission_group_id=group)
    job_id = uuid4()
    await strict_handler(engine).handle([decode(submission(job_id, owner_id=20))])
    (fact,) = await engine.facts(job_id)
    assert fact.code == "not_permitted"
    assert engine.probe.permission in fact.reason


async def test_an_account_whose_share_of_the_store_is_used_up_starts_nothing_and_others_do(
    database: Any, kafka: Any, tmp_path: Path
) -> None:
    await add_people(database.superuser_url, (7, 70))
    async with open_engine(database, kafka, tmp_path, result_bytes_per_account=1000) as engine:
        engine.probe.small = True
        await engine.owner.execute(
            "INSERT INTO ledger.runs (job_id, account_id, owner_id, job_type, parameters, state, sequence, result) "
            "VALUES ($1, 1, 2, 'probe', '{}', 'completed', 5, $2)",
            *(uuid4(), '{"size_bytes": 1000}'),
        )
        full, other = uuid4(), uuid4()
        events = [decode(submission(full)), decode(submission(other, account_id=7, owner_id=70))]
        await handler(engine).handle(events)
        told = (await engine.facts(full))[-1]
        assert (told.code, "results" in told.reason) == ("store_full", True)
        assert isinstance((await engine.facts(other))[-1], JobCompleted)


async def engine_group(superuser_url: str, permission: str) -> int:
    connection = await asyncpg.connect(superuser_url)
    try:
        group: int = await connection.fetchval(
            "INSERT INTO crm.permission_groups (account_id, name) VALUES (1, 'Some') RETURNING id"
        )
        await connection.execute("INSERT INTO crm.group_permissions VALUES (1, $1, $2)", group, permission)
        return group
    finally:
        await connection.close()


async def test_looking_people_up_leaves_the_connection_s_account_as_it_was(engine: Engine) -> None:
    async with account_transaction(engine.ledger.pool, 42) as connection:
        await load_standings(connection, {Person(1, 2), Person(7, 8)}, PERMISSIONS)
        assert await connection.fetchval("SELECT current_setting('app.account_id')") == "42"


async def test_a_start_more_than_a_year_ahead_is_refused_by_the_database_s_clock(engine: Engine) -> None:
    far, near = uuid4(), uuid4()
    now = datetime.now(UTC)
    events = [
        decode(submission(far, run_at=(now + timedelta(days=367)).isoformat())),
        decode(submission(near, run_at=(now + timedelta(days=365)).isoformat())),
    ]
    await strict_handler(engine).handle(events)
    assert (await engine.facts(far))[0].code == "run_at_too_far"
    assert isinstance((await engine.facts(near))[0], JobScheduled)


async def test_a_job_on_the_topic_of_another_type_is_refused_where_its_owner_sees_it(engine: Engine) -> None:
    job_id = uuid4()
    event = decode(submission(job_id, job_type="user-data-export", parameters={}))
    assert strict_handler(engine).account_of(event) == 1
    await strict_handler(engine).handle([event])
    facts = [
        fact.data for fact in await read_events(engine.bootstrap, "jobs.user-data-export") if fact.job_id == job_id
    ]
    assert [(fact.code, fact.job_type) for fact in facts if isinstance(fact, JobFailed)] == [
        ("wrong_topic", "user-data-export")
    ]
    unknown = decode(submission(uuid4(), job_type="no-such-type"))
    assert strict_handler(engine).account_of(unknown) is None, "the projection makes it a dead letter"


def stop(job_id: UUID, by: int, *, at: datetime | None = None, account_id: int = 1) -> Event:
    data = JobStopRequested(account_id=account_id, requested_by=by)
    return Event(id=str(uuid4()), source="/tests", job_id=job_id, time=at or datetime.now(UTC), data=data)


def big(job_id: UUID, **says: Any) -> bytes:
    """A job that is not done in one step."""
    return submission(job_id, parameters={"units": 9, "chunk_units": 1}, **says)


async def rejections(engine: Engine, job_id: UUID) -> list[tuple[str, str]]:
    facts = await engine.facts(job_id)
    assert [fact.sequence for fact in facts] == list(range(1, len(facts) + 1))
    return [(fact.request, fact.code) for fact in facts if isinstance(fact, RequestRejected)]


async def test_the_same_key_with_other_parameters_is_rejected_once_and_a_repeat_is_not(engine: Engine) -> None:
    job_id = uuid4()
    first, again = decode(submission(job_id)), decode(submission(job_id))
    other = decode(submission(job_id, parameters={"units": 3}))
    await strict_handler(engine).handle([first])
    for _ in range(2):
        await strict_handler(engine).handle([again, other, first])
    assert await rejections(engine, job_id) == [("submit", "key_reused")]
    foreign = decode(submission(job_id, account_id=9, parameters={"units": 4}))
    await strict_handler(engine).handle([foreign])
    assert len(await rejections(engine, job_id)) == 1, "another account learns and changes nothing"


async def test_a_producer_that_errs_without_end_makes_twenty_facts(engine: Engine) -> None:
    job_id = uuid4()
    await strict_handler(engine).handle([decode(submission(job_id))])
    others = [decode(submission(job_id, parameters={"units": number})) for number in range(10, 40)]
    await strict_handler(engine).handle(others)
    assert len(await rejections(engine, job_id)) == 20


async def test_a_stop_by_somebody_who_may_not_is_rejected_and_one_by_the_owner_obeyed(
    engine: Engine, database: Any
) -> None:
    engine.probe.small = False
    await add_people(database.superuser_url, (1, 30), user_type="admin")
    await add_people(database.superuser_url, (1, 31))
    job_id, other_id = uuid4(), uuid4()
    await strict_handler(engine).handle([decode(big(job_id)), decode(big(other_id))])
    await strict_handler(engine).handle([stop(job_id, 30), stop(job_id, 404)])
    assert await rejections(engine, job_id) == [("stop", "not_permitted"), ("stop", "unknown_user")]
    obeyed = stop(job_id, 2)
    await strict_handler(engine).handle([obeyed, obeyed, stop(other_id, 31)])
    cancelled = (await engine.facts(job_id))[-1]
    assert isinstance(cancelled, JobCancelled)
    assert (cancelled.requested_by, cancelled.requested_at) == (2, obeyed.time)
    assert isinstance((await engine.facts(other_id))[-1], JobCancelled), "a Super Admin may"


async def test_a_stop_of_a_type_that_cannot_be_stopped_and_of_an_ended_job_are_rejected(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, running = uuid4(), uuid4()
    await strict_handler(engine).handle([decode(submission(ended))])
    await strict_handler(engine).handle([stop(ended, 2)])
    assert await rejections(engine, ended) == [("stop", "already_ended")]
    engine.probe.small = False
    await strict_handler(engine).handle([decode(big(running))])
    monkeypatch.setattr(type(engine.probe), "stoppable", False)
    await strict_handler(engine).handle([stop(running, 2)])
    assert await rejections(engine, running) == [("stop", "not_stoppable")]
    assert (await engine.run(running))["state"] == "queued"


async def test_a_stop_that_comes_before_its_submission_is_obeyed_if_its_sender_may(engine: Engine) -> None:
    mine, theirs, foreign = uuid4(), uuid4(), uuid4()
    early = stop(mine, 2)
    await strict_handler(engine).handle([early, stop(theirs, 77), stop(foreign, 2, account_id=9)])
    await strict_handler(engine).handle([decode(submission(job_id)) for job_id in (mine, theirs, foreign)])
    facts = await engine.facts(mine)
    assert [type(fact) for fact in facts] == [JobQueued, JobCancelled]
    assert facts[1].requested_at == early.time
    for job_id in (theirs, foreign):
        assert isinstance((await engine.facts(job_id))[-1], JobCompleted)
    assert await engine.owner.fetchval("SELECT count(*) FROM ledger.early_stops") == 0


async def test_a_stop_at_the_very_moment_its_job_is_taken_up_is_obeyed(engine: Engine) -> None:
    """By another worker, which has looked for early stops and has not committed the job yet."""
    engine.probe.small = False
    job_id, has_looked, may_go_on = uuid4(), asyncio.Event(), asyncio.Event()
    slow, other = strict_handler(engine), strict_handler(engine)

    async def load_slowly(connection: Connection, people: Collection[Person]) -> Standings:
        has_looked.set()
        await may_go_on.wait()
        return await load_standings(connection, people, PERMISSIONS)

    slow._acceptor.load_standings = load_slowly
    taking_up = asyncio.create_task(slow.handle([decode(big(job_id))]))
    await has_looked.wait()
    stopping = asyncio.create_task(other.handle([stop(job_id, 2)]))

    async def waits_or_is_over() -> bool:
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
        return stopping.done() or await engine.owner.fetchval(waiting)

    await until(waits_or_is_over)
    may_go_on.set()
    await asyncio.gather(taking_up, stopping)

    assert [type(fact) for fact in await engine.facts(job_id)][-1] is JobCancelled


async def test_a_worker_that_others_forestall_twice_makes_no_second_job(engine: Engine) -> None:
    """Another takes the first job up while this one takes both, then the second while this one takes it alone."""
    engine.probe.small = False
    jobs = [uuid4(), uuid4()]
    messages = [decode(big(job_id)) for job_id in jobs]
    late, other = strict_handler(engine), strict_handler(engine)
    forestalled = iter(messages)

    async def load_late(connection: Connection, people: Collection[Person]) -> Standings:
        await other.handle([next(forestalled)])
        return await load_standings(connection, people, PERMISSIONS)

    late._acceptor.load_standings = load_late
    await late.handle(messages)

    assert next(forestalled, None) is None, "both races were run"
    for job_id in jobs:
        assert sum(isinstance(fact, JobQueued) for fact in await engine.facts(job_id)) == 1


async def test_early_stops_are_obeyed_where_their_jobs_take_several_transactions(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobmonitor.processor.acceptor.BATCH_S", 0)
    jobs = [uuid4() for _ in range(3)]
    await strict_handler(engine).handle([stop(job_id, 2) for job_id in jobs])
    await strict_handler(engine).handle([decode(submission(job_id)) for job_id in jobs])
    for job_id in jobs:
        assert [type(fact) for fact in await engine.facts(job_id)] == [JobQueued, JobCancelled]
    assert await engine.owner.fetchval("SELECT count(*) FROM ledger.early_stops") == 0


async def test_requests_read_from_the_beginning_again_change_nothing(engine: Engine) -> None:
    """As after Kafka has forgotten the group's offsets."""
    engine.probe.small = False
    jobs = [uuid4() for _ in range(3)]
    requests = [
        decode(big(jobs[0])),
        decode(submission(jobs[1], parameters={"colour": 1})),
        decode(big(jobs[2])),
        stop(jobs[2], 2),
        decode(submission(jobs[0], parameters={"units": 1})),
        stop(jobs[1], 2),
    ]
    for event in requests:
        await strict_handler(engine).handle([event])
    before = [await engine.facts(job_id) for job_id in jobs]
    await strict_handler(engine).handle(requests)
    assert [await engine.facts(job_id) for job_id in jobs] == before
