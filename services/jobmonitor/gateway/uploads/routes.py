"""The HTTP addresses of uploads: files that jobs read."""

from typing import Annotated

import asyncpg
import structlog
from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect

from jobmonitor.crm.uploads import upload_key
from jobmonitor.gateway.access.dependencies import ServicesDep, SignedIn, answer
from jobmonitor.gateway.access.job_types import startable
from jobmonitor.gateway.http.body_limits import UPLOADS
from jobmonitor.gateway.http.openapi import answers
from jobmonitor.gateway.http.problems import Problem, not_found, unavailable
from jobmonitor.gateway.uploads.keeping import SQL, describe, find_kept, keep, remove
from jobmonitor.gateway.uploads.models import ListedUpload, Upload, UploadList
from jobmonitor.gateway.uploads.readers import ending_of, reader_of, require_uploads
from jobmonitor.gateway.uploads.receiving import UploadSlots, received
from jobmonitor.runtime.failures import TEMPORARY
from jobmonitor.runtime.objects import ObjectMissing, ObjectStore

NAME_LENGTH_MAX = 255
NEARLY_FULL = 0.8
"""From this share of an account's bytes on, the list says that it is nearly full."""

router = APIRouter(prefix="/api/v1", tags=["uploads"])
log = structlog.stdlib.get_logger()

Name = Annotated[
    str, Query(min_length=1, max_length=NAME_LENGTH_MAX, description="The file's name; its ending says what it is.")
]
_TYPE = {"alias": "type", "max_length": 100, "pattern": r"^[^\x00]*$"}
Reads = Annotated[
    str | None,
    Query(**_TYPE, description="Slug of the job type that will read it; if left out, the first that takes the ending."),
]
ReadBy = Annotated[str | None, Query(**_TYPE, description="Slug of a job type: only files sent for it.")]
_FILE = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": _FILE}}}


@router.post(
    "/uploads",
    status_code=201,
    responses=answers(201, Upload, "Kept; what is in the file", 401, 403, 408, 413, 415, 422, 429, 503),
    openapi_extra=_BODY,
)
async def upload_file(
    request: Request, services: ServicesDep, viewer: SignedIn, name: Name, job_type: Reads = None
) -> Response:
    """Send a file for a job to read, as the body, whatever its Content-Type. Which files a job type reads, and how
    large they may be, its ``upload`` says.

    It is deleted after some days (a setting; a week, if nobody changed it), but not before the jobs that read it ended.
    """
    require_uploads(services.job_types, viewer)
    _refuse_form(request)
    reader = reader_of(services.job_types, viewer, name, job_type)
    slots: UploadSlots = request.app.state.upload_slots
    timeout_s = services.settings.upload_timeout_s
    try:
        with slots.slot(viewer):
            async with received(request, reader.rule.bytes_max, timeout_s) as file, slots.inspecting(viewer):
                upload = await keep(services, viewer, name, reader, file)
    except ClientDisconnect:
        log.info("upload_broken_off", by=viewer.user_id)
        return Response(status_code=400)  # for the metrics alone: the client is gone
    log.info("file_uploaded", upload=str(upload.id), by=viewer.user_id, size_bytes=upload.size_bytes)
    return answer(upload, 201, {"location": f"{UPLOADS}/{upload.id}"})


@router.get("/uploads", responses=answers(200, UploadList, "Your files, the newest first", 401, 403, 422, 503))
async def list_uploads(services: ServicesDep, viewer: SignedIn, job_type: ReadBy = None) -> Response:
    """The files you sent that are still kept."""
    require_uploads(services.job_types, viewer)
    if job_type is not None:
        startable(services.job_types, viewer, job_type)
    owner = {"account_id": viewer.account_id, "user_id": viewer.user_id}
    async with services.database.as_viewer(viewer) as connection:
        rows = await SQL["list_uploads"].fetch(connection, **owner, job_type=job_type)
        kept = await SQL["kept_uploads"].fetchrow(connection, **owner)
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
async def get_upload(services: ServicesDep, viewer: SignedIn, upload: str) -> Response:
    """What is in an uploaded file; for who sent it, and Super Admins of the account."""
    require_uploads(services.job_types, viewer)
    async with services.database.as_viewer(viewer, snapshot=True) as connection:
        kept, contents = await find_kept(connection, viewer, upload)
        described = await describe(services, viewer, kept, contents, connection)
    await _require_content(services.objects, upload_key(viewer.account_id, kept.id))
    return answer(described)


@router.delete(
    "/uploads/{upload}", status_code=204, responses=answers(204, None, "It is gone", 401, 403, 404, 409, 503)
)
async def delete_upload(services: ServicesDep, viewer: SignedIn, upload: str) -> Response:
    """Delete an uploaded file, unless a job that has not ended needs it."""
    require_uploads(services.job_types, viewer)
    async with services.database.as_viewer(viewer) as connection:
        kept, _ = await find_kept(connection, viewer, upload)
        if await SQL["upload_is_needed"].fetchval(connection, upload_id=kept.id):
            raise Problem(409, "A job that has not ended needs this file.", code="upload_needed")
    await remove(services, viewer, kept.id)
    return Response(status_code=204)


def _refuse_form(request: Request) -> None:
    """Raises Problem 415: a form is not the file, and would be kept as if it were."""
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        detail = "Send the file itself as the body, not as a part of a form (with curl: --data-binary @people.csv)."
        raise Problem(415, detail, code="form_not_taken")


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
        type=row["job_type"],
        name=row["name"],
        kind=ending_of(row["name"]),
        size_bytes=row["size_bytes"],
        created_at=row["created_at"],
        needed=row["needed"],
    )
