"""Tokens as the API shows them."""

from datetime import datetime
from typing import Literal

import msgspec


class MadeToken(msgspec.Struct, frozen=True, kw_only=True):
    """A new token: this answer is the only one that has it."""

    id: int
    """Names it in lists, jobs and logs."""
    token: str
    """Keep it as a password: whoever has it asks in your name."""
    created_at: datetime


class TokenUser(msgspec.Struct, frozen=True, kw_only=True):
    """In whose name a token asks."""

    id: int
    name: str


class ListedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token, but for the token itself, which nobody can be shown again."""

    id: int
    user: TokenUser
    kind: Literal["private"]
    created_at: datetime
    revoked_at: datetime | None
    """Since when it is of no use; null for a live one."""


class TokenList(msgspec.Struct, frozen=True, kw_only=True):
    """Live tokens first, each the newest first; 500 at most."""

    items: list[ListedToken]
