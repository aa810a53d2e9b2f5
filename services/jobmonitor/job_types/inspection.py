"""What was found in an uploaded file."""

import msgspec

from jobmonitor.crm.uploads import UploadContents


class FileProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a file cannot be used."""

    code: str
    message: str
    byte_offset: int | None = None


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a file. With a problem, as much as could be read before it."""

    contents: UploadContents = UploadContents(headings=[], first_rows=[], rows=0)
    problem: FileProblem | None = None
