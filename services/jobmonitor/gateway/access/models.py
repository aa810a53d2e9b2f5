"""Sessions as the API shows them."""

from typing import Annotated

import msgspec

from jobmonitor.crm.users import UserType


class Credentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log-in."""

    email: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who is logged in."""

    id: int
    email: str
    name: str
    user_type: UserType
    permissions: list[str]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The account they work in."""

    id: int
    name: str
    time_zone: str
    """IANA name; times are shown in it."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session, as its owner sees it."""

    user: User
    account: Account
