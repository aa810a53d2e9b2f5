"""Who may start and stop jobs, whichever way they ask: the gateway and the workers decide by these same functions."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from jobmonitor.contract.limits import Refusal
from jobmonitor.crm.permissions import permissions_of
from jobmonitor.crm.tokens import TOKEN_PERMISSION
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements

_SQL = statements("jobmonitor.crm.sql")
VIEW_PERMISSION = "jobs.view"


class Person(NamedTuple):
    """A user of an account, as a request names them."""

    account_id: int
    user_id: int


class Standing(NamedTuple):
    """What is known of a person."""

    account_exists: bool
    user_type: str | None
    """None: there is no such user in the account."""
    active: bool
    """Whether they may log in."""
    permissions: frozenset[str]


class Standings(NamedTuple):
    """What is known of some people."""

    of: Mapping[Person, Standing]
    now: datetime
    """By the database's clock."""


async def load_standings(connection: Connection, people: Collection[Person], known: frozenset[str]) -> Standings:
    """With one query. ``known`` are the permissions there are. The connection sees the same account as before."""
    accounts, users = zip(*people, strict=True)
    rows = await _SQL["standings"].fetch(connection, accounts=accounts, users=users)
    found = {
        Person(row["account_id"], row["user_id"]): Standing(
            account_exists=row["account_exists"],
            user_type=row["user_type"],
            active=bool(row["active"]),
            permissions=permissions_of(row["user_type"] or "user", row["permissions"], known),
        )
        for row in rows
    }
    return Standings(found, rows[0]["now"])


def sees_all(user_type: str | None) -> bool:
    """Whether they see the jobs of everybody in their account (domain rule 2.1)."""
    return user_type == "super_admin"


def may_look(permissions: frozenset[str]) -> bool:
    """Whether they see jobs at all."""
    return VIEW_PERMISSION in permissions


def start_refused(person: Person, standing: Standing, permission: str) -> Refusal | None:
    """Why this person cannot own a job whose type needs the permission; None where they can."""
    if refusal := _unknown(person, standing):
        return refusal
    if permission not in standing.permissions:
        return Refusal("not_permitted", f"User {person.user_id} lacks the permission {permission!r}, which it needs.")
    return None


def stop_refused(person: Person, standing: Standing, owner_id: int) -> Refusal | None:
    """Why this person cannot stop the job of this owner, who is of the same account; None where they can."""
    if refusal := _unknown(person, standing):
        return refusal
    if not may_look(standing.permissions) or not (sees_all(standing.user_type) or person.user_id == owner_id):
        return Refusal("not_permitted", f"User {person.user_id} may not stop this job.")
    return None


def token_refused(permissions: frozenset[str], token_id: int, *, live: bool) -> Refusal | None:
    """Why a job whose owner has these permissions cannot be asked for with this token; None where it can.

    ``live``: whether it is a live token of the owner's. The words are the same whatever is wrong.
    """
    if live and TOKEN_PERMISSION in permissions:
        return None
    return Refusal("unknown_token", f"The job's owner has no token {token_id} that can be used.")


def _unknown(person: Person, standing: Standing) -> Refusal | None:
    if not standing.account_exists:
        return Refusal("unknown_account", f"There is no account {person.account_id}.")
    if standing.user_type is None:
        return Refusal("unknown_user", f"Account {person.account_id} has no user {person.user_id}.")
    if not standing.active:
        return Refusal("not_permitted", f"User {person.user_id} is not active.")
    return None
