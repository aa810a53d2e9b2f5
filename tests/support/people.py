"""Accounts, users and viewers for requests to name, and a check that lets everybody do everything."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import asyncpg
from msgspec import structs

from jobmonitor.crm.permissions import known_permissions
from jobmonitor.crm.rights import Person, Standing, Standings
from jobmonitor.crm.users import Viewer
from jobmonitor.database.pool import Connection
from jobmonitor.job_types.registry import permissions


async def everybody_may(_: Connection, people: Collection[Person]) -> Standings:
    """For tests that are not about who may do what: every account exists, with whatever users."""
    everything = known_permissions(permissions())
    known = Standing(account_exists=True, user_type="super_admin", active=True, permissions=everything)
    return Standings(dict.fromkeys(people, known), datetime.now(UTC))


def viewer(**changes: Any) -> Viewer:
    """Somebody who looks, by default a User who may do nothing."""
    return structs.replace(_VIEWER, **changes)


_VIEWER = Viewer(
    user_id=1,
    account_id=1,
    email="a@x.test",
    name="Ada",
    user_type="user",
    permissions=frozenset(),
    account_name="First",
    display_tz="UTC",
)


async def add_people(superuser_url: str, *people: tuple[int, int], **says: Any) -> None:
    """Accounts with users of these ids (account, user), Super Admins unless told otherwise."""
    columns = {"user_type": "super_admin", "active": True, "permission_group_id": None} | says
    connection = await asyncpg.connect(superuser_url)
    try:
        for account_id, user_id in people:
            await connection.execute(
                "INSERT INTO crm.accounts (id, name, country, default_currency) VALUES ($1, 'Account', 'CA', 'CAD') "
                "ON CONFLICT DO NOTHING",
                account_id,
            )
            await connection.execute(
                "INSERT INTO crm.users (id, account_id, email, name, user_type, active, permission_group_id, "
                "password_hash) VALUES ($1, $2, $3, 'Ada', $4, $5, $6, '-') ON CONFLICT DO NOTHING",
                *(user_id, account_id, f"{account_id}-{user_id}@example.org", *columns.values()),
            )
        for table in ("accounts", "users"):  # whoever is added without an id does not get one of these
            await connection.execute(f"SELECT setval(pg_get_serial_sequence('crm.{table}', 'id'), 1000000)")
    finally:
        await connection.close()
