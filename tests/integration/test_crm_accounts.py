"""One account never sees another's rows, whatever it asks; who logs in and who looks."""

from typing import Any

import asyncpg
import pytest

from jobmonitor.crm.passwords import hash_as, hash_password
from jobmonitor.crm.permissions import PERMISSIONS
from jobmonitor.crm.users import how_to_hash, load_viewer
from jobmonitor.database.pool import account_transaction
from jobmonitor.job_types.user_data_export.job_type import UserDataExport
from jobmonitor.job_types.user_data_export.options import export_options
from support.crm import NOON, Crm
from support.run_job_type import context_of, plan_job, run_job_type


async def add_user(crm: Crm, email: str, user_type: str, **columns: Any) -> int:
    return await crm.insert(
        "users", email=email, name=email.partition("@")[0], user_type=user_type, password_hash="hash", **columns
    )


async def add_group(crm: Crm, *permissions: str) -> int:
    group = await crm.insert("permission_groups", name="Group")
    for permission in permissions:
        await crm.insert("group_permissions", "group_id", group_id=group, permission=permission)
    return group


async def test_an_export_has_the_supporters_of_its_account_only(crm: Crm) -> None:
    other = await crm.other_account()
    for account in (crm, other):
        await account.fields("Email")
        await account.supporter(f"ann@account{account.account_id}.example")

    ours = await run_job_type(UserDataExport(), {}, crm.pool, 1)
    theirs = await run_job_type(UserDataExport(), {}, crm.pool, 2)

    assert ours.text == "Email\r\nann@account1.example\r\n"
    assert theirs.text == "Email\r\nann@account2.example\r\n"


async def test_a_chunk_that_names_another_accounts_rows_gives_none_of_them(crm: Crm) -> None:
    other = await crm.other_account()
    for account in (crm, other):
        await account.fields("Email")
        await account.supporter(f"ann@account{account.account_id}.example")
    export = UserDataExport()
    (chunk,) = await plan_job(export, export.params_type(), crm.pool, 2)

    async with account_transaction(crm.pool, 1) as connection:
        part = await export.run_chunk(export.params_type(), chunk.payload, context_of(connection))

    assert part.content == b"Email\r\n"
    assert part.outcomes == {"deleted": 1}


async def test_without_an_account_no_table_shows_a_row_to_the_processes(crm: Crm) -> None:
    await crm.fields("Email")
    ann = await crm.supporter("ann@example.org")
    await crm.activity(ann)
    tables = await crm.owner.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'crm' AND tablename <> 'currencies'"
    )
    seen = {}
    for pool in (crm.pool, crm.gateway_pool):
        for (table,) in tables:
            if await pool.fetchval("SELECT has_table_privilege($1, 'SELECT')", f"crm.{table}"):
                seen[table] = await pool.fetchval(f"SELECT count(*) FROM crm.{table}")

    assert {"supporters", "activities", "accounts"} <= seen.keys()
    assert set(seen.values()) == {0}


async def test_a_row_cannot_point_into_another_account(crm: Crm) -> None:
    other = await crm.other_account()
    theirs = await other.supporter("ann@example.org")

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await crm.activity(theirs)


async def test_the_gateway_reads_no_password_hash_and_no_supporters_values(crm: Crm) -> None:
    for statement in ("SELECT password_hash FROM crm.users", "SELECT value FROM crm.supporter_values"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await crm.gateway_pool.fetch(statement)


async def test_how_to_hash_is_told_by_the_address_in_any_case_before_an_account_is_known(crm: Crm) -> None:
    other = await crm.other_account()
    user = await add_user(other, "Ann@Example.org", "admin")
    stored = hash_password("secret")
    await crm.owner.execute("UPDATE crm.users SET password_hash = $1 WHERE id = $2", stored, user)

    async with crm.gateway_pool.acquire() as connection:
        pattern = await how_to_hash(connection, "ANN@example.ORG")
        nobody = await how_to_hash(connection, "ben@example.org")

    assert pattern is not None
    assert hash_as("secret", pattern) == stored
    assert stored.rpartition("$")[2] not in pattern
    assert nobody is None


async def test_a_user_without_a_group_and_an_inactive_one_may_not_log_in(crm: Crm) -> None:
    group = await add_group(crm, "export")
    users = {
        "grouped": await add_user(crm, "grouped@example.org", "user", permission_group_id=group),
        "groupless": await add_user(crm, "groupless@example.org", "user"),
        "inactive": await add_user(crm, "inactive@example.org", "super_admin", active=False),
    }

    open_session = "SELECT opened FROM gateway.open_session($1, $2, $3, '1 h')"
    async with crm.gateway_pool.acquire() as connection:
        opened = {
            name: await connection.fetchval(open_session, f"{name}@example.org", "hash", name.encode())
            for name in users
        }
        wrong = await connection.fetch(open_session, "grouped@example.org", "hush", b"wrong")
        viewers = {name: await load_viewer(connection, 1, user, PERMISSIONS) for name, user in users.items()}

    assert opened == {"grouped": True, "groupless": False, "inactive": False}
    assert wrong == []
    assert await crm.owner.fetchval("SELECT array_agg(user_id) FROM gateway.sessions") == [users["grouped"]]
    assert [name for name, viewer in viewers.items() if viewer is not None] == ["grouped"]


async def test_a_viewer_may_do_what_the_group_grants_and_a_super_admin_everything(crm: Crm) -> None:
    group = await add_group(crm, "export", "jobs.view")
    user = await add_user(crm, "user@example.org", "user", permission_group_id=group, display_tz="Europe/Oslo")
    boss = await add_user(crm, "boss@example.org", "super_admin")

    async with crm.gateway_pool.acquire() as connection:
        viewer, super_admin = (
            await load_viewer(connection, 1, user, PERMISSIONS),
            await load_viewer(connection, 1, boss, PERMISSIONS),
        )
        in_the_wrong_account = await load_viewer(connection, 2, user, PERMISSIONS)

    assert viewer is not None
    assert viewer.permissions == {"export", "jobs.view"}
    assert (viewer.name, viewer.account_name, viewer.display_tz) == ("user", "Account 1", "Europe/Oslo")
    assert super_admin is not None
    assert super_admin.permissions == PERMISSIONS
    assert super_admin.display_tz == "America/New_York"
    assert in_the_wrong_account is None


async def test_the_form_offers_the_accounts_things_in_the_order_of_their_names(crm: Crm) -> None:
    fields = await crm.fields("Email", "City")
    group = await crm.group("Both", fields["City"], fields["Email"])
    ann = await crm.supporter("ann@example.org")
    profile = await crm.profile("Donors", ann)
    (zoo, _), (arc, _) = await crm.page("Zoo", "event"), await crm.page("Arc")
    question = await crm.question("News")
    sent = await crm.broadcast("Spring", NOON)
    await crm.insert("email_campaigns", name="Draft")
    await (await crm.other_account()).page("Theirs")

    async with account_transaction(crm.gateway_pool, 1) as connection:
        options = await export_options(connection)

    assert [(each.id, each.name, each.fields) for each in options.export_groups] == [(group, "Both", ["City", "Email"])]
    assert [(each.id, each.name, each.members) for each in options.profiles] == [(profile, "Donors", 1)]
    assert [(each.id, each.name, each.kind) for each in options.pages] == [
        (arc, "Arc", "petition"),
        (zoo, "Zoo", "event"),
    ]
    assert [(each.id, each.kind) for each in options.questions] == [(question, "opt_in")]
    assert [(each.id, each.name, each.sent_at) for each in options.broadcasts] == [(sent, "Spring", NOON)]
