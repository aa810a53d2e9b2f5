"""Migrations: any number at once, again and again, and never on a shape they do not know."""

import asyncio

import asyncpg
import pytest

from jobmonitor.database.migrate import UnknownShape, migrate
from support.servers import ROLE_PASSWORDS, Database, Postgres


@pytest.fixture
def empty_database(postgres: Postgres) -> Database:
    return postgres.empty_database()


async def test_migrations_started_at_once_run_one_after_the_other(empty_database: Database) -> None:
    both = [asyncio.to_thread(migrate, empty_database.owner_url, ROLE_PASSWORDS) for _ in range(2)]
    await asyncio.gather(*both)
    connection = await asyncpg.connect(empty_database.url("jobmonitor_worker"))
    assert await connection.fetchval("SELECT count(*) FROM ledger.runs") == 0
    await connection.close()


async def test_a_second_migration_changes_passwords_and_nothing_else(database: Database) -> None:
    changed = {**ROLE_PASSWORDS, "jobmonitor_gateway": "changed"}
    try:
        await asyncio.to_thread(migrate, database.owner_url, changed)
        connection = await asyncpg.connect(database.server.url("jobmonitor_gateway", "changed", database.name))
        await connection.close()
    finally:
        await asyncio.to_thread(migrate, database.owner_url, ROLE_PASSWORDS)


async def test_a_newer_shape_is_refused_in_words(database: Database) -> None:
    connection = await asyncpg.connect(database.owner_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    with pytest.raises(UnknownShape, match=r"The database has the shape 9999, .* use a newer one"):
        await asyncio.to_thread(migrate, database.owner_url, ROLE_PASSWORDS)
