"""The demo data: complete, always the same, put in once, by an owner whom row-level security binds."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from jobmonitor.crm import demo
from jobmonitor.crm.demo_login import PASSWORD
from jobmonitor.crm.passwords import hash_as
from jobmonitor.crm.permissions import PERMISSIONS
from jobmonitor.crm.users import how_to_hash, load_viewer
from jobmonitor.database.pool import account_transaction, open_pool
from jobmonitor.job_types.registry import permissions
from jobmonitor.job_types.user_data_export.job_type import UserDataExport
from jobmonitor.job_types.user_data_import.targets import import_formats
from jobmonitor.runtime.objects import ObjectStore
from support.crm import Crm
from support.imports import Imports
from support.run_job_type import run_job_type
from support.servers import Database, Postgres

SUPPORTERS = 400


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Any]:
    """A connection that sees everything, to a database with a small demo in it."""
    assert await demo.fill(database.owner_url, SUPPORTERS, permissions())
    connection = await asyncpg.connect(database.superuser_url)
    yield connection
    await connection.close()


async def digest(database: Database) -> dict[str, str]:
    """Each table's rows as one hash, without what is drawn anew each time (password hashes)."""
    connection = await asyncpg.connect(database.superuser_url)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'crm' ORDER BY 1")
    digests = {
        table: await connection.fetchval(
            f"SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM crm.{table} AS t "
            "CROSS JOIN LATERAL (SELECT (to_jsonb(t) - 'password_hash')::text) AS lines (line)"
        )
        for (table,) in tables
    }
    await connection.close()
    assert None not in {digests["supporters"], digests["activities"]}
    return digests


async def test_it_has_the_accounts_their_logins_and_about_eight_things_done_per_supporter(
    owner: Any, database: Database
) -> None:
    accounts = await owner.fetch("SELECT id, name, display_tz::text FROM crm.accounts ORDER BY id")
    users = await owner.fetch("SELECT id, account_id, email::text, user_type FROM crm.users ORDER BY id")
    counts = await owner.fetch("SELECT account_id, count(*) FROM crm.supporters GROUP BY 1 ORDER BY 1")
    done = await owner.fetchval(
        "SELECT (SELECT count(*) FROM crm.activities WHERE account_id = 1) "
        "+ (SELECT count(*) FROM crm.transactions WHERE account_id = 1)"
    )

    assert [tuple(row) for row in accounts] == [
        (1, "Riverbank Trust", "America/New_York"),
        (2, "Harbour Aid", "Europe/London"),
    ]
    assert [tuple(row) for row in users] == [
        (1, 1, "user@demo.test", "user"),
        (2, 1, "admin@demo.test", "admin"),
        (3, 1, "super@demo.test", "super_admin"),
        (4, 2, "user@other.test", "user"),
        (5, 2, "super@other.test", "super_admin"),
        (1_000_000_000_001, 1, None, "system"),
        (1_000_000_000_002, 2, None, "system"),
    ]
    assert [tuple(row) for row in counts] == [(1, SUPPORTERS), (2, 300)]
    assert 7 <= done / SUPPORTERS <= 9


async def test_everybody_logs_in_with_the_demo_password(owner: Any) -> None:
    for email, stored, user, account in await owner.fetch(
        "SELECT email::text, password_hash, id, account_id FROM crm.users WHERE user_type <> 'system'"
    ):
        pattern = await how_to_hash(owner, email)
        assert await asyncio.to_thread(hash_as, PASSWORD, pattern) == stored
        assert await load_viewer(owner, account, user, PERMISSIONS) is not None


async def test_it_holds_what_file_formats_stumble_over_and_every_filter_finds_somebody(owner: Any) -> None:
    for pattern in ("%,%", '%"%', "%\n%", "=%", "@%", "+%", "-%", "%🎉%"):
        found = await owner.fetchval("SELECT count(*) FROM crm.supporter_values WHERE value LIKE $1", pattern)
        assert found > 0, pattern
    for table in ("answers", "profile_members", "deliveries", "suppressions", "recurring_plans", "transactions"):
        assert await owner.fetchval(f"SELECT count(*) FROM crm.{table} WHERE account_id = 1") > 0, table
    kinds = await owner.fetch("SELECT DISTINCT kind FROM crm.email_events")
    assert {kind for (kind,) in kinds} == {"open", "click", "complete", "unsubscribe", "feedback", "bounce"}


async def test_a_second_seed_changes_nothing(owner: Any, database: Database) -> None:
    before = await digest(database)

    assert not await demo.fill(database.owner_url, SUPPORTERS, permissions())

    assert await digest(database) == before


async def test_a_job_type_may_need_a_permission_that_is_granted_anyway(database: Database) -> None:
    assert await demo.fill(database.owner_url, SUPPORTERS, {"export", "jobs.view"})


async def test_ids_given_afterwards_follow_on(owner: Any) -> None:
    given = await owner.fetchval(
        "INSERT INTO crm.supporters (account_id, email) VALUES (1, 'new@example.org') RETURNING id"
    )

    assert given == SUPPORTERS + 300 + 1


async def test_the_same_size_gives_the_same_data_by_the_way_for_large_loads_too(
    postgres: Postgres, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = postgres.fresh_database()
    await demo.fill(database.owner_url, SUPPORTERS, permissions())
    shape = await constraints(database)

    monkeypatch.setattr(demo, "LARGE", 1)
    await demo.fill(other.owner_url, SUPPORTERS, permissions())

    assert await digest(other) == await digest(database)
    assert await constraints(other) == shape
    postgres.drop(other)


async def test_a_superuser_who_sees_all_accounts_seeds_the_same(postgres: Postgres, database: Database) -> None:
    other = postgres.fresh_database()
    await demo.fill(database.owner_url, SUPPORTERS, permissions())

    await demo.fill(other.superuser_url, SUPPORTERS, permissions())

    assert await digest(other) == await digest(database)
    postgres.drop(other)


async def constraints(database: Database) -> list[tuple[Any, ...]]:
    """The CRM's constraints and who is held to row-level security."""
    connection = await asyncpg.connect(database.superuser_url)
    rows = await connection.fetch(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint "
        "WHERE connamespace = 'crm'::regnamespace UNION ALL SELECT relname, '', '', relforcerowsecurity FROM pg_class "
        "WHERE relnamespace = 'crm'::regnamespace AND relkind = 'r' ORDER BY 1, 2, 3"
    )
    await connection.close()
    return [tuple(row) for row in rows]


async def test_its_supporters_can_be_exported(database: Database, owner: Any) -> None:
    pool = await open_pool(database.url("jobmonitor_worker"), size=2, application_name="test")

    ran = [await run_job_type(UserDataExport(), {"format": name}, pool, 1) for name in ("user", "transaction")]

    assert ran[0].rows == SUPPORTERS
    assert ran[1].rows > SUPPORTERS
    await pool.close()


async def test_its_saved_formats_can_be_imported_by(database: Database, owner: Any) -> None:
    pool = await open_pool(database.url("jobmonitor_worker"), size=2, application_name="test")
    imports = Imports(Crm(owner, pool, pool), ObjectStore("memory://"))
    async with account_transaction(pool, 1) as connection:
        saved = await import_formats(connection)

    ran = {}
    for each in saved:
        headings = ",".join(column.header for column in each.columns)
        ran[each.name] = await imports.run(f"{headings}\r\nnew@example.org\r\n", format_id=each.id)

    assert {name: dict(job.outcomes) for name, job in ran.items()} == {
        "Event sign-up sheet": {"created": 1},
        "New addresses only": {"ignored_existing": 1},
    }
    await pool.close()


async def test_who_may_import_differs_between_its_users(owner: Any) -> None:
    viewers = {user: await load_viewer(owner, account, user, PERMISSIONS) for account, user in ((1, 1), (2, 4), (2, 5))}

    assert [user for user, viewer in viewers.items() if viewer and "import" in viewer.permissions] == [1, 5]


@pytest.mark.parametrize("supporters", [0, 1_000_001])
async def test_a_size_out_of_bounds_is_refused(supporters: int) -> None:
    with pytest.raises(ValueError, match="1 to 1,000,000"):
        await demo.fill("postgresql://nowhere", supporters, permissions())
