"""Row-level security beneath the policy: what the gateway's own database login can see, were the policy to fail."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from support.gateway import OTHER_USER, SUPER, USER, RunningGateway
from support.servers import Database

TABLES = ("projection.job_monitor", "projection.job_history", "projection.job_timeline")


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
    "SELECT * FROM crm.supporter_values",
    "CREATE TABLE public.mine (x int)",
]


async def test_the_login_cannot_do_what_the_gateway_never_does(
    login: "asyncpg.Connection[asyncpg.Record]", subtests: pytest.Subtests
) -> None:
    for statement in FORBIDDEN:
        with subtests.test(statement=statement), pytest.raises(asyncpg.InsufficientPrivilegeError):
            await login.execute(statement)
