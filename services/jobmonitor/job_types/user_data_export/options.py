"""What the export form can offer: export groups, profiles, pages, questions, broadcasts of the account."""

from datetime import datetime
from typing import TypeVar

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements

_SQL = statements("jobmonitor.job_types.user_data_export.sql")

Item = TypeVar("Item")


class ExportGroup(msgspec.Struct, frozen=True):
    """A named choice of supporter fields."""

    id: int
    name: str
    fields: list[str]
    """The fields' names in the group's order."""


class Profile(msgspec.Struct, frozen=True):
    """A stored filter with the members of its last run."""

    id: int
    name: str
    members: int


class Page(msgspec.Struct, frozen=True):
    """A page, under its campaign's reference name."""

    id: int
    name: str
    kind: str


class Question(msgspec.Struct, frozen=True):
    """A question or an opt-in."""

    id: int
    name: str
    kind: str


class Broadcast(msgspec.Struct, frozen=True):
    """A broadcast that was sent, or is being sent."""

    id: int
    name: str
    sent_at: datetime


class ExportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """All lists are ordered by name, broadcasts newest first."""

    export_groups: list[ExportGroup]
    profiles: list[Profile]
    pages: list[Page]
    questions: list[Question]
    broadcasts: list[Broadcast]


async def export_options(connection: Connection) -> ExportOptions:
    """The choices of the account whose transaction this is."""
    return ExportOptions(
        export_groups=await _list(connection, "list_export_groups", ExportGroup),
        profiles=await _list(connection, "list_profiles", Profile),
        pages=await _list(connection, "list_pages", Page),
        questions=await _list(connection, "list_questions", Question),
        broadcasts=await _list(connection, "list_broadcasts", Broadcast),
    )


async def _list(connection: Connection, statement: str, item_type: type[Item]) -> list[Item]:
    return [msgspec.convert(dict(row), item_type) for row in await _SQL[statement].fetch(connection)]
