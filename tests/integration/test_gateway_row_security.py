"""Row-level security beneath the policy: what the gateway's own database login can see, were the policy to fail."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from jobmonitor.contract.envelope import decode, type_name
from jobmonitor.contract.events import Result
from jobmonitor.contract.topics import jobs_topic
from jobmonitor.job.commands import RecordDownload
from jobmonitor.job.decide import decide
from jobmonitor.job.state import Job, State
from support.gateway import ADMIN, OTHER_USER, SUPER, USER, RunningGateway, result_of
from support.schedules import SYSTEM, add_schedules, nightly
from support.servers import Database

TABLES = ("projection.job_monitor", "projection.job_history", "projection.job_timeline", "crm.schedules")


@pytest.fixture
async def login(gateway: RunningGateway, database: Database) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """The gateway's login, with a job of each owner in every table."""
    for owner, account in ((USER, 1), (SUPER, 1), (OTHER_USER, 2)):
        for view in ("monitor", "history"):
            job = await gateway.put_job(view, owner_id=owner, account_id=account)
        await gateway.owner.execute(
            "INSERT INTO projection.job_timeline (job_id, type, slot, event_id, account_id, owner_id, at, data) "
            "VALUES ($1, 'job_submitted', 0, 'x', $2, $3, now(), '{}')",
            *(job["job_id"], account, owner),
        )
        await add_schedules(gateway.owner, nightly(id=uuid4(), account_id=account, owner_id=owner))
    connection = await asyncpg.connect(database.url("jobmonitor_gateway"))
    yield connection
    await connection.close()


async def _owners(
    login: "asyncpg.Connection[asyncpg.Record]", table: str, account: str = "", user: str = "", user_type: str = ""
) -> set[int]:
    async with login.transaction():
        for name, value in (("account_id", account), ("user_id", user), ("user_type", user_type)):
            await login.execute("SELECT set_config($1, $2, true)", f"app.{name}", value)
        return {row["owner_id"] for row in await login.fetch(f"SELECT owner_id FROM {table}")}


@pytest.mark.parametrize("table", TABLES)
async def test_nobody_sees_anything_a_viewer_sees_what_is_theirs(
    login: "asyncpg.Connection[asyncpg.Record]", table: str
) -> None:
    assert await login.fetch(f"SELECT * FROM {table}") == []
    assert await _owners(login, table) == set()
    assert await _owners(login, table, "1", str(USER), "user") == {USER}
    assert await _owners(login, table, "1", str(SUPER), "admin") == {SUPER}
    assert await _owners(login, table, "1", str(SUPER), "super_admin") == {USER, SUPER}
    assert await _owners(login, table, "2", str(SUPER), "super_admin") == {OTHER_USER}
    assert await _owners(login, table, "2", str(USER), "user") == set()
    assert await _owners(login, table) == set(), "the settings end with their transaction"


@pytest.mark.parametrize(("user_type", "owner"), [("user", SUPER), ("user", SYSTEM), ("super_admin", OTHER_USER)])
async def test_nobody_can_make_a_schedule_in_the_name_of_whose_jobs_they_do_not_see(
    login: "asyncpg.Connection[asyncpg.Record]", user_type: str, owner: int
) -> None:
    await login.execute("BEGIN")
    for name, value in (("account_id", "1"), ("user_id", str(USER)), ("user_type", user_type)):
        await login.execute("SELECT set_config($1, $2, true)", f"app.{name}", value)
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ForeignKeyViolationError)):
        await login.execute(
            "INSERT INTO crm.schedules (account_id, owner_id, name, job_type, parameters, zone, local_time, next_date, "
            "next_at) VALUES (1, $1, 'Theirs', 'probe', '{}', 'UTC', '03:00', '2026-11-28', '2026-11-28 03:00Z')",
            owner,
        )


async def test_job_types_at_work_in_an_account_see_no_schedules(
    gateway: RunningGateway, login: object, database: Database
) -> None:
    worker = await asyncpg.connect(database.url("jobmonitor_worker"))
    async with worker.transaction():
        assert await worker.fetchval("SELECT count(*) FROM crm.schedules") == 3
        await worker.execute("SELECT set_config('app.account_id', '1', true)")
        assert await worker.fetchval("SELECT count(*) FROM crm.schedules") == 0
    await worker.close()


async def test_submissions_stay_in_their_account(login: "asyncpg.Connection[asyncpg.Record]") -> None:
    insert = (
        "INSERT INTO gateway.submissions (job_id, account_id, owner_id, job_type, request_sha256, submitted_at) "
        "VALUES (gen_random_uuid(), 1, 1, 'x', 'x', now())"
    )
    async with login.transaction():
        await login.execute("SELECT set_config('app.account_id', '1', true)")
        await login.execute(insert)
    assert await login.fetchval("SELECT count(*) FROM gateway.submissions") == 0
    assert await _owners(login, "gateway.submissions", "2") == set()
    assert await _owners(login, "gateway.submissions", "1") == {1}
    await login.execute("SELECT set_config('app.account_id', '2', false)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await login.execute(insert)


FORBIDDEN: list[str] = [
    "UPDATE projection.job_monitor SET state = 'completed'",
    "DELETE FROM projection.job_history",
    "INSERT INTO ledger.runs (job_id, account_id, owner_id, job_type, parameters, state) "
    "VALUES (gen_random_uuid(), 1, 1, 'x', '{}', 'queued')",
    "DELETE FROM ledger.runs",
    "INSERT INTO registry.job_numbers (job_id) VALUES (gen_random_uuid())",
    "SELECT password_hash FROM crm.users",
    "UPDATE crm.users SET active = true",
    "SELECT * FROM ledger.runs",
    "UPDATE ledger.runs SET downloaded = true",
    "SELECT * FROM ledger.outbox",
    "INSERT INTO ledger.outbox (topics, keys, values, types) VALUES ('{jobs.x}', '{x}', '{x}', '{x}')",
    "DELETE FROM ledger.outbox",
    "SELECT * FROM gateway.sessions",
    "INSERT INTO gateway.sessions (token_sha256, account_id, user_id, expires_at) VALUES ('x', 1, 1, now())",
    "SELECT email FROM crm.supporters",
    "SELECT * FROM crm.supporter_values",
    "CREATE TABLE public.mine (x int)",
]


async def test_the_login_cannot_do_what_the_gateway_never_does(
    login: "asyncpg.Connection[asyncpg.Record]", subtests: pytest.Subtests
) -> None:
    for statement in FORBIDDEN:
        with subtests.test(statement=statement), pytest.raises(asyncpg.InsufficientPrivilegeError):
            await login.execute(statement)


async def test_a_download_is_recorded_for_who_may_see_the_job_only_and_as_the_code_decides_it(
    login: "asyncpg.Connection[asyncpg.Record]", gateway: RunningGateway
) -> None:
    """The database makes the fact, so that the gateway needs no right to move jobs: it has to be the same fact."""
    job = await gateway.put_result(b"x", owner_id=USER)

    async def record(account: int, user: int, user_type: str) -> list[asyncpg.Record]:
        async with login.transaction():
            for name, value in (("account_id", account), ("user_id", user), ("user_type", user_type)):
                await login.execute("SELECT set_config($1, $2, true)", f"app.{name}", str(value))
            return await login.fetch("SELECT * FROM ledger.record_download($1)", job["job_id"])

    assert await record(1, ADMIN, "admin") == []
    assert await record(2, USER, "super_admin") == []
    (fact,) = await record(1, SUPER, "super_admin")
    assert await record(1, USER, "user") == [], "only the first time makes a fact"

    before = Job(
        account_id=1,
        owner_id=USER,
        job_type="user-data-export",
        state=State.COMPLETED,
        sequence=5,
        result=msgspec.convert(job["result"], Result),
    )
    (decided,) = decide(RecordDownload(downloaded_by=SUPER), before)
    event = decode(fact["value"])
    assert event.data == decided
    assert (event.id, event.source, event.job_id) == (f"{job['job_id']}:6", "/jobmonitor/gateway", job["job_id"])
    assert (fact["topic"], fact["key"].decode()) == (jobs_topic("user-data-export"), str(job["job_id"]))
    assert fact["type"] == type_name(decided)
    run = await gateway.owner.fetchrow("SELECT downloaded, sequence FROM ledger.runs WHERE job_id = $1", job["job_id"])
    assert run is not None
    assert tuple(run) == (True, 6)


STATES: list[tuple[State, bool]] = [(state, result) for state in State for result in (True, False)]


async def test_which_jobs_have_something_to_download_is_told_as_the_code_tells_it(
    login: "asyncpg.Connection[asyncpg.Record]", gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    for state, with_result in STATES:
        with subtests.test(state=state.value, with_result=with_result):
            result = result_of(b"x") if with_result else None
            job = await gateway.put_result(
                b"x", owner_id=USER, state=state.value, result=result and msgspec.to_builtins(result)
            )
            before = Job(
                account_id=1, owner_id=USER, job_type="user-data-export", state=state, sequence=5, result=result
            )
            async with login.transaction():
                for name, value in (("account_id", "1"), ("user_id", str(USER)), ("user_type", "user")):
                    await login.execute("SELECT set_config($1, $2, true)", f"app.{name}", value)
                facts = await login.fetch("SELECT value FROM ledger.record_download($1)", job["job_id"])

            decided = decide(RecordDownload(downloaded_by=USER), before)
            assert [decode(fact["value"]).data for fact in facts] == decided


async def test_no_other_row_of_the_outbox_can_be_forgotten(
    login: "asyncpg.Connection[asyncpg.Record]", gateway: RunningGateway
) -> None:
    insert = "INSERT INTO ledger.outbox (topics, keys, values, types) VALUES ('{x}', '{x}', $1, $2) RETURNING id"
    others = await gateway.owner.fetchval(insert, [b"x"], ["jobmonitor.job_failed.v1"])

    await login.execute("SELECT ledger.forget_download($1, $2)", others, b"x")

    assert await gateway.owner.fetchval("SELECT count(*) FROM ledger.outbox WHERE id = $1", others) == 1
