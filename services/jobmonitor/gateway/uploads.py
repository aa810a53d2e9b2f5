"""Uploads: files that jobs read. A file is looked through before it is kept; what cannot be imported is not kept.

The row is written before the content is stored: a crash in between leaves a row without content, which is like no
upload and goes with the old ones (``upload_sweep``), but never content nobody knows of.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Literal
from unicodedata import category
from uuid import UUID, uuid4

import asyncpg
import structlog
from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect

from jobmonitor.crm.import_targets import import_formats, read_targets, upload_key
from jobmonitor.crm.users import Viewer
from jobmonitor.gateway.bodies import invalid
from jobmonitor.gateway.body_limits import UPLOADS
from jobmonitor.gateway.context import Provided, Services, SignedIn, answer
from jobmonitor.gateway.openapi import answers
from jobmonitor.gateway.policy import IMPORT_PERMISSION, may_import, may_see_upload
from jobmonitor.gateway.problems import Problem, not_found, unavailable
from jobmonitor.gateway.reading import SQL
from jobmonitor.gateway.received_files import ReceivedFile, received
from jobmonitor.gateway.upload_models import ImportOptions, Upload
from jobmonitor.job_types.import_columns import why_not_taken
from jobmonitor.job_types.import_files import Inspection, inspect
from jobmonitor.job_types.parameters import FieldProblem
from jobmonitor.runtime.failures import TEMPORARY, is_temporary
from jobmonitor.runtime.objects import ObjectMissing, ObjectStore

NAME_LENGTH_MAX = 255
KEPT_PER_USER_MAX = 100
"""So that nobody fills the object store; old files make room (``upload_sweep``)."""
INSPECTED_AT_ONCE = 2
"""Looking through 20 MB takes a second or two of a core, and some ten times as much memory."""
ZIP = b"PK\x03\x04"
Kind = Literal["csv", "xlsx"]
MEDIA_TYPES: dict[Kind, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

router = APIRouter(prefix="/api/v1", tags=["uploads"])
log = structlog.stdlib.get_logger()

Name = Annotated[
    str, Query(min_length=1, max_length=NAME_LENGTH_MAX, description="The file's name; ends in .csv or .xlsx.")
]
_FILE = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": _FILE}}}


class Intake:
    """How many files one process takes in, and looks through, at once."""

    def __init__(self, at_most: int) -> None:
        self._free = at_most
        self.inspecting = asyncio.Semaphore(INSPECTED_AT_ONCE)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place for a file on its way. Raises Problem 503 where there is none."""
        if self._free == 0:
            raise unavailable("Too many files are arriving at the moment.")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


@router.get("/import-options", responses=answers(200, ImportOptions, "What an import can be made of", 401, 403, 503))
async def get_import_options(services: Provided, viewer: SignedIn) -> Response:
    """The account's fields, questions, live pages and saved formats."""
    _require_permission(viewer)
    async with services.database.as_viewer(viewer, snapshot=True) as connection:
        targets = await read_targets(connection)
        formats = await import_formats(connection)
    pages = [page for page in targets.pages if why_not_taken(page) is None]
    return answer(ImportOptions(fields=targets.fields, questions=targets.questions, pages=pages, formats=formats))


@router.post(
    "/uploads",
    status_code=201,
    responses=answers(201, Upload, "Kept; what is in the file", 401, 403, 408, 413, 422, 429, 503),
    openapi_extra=_BODY,
)
async def upload_file(request: Request, services: Provided, viewer: SignedIn, name: Name) -> Response:
    """Send a file to import, as the body, at most 20 MB: CSV in UTF-8 or an Excel workbook, whatever its Content-Type.

    It is deleted after some days (a setting; a week, if nobody changed it), but not before the jobs that read it ended.
    """
    _require_permission(viewer)
    kind = _kind_of(name)
    intake: Intake = request.app.state.intake
    try:
        async with intake.place(), received(request) as file, intake.inspecting:
            upload = await _keep(services, viewer, name, kind, file)
    except ClientDisconnect:
        log.info("upload_broken_off", by=viewer.user_id)
        return Response(status_code=400)  # for the metrics alone: nobody hears it
    log.info("file_uploaded", upload=str(upload.id), by=viewer.user_id, size_bytes=upload.size_bytes)
    return answer(upload, 201, {"location": f"{UPLOADS}/{upload.id}"})


@router.get("/uploads/{upload}", responses=answers(200, Upload, "What is in the file", 401, 403, 404, 503))
async def get_upload(request: Request, services: Provided, viewer: SignedIn, upload: str) -> Response:
    """What is in an uploaded file; for who sent it, and Super Admins of the account."""
    _require_permission(viewer)
    record = await _find(services, viewer, upload)
    intake: Intake = request.app.state.intake
    async with intake.inspecting:
        content = await _stored(services.objects, upload_key(viewer.account_id, record["id"]))
        inspection = await _inspect(services, viewer, content)
    return answer(_described(record, inspection))


def _require_permission(viewer: Viewer) -> None:
    if not may_import(viewer):
        raise Problem(403, f"Importing needs the permission {IMPORT_PERMISSION!r}.", code="not_permitted")


def _kind_of(name: str) -> Kind:
    """Raises Problem 422."""
    if any(category(character) == "Cc" for character in name):
        raise invalid([FieldProblem("name", "A file name holds no control characters.")])
    for kind in MEDIA_TYPES:
        if name.lower().endswith(f".{kind}"):
            return kind
    raise invalid([FieldProblem("name", "Only files ending in .csv or .xlsx can be imported.")], code="unknown_kind")


async def _keep(services: Services, viewer: Viewer, name: str, kind: Kind, file: ReceivedFile) -> Upload:
    """Look through the file and keep it. Raises Problem: 422 it cannot be imported, 429 too many are kept."""
    content = await file.content()
    inspection = await _inspect(services, viewer, content)
    _refuse_unusable(kind, content, inspection)
    upload_id = uuid4()
    values = (upload_id, viewer.account_id, viewer.user_id, name, MEDIA_TYPES[kind], file.size_bytes, file.sha256)
    async with services.database.as_viewer(viewer) as connection:
        if await connection.fetchval(SQL["insert_upload"], *values, KEPT_PER_USER_MAX) is None:
            detail = f"{KEPT_PER_USER_MAX} of your files are kept already, which is the most. Old ones go day by day."
            raise Problem(429, detail, code="too_many_uploads")
        record = await connection.fetchrow(SQL["find_upload"], upload_id)
        assert record is not None  # noqa: S101 - inserted above
    await _store(services, viewer, upload_id, content)
    return _described(record, inspection)


async def _store(services: Services, viewer: Viewer, upload_id: UUID, content: bytes) -> None:
    """Raises Problem 503 and leaves nothing, or, should the store be away altogether, a row for the sweep."""
    key = upload_key(viewer.account_id, upload_id)
    try:
        await services.objects.put(key, content)
    except Exception as error:
        if not is_temporary(error):
            raise
        with suppress(*TEMPORARY):
            await services.objects.delete([key])
            async with services.database.as_viewer(viewer) as connection:
                await connection.execute(SQL["delete_uploads"], [upload_id])
        raise unavailable("The file cannot be stored at the moment.") from error


def _refuse_unusable(kind: Kind, content: bytes, inspection: Inspection) -> None:
    if (kind == "xlsx") != content.startswith(ZIP) and content:
        detail = (
            "This is no Excel workbook." if kind == "xlsx" else "This is no CSV file, but a workbook or an archive."
        )
        raise invalid([FieldProblem("file", detail)], code="unknown_kind")
    if inspection.problem is not None:
        raise invalid([FieldProblem("file", inspection.problem.message)], code=inspection.problem.code)


async def _inspect(services: Services, viewer: Viewer, content: bytes) -> Inspection:
    """What is in the file, for this viewer's account."""
    async with services.database.as_viewer(viewer, snapshot=True) as connection:
        targets = await read_targets(connection)
    return await asyncio.to_thread(inspect, content, targets)


async def _find(services: Services, viewer: Viewer, reference: str) -> asyncpg.Record:
    """Raises Problem 404 unless the viewer sees it."""
    try:
        upload_id = UUID(reference)
    except ValueError:
        raise not_found() from None
    async with services.database.as_viewer(viewer) as connection:
        record = await connection.fetchrow(SQL["find_upload"], upload_id)
    if record is None or not may_see_upload(viewer, record["account_id"], record["uploaded_by"]):
        raise not_found()
    return record


async def _stored(objects: ObjectStore, key: str) -> bytes:
    """Raises Problem: 404 it is gone, 503 the store is away."""
    try:
        return b"".join([piece async for piece in objects.stream(key)])
    except ObjectMissing:
        raise not_found() from None
    except TEMPORARY as error:
        raise unavailable("The file cannot be read at the moment.") from error


def _described(record: asyncpg.Record, inspection: Inspection) -> Upload:
    return Upload(
        id=record["id"],
        name=record["name"],
        kind="xlsx" if record["media_type"] == MEDIA_TYPES["xlsx"] else "csv",
        size_bytes=record["size_bytes"],
        sha256=record["sha256"],
        created_at=record["created_at"],
        columns=inspection.columns,
        rows=inspection.rows,
        first_rows=inspection.first_rows,
    )
