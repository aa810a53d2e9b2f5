"""Files people uploaded, for jobs that read them."""

from datetime import datetime
from uuid import UUID

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements

_SQL = statements("jobmonitor.crm.sql")


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
    job_type: str
    """The slug of the type it was uploaded for, whose ``inspect`` found its contents."""
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


async def find_upload(connection: Connection, upload_id: UUID, user_id: int) -> Upload | None:
    """None: the account has no such upload, or none that this user may use.

    Whoever sent a file may use it, and the account's Super Admins: for the preview, the submission, the job itself, and
    whoever looks at or deletes it.
    """
    row = await _SQL["find_upload"].fetchrow(connection, upload_id=upload_id, user_id=user_id)
    return None if row is None else msgspec.convert(dict(row), Upload)
