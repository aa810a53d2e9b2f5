"""What an import can fill: supporter fields, questions and opt-ins, participation on pages; and what it starts from."""

from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.database.sql import statements

_SQL = statements("jobmonitor.crm.sql")

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


class UploadContents(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a file: found out once, when it comes."""

    headings: list[str]
    first_rows: list[list[str]]
    """Up to five, each as wide as the headings, long cells cut."""
    rows: int
    """Data rows."""


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file somebody uploaded."""

    id: UUID
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: datetime
    contents: UploadContents | None = None
    """None of a file from before its contents were kept."""


def upload_key(account_id: int, upload_id: UUID) -> str:
    """Where the content of an upload lies in the object store."""
    return f"uploads/{account_id}/{upload_id}"


async def read_targets(connection: Connection) -> ImportTargets:
    """What can be filled in the account of the transaction."""
    return ImportTargets(
        fields=await _list(connection, "import_fields", TargetField),
        questions=await _list(connection, "import_questions", TargetQuestion),
        pages=await _list(connection, "import_pages", TargetPage),
    )


async def import_formats(connection: Connection) -> list[ImportFormat]:
    """The account's saved formats, by name."""
    return await _list(connection, "list_import_formats", ImportFormat)


async def find_format(connection: Connection, format_id: int) -> ImportFormat | None:
    """None: the account has no such format."""
    row = await connection.fetchrow(_SQL["find_import_format"], format_id)
    return None if row is None else msgspec.convert(dict(row), ImportFormat)


async def find_upload(connection: Connection, upload_id: UUID, user_id: int) -> Upload | None:
    """None: the account has no such upload, or none that this user may use.

    Whoever sent a file may use it, and the account's Super Admins: for the preview, the submission, the job itself, and
    whoever looks at or deletes it.
    """
    row = await connection.fetchrow(_SQL["find_upload"], upload_id, user_id)
    return None if row is None else msgspec.convert(dict(row), Upload)


async def _list(connection: Connection, statement: str, item_type: type[Item]) -> list[Item]:
    return [msgspec.convert(dict(row), item_type) for row in await connection.fetch(_SQL[statement])]
