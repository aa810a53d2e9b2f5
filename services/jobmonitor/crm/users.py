"""Who logs in and who looks: logins across accounts, viewers inside one."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from jobmonitor.crm.permissions import permissions_of
from jobmonitor.database.pool import Connection, see_account
from jobmonitor.database.statement import statements

_SQL = statements("jobmonitor.crm.sql")

UserType = Literal["user", "admin", "super_admin"]


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who looks at jobs: who they are, what they may do, how times are shown to them."""

    user_id: int
    account_id: int
    email: str
    name: str
    user_type: UserType
    permissions: frozenset[str]
    account_name: str
    display_tz: str
    """IANA zone: the user's own, or else the account's."""


async def how_to_hash(connection: Connection, email: str) -> str | None:
    """How a password for this address (upper and lower case are the same) has to be hashed; None: there is none."""
    pattern: str | None = await _SQL["how_to_hash"].fetchval(connection, email=email)
    return pattern


async def load_viewer(connection: Connection, account_id: int, user_id: int, known: frozenset[str]) -> Viewer | None:
    """The user as a viewer; None when gone or inactive, or no longer allowed to log in.

    ``known`` are the permissions there are. Works in and outside of a transaction; inside, the transaction sees this
    account afterwards.
    """
    return (await load_viewers(connection, account_id, [user_id], known)).get(user_id)


async def load_viewers(
    connection: Connection, account_id: int, user_ids: Iterable[int], known: frozenset[str]
) -> dict[int, Viewer]:
    """``{user id: viewer}`` of those ``load_viewer`` would find, with one query."""
    async with connection.transaction():
        await see_account(connection, account_id)
        rows = await _SQL["load_viewers"].fetch(connection, user_ids=list(user_ids))
    return {row["user_id"]: _viewer(dict(row), known) for row in rows}


def _viewer(fields: dict[str, Any], known: frozenset[str]) -> Viewer:
    return Viewer(**fields | {"permissions": permissions_of(fields["user_type"], fields["permissions"], known)})
