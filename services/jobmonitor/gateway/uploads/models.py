"""Uploads and what an import can be made of, as the API shows them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file for a job to read."""

    id: UUID
    """The parameter ``upload`` of the jobs that read it."""
    type: str
    """The slug of the job type it was sent for."""
    name: str
    """As the sender calls it."""
    kind: str
    """The ending of its name, without the dot and in lower case."""
    size_bytes: int
    sha256: str
    """Hex."""
    created_at: datetime
    columns: list[Any]
    """All columns in the file's order, each with what it most likely is: the parameter ``columns``, ready to use.

    Empty where the job type maps no columns.
    """
    rows: int
    """Data rows; 0 where the job type does not look for any."""
    first_rows: list[list[str]]
    """Up to five, each as wide as the columns; of long cells the beginning."""


class ListedUpload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is kept."""

    id: UUID
    type: str
    """The slug of the job type it was sent for."""
    name: str
    kind: str
    size_bytes: int
    created_at: datetime
    needed: bool
    """Whether a job that has not ended reads it; until then it cannot be deleted."""


class UploadList(msgspec.Struct, frozen=True, kw_only=True):
    """The files you sent that are kept."""

    items: list[ListedUpload]
    """The newest first."""
    at_most: int
    """So many of yours are kept at the same time; beyond, an upload is refused."""
    account_bytes: int
    """Of all files your account keeps."""
    account_bytes_at_most: int
    """Beyond, an upload is refused."""
    nearly_full: bool
    """Whether your account has used four fifths of its bytes."""
