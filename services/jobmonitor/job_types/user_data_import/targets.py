"""What an import can fill: supporter fields, questions and opt-ins, participation on pages; and what it starts from."""

from typing import Literal, TypeVar

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements

_SQL = statements("jobmonitor.job_types.user_data_import.sql")

Item = TypeVar("Item")
ImportMode = Literal["add_and_update", "only_create"]
ColumnKind = Literal["email", "field", "question", "page", "skip"]


class TargetField(msgspec.Struct, frozen=True, kw_only=True):
    """A supporter field."""

    id: int
    name: str
    tag: str | None = None
    """Its system meaning, for instance ``email``; None for a custom field."""
    input_type: str = "text"


class TargetQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question or an opt-in."""

    id: int
    name: str
    kind: Literal["opt_in", "opt_in_confirm", "question"]


class TargetPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page, under its campaign's reference name."""

    id: int
    name: str
    kind: str
    status: Literal["new", "live", "closed"]
    campaign_id: int


class ImportTargets(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one account that a column can be mapped to."""

    fields: list[TargetField]
    """In the account's order, the e-mail field among them."""
    questions: list[TargetQuestion]
    """By name."""
    pages: list[TargetPage]
    """By name; those that take no participation too, so that a refusal can say why."""


class ColumnMapping(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where the cells of one column go."""

    header: str
    """As it stands in the file."""
    to: ColumnKind
    """``question`` stands for opt-ins too; ``page`` for participation on one."""
    id: int | None = None
    """Of the field, question or page; null for ``email`` and ``skip``."""


class ImportFormat(msgspec.Struct, frozen=True, kw_only=True):
    """A saved format: all columns of a file in their order."""

    id: int
    name: str
    columns: list[ColumnMapping]
    mode: ImportMode


async def read_targets(connection: Connection) -> ImportTargets:
    """What can be filled in the account of the transaction."""
    return ImportTargets(
        fields=await _list(connection, "fields", TargetField),
        questions=await _list(connection, "questions", TargetQuestion),
        pages=await _list(connection, "pages", TargetPage),
    )


async def import_formats(connection: Connection) -> list[ImportFormat]:
    """The account's saved formats, by name."""
    return await _list(connection, "list_import_formats", ImportFormat)


async def find_format(connection: Connection, format_id: int) -> ImportFormat | None:
    """None: the account has no such format."""
    row = await _SQL["find_import_format"].fetchrow(connection, format_id=format_id)
    return None if row is None else msgspec.convert(dict(row), ImportFormat)


async def _list(connection: Connection, statement: str, item_type: type[Item]) -> list[Item]:
    return [msgspec.convert(dict(row), item_type) for row in await _SQL[statement].fetch(connection)]
