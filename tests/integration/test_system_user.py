"""The system user of an account: somebody to own jobs that nobody started, and nobody who logs in."""

import asyncio

import asyncpg
import pytest

from jobmonitor.crm.permissions import PERMISSIONS
from jobmonitor.crm.rights import Person, load_standings, start_refused, stop_refused
from jobmonitor.crm.users import load_viewer
from jobmonitor.database.migrate import migrate
from support.crm import Crm
from support.old_shapes import migrate_to
from support.schedules import SYSTEM
from support.servers import ROLE_PASSWORDS, Postgres


async def test_each_account_has_one_from_its_beginning(crm: Crm) -> None:
    await crm.other_account()
    rows = await crm.owner.fetch("SELECT id, account_id, name FROM crm.users WHERE user_type = 'system' ORDER BY id")
    assert [tuple(row) for row in rows] == [(SYSTEM, 1, "System"), (SYSTEM + 1, 2, "System")]
    with pytest.raises(asyncpg.UniqueViolationError):
        await crm.insert("users", name="Another", user_type="system")


async def test_accounts_that_were_there_before_have_one_too(postgres: Postgres) -> None:
    database = postgres.empty_database()
    await asyncio.to_thread(migrate_to, database, "0030")
    old = await asyncpg.connect(database.superuser_url)
    await old.execute(
        "INSERT INTO crm.accounts (id, name, country, default_currency) VALUES (7, 'Old', 'US', 'USD');"
        "INSERT INTO crm.users (id, account_id, email, name, user_type, password_hash) "
        "VALUES (1, 7, 'a@b.test', 'Ada', 'admin', '-')"
    )
    await asyncio.to_thread(migrate, database.owner_url, ROLE_PASSWORDS)
    rows = await old.fetch("SELECT account_id, user_type FROM crm.users ORDER BY id")
    await old.close()
    assert [tuple(row) for row in rows] == [(7, "admin"), (7, "system")]


async def test_it_cannot_log_in_nor_look(crm: Crm) -> None:
    for column, value in (("email", "'system@example.org'"), ("password_hash", "'-'"), ("active", "false")):
        with pytest.raises(asyncpg.CheckViolationError):
            await crm.owner.execute(f"UPDATE crm.users SET {column} = {value} WHERE id = $1", SYSTEM)
    async with crm.gateway_pool.acquire() as connection:
        assert await connection.fetch("SELECT * FROM gateway.open_session(NULL, NULL, '\\x01', '1 h')") == []
        assert await load_viewer(connection, 1, SYSTEM, PERMISSIONS) is None


async def test_people_need_an_address_and_a_password_as_ever(crm: Crm) -> None:
    for columns in ({"email": "a@b.test"}, {"password_hash": "-"}):
        with pytest.raises(asyncpg.CheckViolationError):
            await crm.insert("users", name="Ada", user_type="admin", **columns)


async def test_it_may_own_jobs_of_any_type_in_its_account_and_in_no_other(crm: Crm) -> None:
    await crm.other_account()
    system, elsewhere = Person(1, SYSTEM), Person(2, SYSTEM)
    async with crm.pool.acquire() as connection, connection.transaction():
        standings = await load_standings(connection, [system, elsewhere], PERMISSIONS | {"words.count"})
    assert start_refused(system, standings.of[system], "words.count") is None
    refusal = start_refused(elsewhere, standings.of[elsewhere], "words.count")
    assert refusal is not None
    assert refusal.code == "unknown_user"
    assert stop_refused(system, standings.of[system], owner_id=2) is not None
