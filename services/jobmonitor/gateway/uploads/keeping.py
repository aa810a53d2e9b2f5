"""Keeps a file that has arrived: looked through, counted against what may be kept, stored.

The row is written before the content is stored: a crash in between leaves a row without content, which is like no
upload and goes with the old ones (``sweep``), but never content nobody knows of.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import msgspec

from jobmonitor.crm.uploads import Upload as KeptUpload
from jobmonitor.crm.uploads import UploadContents, find_upload, upload_key
from jobmonitor.crm.users import Viewer
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements
from jobmonitor.gateway import metrics
from jobmonitor.gateway.access.dependencies import Services
from jobmonitor.gateway.access.job_types import require_start
from jobmonitor.gateway.http.bodies import invalid
from jobmonitor.gateway.http.limits import too_many
from jobmonitor.gateway.http.problems import Problem, not_found, unavailable
from jobmonitor.gateway.settings import GatewaySettings
from jobmonitor.gateway.uploads.models import Upload
from jobmonitor.gateway.uploads.readers import Reader, ending_of
from jobmonitor.gateway.uploads.receiving import ReceivedFile
from jobmonitor.job_types.files.endings import contradiction
from jobmonitor.job_types.files.look_through import look_through
from jobmonitor.job_types.inspection import Inspection
from jobmonitor.job_types.parameters import FieldProblem
from jobmonitor.job_types.protocol import Context, JobType
from jobmonitor.runtime.failures import TEMPORARY, is_temporary

RETRY_KEPT_S = 3600
"""When the next old file may have gone by itself (``sweep``)."""

SQL = statements("jobmonitor.gateway.uploads.sql")


async def keep(services: Services, viewer: Viewer, name: str, reader: Reader, file: ReceivedFile) -> Upload:
    """Look through the file and keep it. Raises Problem: 422 it cannot be used, 429 too many are kept, 503."""
    content = await file.content()
    contents = await _inspected(reader, content)
    upload_id, settings, job_type = uuid4(), services.settings, reader.job_type
    async with services.database.as_viewer(viewer) as connection:
        created_at = await SQL["insert_upload"].fetchval(
            connection,
            upload_id=upload_id,
            account_id=viewer.account_id,
            user_id=viewer.user_id,
            job_type=job_type.slug,
            name=name,
            media_type=reader.media_type,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            contents=msgspec.to_builtins(contents),
            files_max=settings.uploads_kept_per_user,
            account_bytes_max=settings.upload_bytes_per_account,
        )
        if created_at is None:
            raise await _too_many_kept(connection, viewer, settings)
        columns = await _columns(services, viewer, job_type, contents, connection)
    await _store(services, viewer, upload_id, content)
    kept = KeptUpload(
        id=upload_id,
        job_type=job_type.slug,
        name=name,
        media_type=reader.media_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        created_at=created_at,
    )
    return _described(kept, contents, columns)


async def find_kept(connection: Connection, viewer: Viewer, reference: str) -> tuple[KeptUpload, UploadContents]:
    """Raises Problem 404 unless the viewer may use it."""
    try:
        upload_id = UUID(reference)
    except ValueError:
        raise not_found() from None
    kept = await find_upload(connection, upload_id, viewer.user_id)
    if kept is None or kept.contents is None:
        raise not_found()
    return kept, kept.contents


async def describe(
    services: Services, viewer: Viewer, kept: KeptUpload, contents: UploadContents, connection: Connection
) -> Upload:
    """Raises Problem 403: the viewer may not start the jobs it was sent for."""
    if (job_type := services.job_types.get(kept.job_type)) is None:
        return _described(kept, contents, [])
    require_start(viewer, job_type)
    return _described(kept, contents, await _columns(services, viewer, job_type, contents, connection))


async def _columns(
    services: Services, viewer: Viewer, job_type: JobType[Any], contents: UploadContents, connection: Connection
) -> Sequence[msgspec.Struct]:
    context = Context(connection, services.objects, account_id=viewer.account_id, owner_id=viewer.user_id)
    return await job_type.columns(contents, context)


def _described(kept: KeptUpload, contents: UploadContents, columns: Sequence[msgspec.Struct]) -> Upload:
    return Upload(
        id=kept.id,
        type=kept.job_type,
        name=kept.name,
        kind=ending_of(kept.name),
        size_bytes=kept.size_bytes,
        sha256=kept.sha256,
        created_at=kept.created_at,
        columns=msgspec.to_builtins(columns),
        rows=contents.rows,
        first_rows=contents.first_rows,
    )


async def remove(services: Services, viewer: Viewer, upload_id: UUID) -> None:
    """The content first: after a crash in between the row is still there to be deleted."""
    await services.objects.delete([upload_key(viewer.account_id, upload_id)])
    async with services.database.as_viewer(viewer) as connection:
        await SQL["delete_uploads"].execute(connection, upload_ids=[upload_id])


async def _inspected(reader: Reader, content: bytes) -> UploadContents:
    """What is in the file. Raises Problem: 422 it cannot be used, 503 it could not be looked through."""
    if reader.rule.inspect is None:
        return Inspection().contents
    if (reason := contradiction(reader.ending, content)) is not None:
        raise invalid([FieldProblem("file", reason)], code="unknown_kind")
    try:
        inspection = await look_through(content, reader.rule.inspect)
    except TEMPORARY as error:
        raise unavailable("The file cannot be looked through at the moment.") from error
    if inspection.problem is None:
        return inspection.contents
    if inspection.problem.code == "too_much":
        metrics.LIMITED.labels("work of a workbook").inc()
    raise invalid([FieldProblem("file", inspection.problem.message)], code=inspection.problem.code)


async def _too_many_kept(connection: Connection, viewer: Viewer, settings: GatewaySettings) -> Problem:
    kept = await SQL["kept_uploads"].fetchrow(connection, account_id=viewer.account_id, user_id=viewer.user_id)
    if kept is not None and kept["files"] < settings.uploads_kept_per_user:
        limit, most = "bytes of uploads per account", f"{settings.upload_bytes_per_account // 1024**2:,} MB"
        detail = f"Your account keeps {most} of files at most"
    else:
        limit, most = "uploads kept per user", str(settings.uploads_kept_per_user)
        detail = f"{most} of your files are kept already, and no more are allowed"
    advice = "delete some you no longer need"
    return too_many(limit, f"{detail}: {advice}.", code="too_many_uploads", retry_after_s=RETRY_KEPT_S)


async def _store(services: Services, viewer: Viewer, upload_id: UUID, content: bytes) -> None:
    """Raises Problem 503 and leaves nothing, or, should the store be away altogether, a row for the sweep."""
    try:
        await services.objects.put(upload_key(viewer.account_id, upload_id), content)
    except Exception as error:
        if not is_temporary(error):
            raise
        with suppress(*TEMPORARY):
            await remove(services, viewer, upload_id)
        raise unavailable("The file cannot be stored at the moment.") from error
