"""Uploads: files that jobs read. A file is looked through before it is kept; what cannot be imported is not kept.

The row is written before the content is stored: a crash in between leaves a row without content, which is like no
upload and goes with the old ones (``upload_sweep``), but never content nobody knows of.
"""

from contextlib import suppress
from typing import Annotated, Literal
from uuid import UUID, uuid4

import asyncpg
import msgspec
import structlog
from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect

from jobmonitor.contract.limits import has_unseen
from jobmonitor.crm.uploads import Upload as KeptUpload
from jobmonitor.crm.uploads import find_upload, upload_key
from jobmonitor.crm.users import Viewer
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements
from jobmonitor.gateway import metrics
from jobmonitor.gateway.access.policy import IMPORT_PERMISSION, may_import
from jobmonitor.gateway.context import Provided, Services, SignedIn, answer
from jobmonitor.gateway.http.bodies import invalid
from jobmonitor.gateway.http.body_limits import UPLOADS
from jobmonitor.gateway.http.limits import too_many
from jobmonitor.gateway.http.openapi import answers
from jobmonitor.gateway.http.problems import Problem, not_found, unavailable
from jobmonitor.gateway.settings import GatewaySettings
from jobmonitor.gateway.uploads.models import ListedUpload, Upload, UploadList
from jobmonitor.gateway.uploads.received_files import Intake, ReceivedFile, received
from jobmonitor.job_types.files.look_through import look_through
from jobmonitor.job_types.inspection import Inspection
from jobmonitor.job_types.parameters import FieldProblem
from jobmonitor.job_types.user_data_import.columns import suggest
from jobmonitor.job_types.user_data_import.targets import ImportTargets, read_targets
from jobmonitor.runtime.failures import TEMPORARY, is_temporary
from jobmonitor.runtime.objects import ObjectMissing, ObjectStore

NAME_LENGTH_MAX = 255
NEARLY_FULL = 0.8
"""From this share of an account's bytes on, people are told."""
RETRY_KEPT_S = 3600
"""When the next old file may have gone by itself (``upload_sweep``)."""
ZIP = b"PK\x03\x04"
Kind = Literal["csv", "xlsx"]
MEDIA_TYPES: dict[Kind, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_SQL = statements("jobmonitor.gateway.uploads.sql")
router = APIRouter(prefix="/api/v1", tags=["uploads"])
log = structlog.stdlib.get_logger()

Name = Annotated[
    str, Query(min_length=1, max_length=NAME_LENGTH_MAX, description="The file's name; ends in .csv or .xlsx.")
]
_FILE = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": _FILE}}}


@router.post(
    "/uploads",
    status_code=201,
    responses=answers(201, Upload, "Kept; what is in the file", 401, 403, 408, 413, 415, 422, 429, 503),
    openapi_extra=_BODY,
)
async def upload_file(request: Request, services: Provided, viewer: SignedIn, name: Name) -> Response:
    """Send a file to import, as the body, at most 20 MB: CSV in UTF-8 or an Excel workbook, whatever its Content-Type.

    It is deleted after some days (a setting; a week, if nobody changed it), but not before the jobs that read it ended.
    """
    _require_permission(viewer)
    _refuse_form(request)
    kind = _kind_of(name)
    intake: Intake = request.app.state.intake
    try:
        with intake.place(viewer):
            async with received(request, services.settings.upload_timeout_s) as file, intake.inspecting(viewer):
                upload = await _keep(services, viewer, name, kind, file)
    except ClientDisconnect:
        log.info("upload_broken_off", by=viewer.user_id)
        return Response(status_code=400)  # for the metrics alone: nobody hears it
    log.info("file_uploaded", upload=str(upload.id), by=viewer.user_id, size_bytes=upload.size_bytes)
    return answer(upload, 201, {"location": f"{UPLOADS}/{upload.id}"})


@router.get("/uploads", responses=answers(200, UploadList, "Your files, the newest first", 401, 403, 503))
async def list_uploads(services: Provided, viewer: SignedIn) -> Response:
    """The files you sent that are still kept."""
    _require_permission(viewer)
    async with services.database.as_viewer(viewer) as connection:
        rows = await _SQL["list_uploads"].fetch(connection, account_id=viewer.account_id, user_id=viewer.user_id)
        kept = await _SQL["kept_uploads"].fetchrow(connection, account_id=viewer.account_id, user_id=viewer.user_id)
    settings, account_bytes = services.settings, 0 if kept is None else kept["account_bytes"]
    listed = UploadList(
        items=[_listed(row) for row in rows],
        at_most=settings.uploads_kept_per_user,
        account_bytes=account_bytes,
        account_bytes_at_most=settings.upload_bytes_per_account,
        nearly_full=account_bytes >= NEARLY_FULL * settings.upload_bytes_per_account,
    )
    return answer(listed)


@router.get("/uploads/{upload}", responses=answers(200, Upload, "What is in the file", 401, 403, 404, 503))
async def get_upload(services: Provided, viewer: SignedIn, upload: str) -> Response:
    """What is in an uploaded file; for who sent it, and Super Admins of the account."""
    _require_permission(viewer)
    async with services.database.as_viewer(viewer, snapshot=True) as connection:
        kept = await _find(connection, viewer, upload)
        targets = await read_targets(connection)
    await _require_content(services.objects, upload_key(viewer.account_id, kept.id))
    return answer(_described(kept, targets))


@router.delete(
    "/uploads/{upload}", status_code=204, responses=answers(204, None, "It is gone", 401, 403, 404, 409, 503)
)
async def delete_upload(services: Provided, viewer: SignedIn, upload: str) -> Response:
    """Delete an uploaded file, unless a job that has not ended needs it."""
    _require_permission(viewer)
    async with services.database.as_viewer(viewer) as connection:
        kept = await _find(connection, viewer, upload)
        if await _SQL["upload_is_needed"].fetchval(connection, upload_id=kept.id):
            raise Problem(409, "A job that has not ended needs this file.", code="upload_needed")
    await _remove(services, viewer, kept.id)
    return Response(status_code=204)


def _require_permission(viewer: Viewer) -> None:
    if not may_import(viewer):
        raise Problem(403, f"Importing needs the permission {IMPORT_PERMISSION!r}.", code="not_permitted")


def _kind_of(name: str) -> Kind:
    """Raises Problem 422."""
    if has_unseen(name):
        detail = "A file name holds no control characters, nor any that turn round others."
        raise invalid([FieldProblem("name", detail)])
    for kind in MEDIA_TYPES:
        if name.lower().endswith(f".{kind}"):
            return kind
    raise invalid([FieldProblem("name", "Only files ending in .csv or .xlsx can be imported.")], code="unknown_kind")


def _refuse_form(request: Request) -> None:
    """Raises Problem 415: a form is not the file, and would be kept as if it were."""
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        detail = "Send the file itself as the body, not as a part of a form (with curl: --data-binary @people.csv)."
        raise Problem(415, detail, code="form_not_taken")


async def _keep(services: Services, viewer: Viewer, name: str, kind: Kind, file: ReceivedFile) -> Upload:
    """Look through the file and keep it. Raises Problem: 422 it cannot be imported, 429 too many are kept."""
    content = await file.content()
    inspection = await look_through(content)
    _refuse_unusable(kind, content, inspection)
    upload_id, settings = uuid4(), services.settings
    async with services.database.as_viewer(viewer) as connection:
        created_at = await _SQL["insert_upload"].fetchval(
            connection,
            upload_id=upload_id,
            account_id=viewer.account_id,
            user_id=viewer.user_id,
            name=name,
            media_type=MEDIA_TYPES[kind],
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            contents=msgspec.to_builtins(inspection.contents),
            files_max=settings.uploads_kept_per_user,
            account_bytes_max=settings.upload_bytes_per_account,
        )
        if created_at is None:
            raise await _too_many_kept(connection, viewer, settings)
        kept = await _find(connection, viewer, str(upload_id))
        targets = await read_targets(connection)
    await _store(services, viewer, upload_id, content)
    return _described(kept, targets)


async def _too_many_kept(connection: Connection, viewer: Viewer, settings: GatewaySettings) -> Problem:
    kept = await _SQL["kept_uploads"].fetchrow(connection, account_id=viewer.account_id, user_id=viewer.user_id)
    if kept is not None and kept["files"] < settings.uploads_kept_per_user:
        limit, most = "bytes of uploads per account", f"{settings.upload_bytes_per_account // 1024**2:,} MB"
        detail = f"Your account's files would be more than {most}, which is the most"
    else:
        limit, most = "uploads kept per user", str(settings.uploads_kept_per_user)
        detail = f"{most} of your files are kept already, which is the most"
    advice = "delete some you no longer need"
    return too_many(limit, f"{detail}: {advice}.", code="too_many_uploads", retry_after_s=RETRY_KEPT_S)


async def _store(services: Services, viewer: Viewer, upload_id: UUID, content: bytes) -> None:
    """Raises Problem 503 and leaves nothing, or, should the store be away altogether, a row for the sweep."""
    key = upload_key(viewer.account_id, upload_id)
    try:
        await services.objects.put(key, content)
    except Exception as error:
        if not is_temporary(error):
            raise
        with suppress(*TEMPORARY):
            await _remove(services, viewer, upload_id)
        raise unavailable("The file cannot be stored at the moment.") from error


def _refuse_unusable(kind: Kind, content: bytes, inspection: Inspection) -> None:
    if (kind == "xlsx") != content.startswith(ZIP) and content:
        detail = (
            "This is no Excel workbook." if kind == "xlsx" else "This is no CSV file, but a workbook or an archive."
        )
        raise invalid([FieldProblem("file", detail)], code="unknown_kind")
    if inspection.problem is not None:
        if inspection.problem.code == "too_much":
            metrics.LIMITED.labels("work of a workbook").inc()
        raise invalid([FieldProblem("file", inspection.problem.message)], code=inspection.problem.code)


async def _remove(services: Services, viewer: Viewer, upload_id: UUID) -> None:
    """The content first: after a crash in between the row is still there to be deleted."""
    await services.objects.delete([upload_key(viewer.account_id, upload_id)])
    async with services.database.as_viewer(viewer) as connection:
        await _SQL["delete_uploads"].execute(connection, upload_ids=[upload_id])


async def _find(connection: Connection, viewer: Viewer, reference: str) -> KeptUpload:
    """Raises Problem 404 unless the viewer may use it."""
    try:
        upload_id = UUID(reference)
    except ValueError:
        raise not_found() from None
    kept = await find_upload(connection, upload_id, viewer.user_id)
    if kept is None or kept.contents is None:
        raise not_found()
    return kept


async def _require_content(objects: ObjectStore, key: str) -> None:
    """Raises Problem: 404 it is gone, 503 the store is away."""
    try:
        await objects.size(key)
    except ObjectMissing:
        raise not_found() from None
    except TEMPORARY as error:
        raise unavailable("The file cannot be read at the moment.") from error


def _listed(row: asyncpg.Record) -> ListedUpload:
    return ListedUpload(
        id=row["id"],
        name=row["name"],
        kind=_kind_named(row["media_type"]),
        size_bytes=row["size_bytes"],
        created_at=row["created_at"],
        needed=row["needed"],
    )


def _described(kept: KeptUpload, targets: ImportTargets) -> Upload:
    contents = kept.contents
    assert contents is not None  # noqa: S101 - see _find
    return Upload(
        id=kept.id,
        name=kept.name,
        kind=_kind_named(kept.media_type),
        size_bytes=kept.size_bytes,
        sha256=kept.sha256,
        created_at=kept.created_at,
        columns=suggest(contents.headings, targets),
        rows=contents.rows,
        first_rows=contents.first_rows,
    )


def _kind_named(media_type: str) -> Kind:
    return "xlsx" if media_type == MEDIA_TYPES["xlsx"] else "csv"
