"""Migrations: any number at once, again and again, and never on a shape they do not know."""

import asyncio

import asyncpg
import pytest

from jobmonitor.database.migrate import UnknownSchemaVersion, migrate
from support.old_shapes import migrate_to
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
    with pytest.raises(UnknownSchemaVersion, match=r"The database has schema version 9999, .* use a newer one"):
        await asyncio.to_thread(migrate, database.owner_url, ROLE_PASSWORDS)


async def test_points_of_progress_keep_what_they_said_and_others_stay_as_they_were(empty_database: Database) -> None:
    await asyncio.to_thread(migrate_to, empty_database, "0010")
    old = await asyncpg.connect(empty_database.superuser_url)
    for slot, (kind, data) in enumerate(
        {"job_started": '{"total": 9}', "job_progressed": '{"done": 5, "total": 9}'}.items()
    ):
        await old.execute(
            "WITH job AS (INSERT INTO registry.job_numbers (job_id) VALUES (gen_random_uuid()) RETURNING job_id) "
            "INSERT INTO projection.job_timeline (job_id, type, slot, event_id, account_id, owner_id, at, data) "
            "SELECT job_id, $1, $2, 'x', 1, 2, now(), $3 FROM job",
            *(kind, slot, data),
        )

    await asyncio.to_thread(migrate, empty_database.owner_url, ROLE_PASSWORDS)

    points = await old.fetch("SELECT done, total, data FROM projection.job_timeline ORDER BY slot")
    assert [tuple(point) for point in points] == [(None, None, '{"total": 9}'), (5, 9, None)]
    await old.close()


async def test_the_one_resource_of_a_job_that_waits_is_kept(empty_database: Database) -> None:
    await asyncio.to_thread(migrate_to, empty_database, "0038")
    old = await asyncpg.connect(empty_database.superuser_url)
    for writes in ("supporters", None):
        await old.execute(
            "INSERT INTO ledger.runs (job_id, account_id, owner_id, job_type, parameters, state, writes) "
            "VALUES (gen_random_uuid(), 1, 2, 'user-data-import', '{}', 'queued', $1)",
            writes,
        )
    await asyncio.to_thread(migrate, empty_database.owner_url, ROLE_PASSWORDS)
    rows = await old.fetch("SELECT writes FROM ledger.runs ORDER BY writes")
    assert [row["writes"] for row in rows] == [[], ["supporters"]]
    await old.close()
