"""Private tokens: whoever has one asks in the name of its user. They are shown once, when they are made.

The database has their SHA-256 only, so a stolen table opens nothing. A slow hash as for passwords would gain nothing:
nobody guesses 256 random bits, however fast the guesses are checked, and every request of a program has one to check.
"""

import hashlib
import secrets
from collections.abc import Collection
from typing import NamedTuple

from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements

_SQL = statements("jobmonitor.crm.sql")

PREFIX = "jmt_"
"""By it people and scanners for secrets know one when they see it."""
RANDOM_BYTES = 32
TOKEN_PERMISSION = "api.token"  # noqa: S105 - the name of a permission
"""Needed to make a token, and to use one."""


class Holder(NamedTuple):
    """A token, as everybody but its user knows it."""

    account_id: int
    user_id: int
    token_id: int


def new_token() -> str:
    """A token nobody had before."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def token_hash(token: str) -> bytes:
    """What the database has of it."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


async def find_holder(connection: Connection, token: str) -> Holder | None:
    """Whose it is; None for what is no live token of somebody who may log in: always after the same one look-up."""
    row = await _SQL["find_token"].fetchrow(connection, token_hash=token_hash(token))
    return None if row is None else Holder(**row)


async def live_tokens(connection: Connection, named: Collection[Holder]) -> frozenset[Holder]:
    """Those of them that are live, and of the user and account they are said to be of. One query, for any accounts."""
    if not named:
        return frozenset()
    accounts, users, tokens = map(list, zip(*named, strict=True))
    rows = await _SQL["live_tokens"].fetch(connection, accounts=accounts, users=users, tokens=tokens)
    return frozenset(Holder(**row) for row in rows)
