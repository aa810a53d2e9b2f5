"""Downloads: the result file of an ended job, or a failed job's report.

A job leaves the monitor when somebody who may have its result has received all of it, in one transfer or in ranges that
together leave no gap (``recording``). A transfer that broke off leaves it where it is (domain rule 2.1, invariant 23).
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Request, Response

from jobmonitor.contract.events import result_key
from jobmonitor.crm.users import Viewer
from jobmonitor.gateway.access.dependencies import MonitorUser, Services, ServicesDep
from jobmonitor.gateway.downloads.ranges import Span, Unsatisfiable, requested_span
from jobmonitor.gateway.downloads.recording import record
from jobmonitor.gateway.downloads.transfers import Damaged, Transfer
from jobmonitor.gateway.http.limits import HoldingResponse
from jobmonitor.gateway.http.openapi import answers
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.gateway.jobs.items import result_file, title
from jobmonitor.gateway.jobs.models import ResultFile
from jobmonitor.gateway.jobs.reading import job_at
from jobmonitor.gateway.jobs.records import JobRecord
from jobmonitor.gateway.jobs.reports import render_report
from jobmonitor.job.state import ENDED
from jobmonitor.runtime.objects import ObjectMissing, ObjectStore

router = APIRouter(prefix="/api/v1", tags=["results"])
log = structlog.stdlib.get_logger()

_FILE = answers(200, None, "The file", 401, 403, 404, 409, 410, 416, 429, 503)
_FILE[200]["content"] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
_FILE[206] = {**_FILE[200], "description": "A part of the file"}
_FILE[304] = {"description": "You have this file already"}


@dataclass(frozen=True)
class _Download:
    """What one request asked for and may have."""

    job: JobRecord
    file: ResultFile
    sha256: str
    key: str | None
    """In the object store; None for a report."""
    report: bytes

    @property
    def etag(self) -> str:
        return f'"{self.sha256}"'


@router.get("/jobs/{job}/result", responses=_FILE, response_class=Response)
async def download_result(request: Request, services: ServicesDep, viewer: MonitorUser, job: str) -> Response:
    """Download the result. Once you have received all of it the job moves to the history."""
    row, _ = await job_at(services.database, viewer, job)
    download = _offered(row, services)
    if request.headers.get("if-none-match") == download.etag:
        return Response(status_code=304, headers={"etag": download.etag})
    await _compare_size(services.objects, download)
    transfer = _transfer(services, viewer, download, _span(request, download))
    return HoldingResponse(services.rates.download(viewer), transfer)


@router.head("/jobs/{job}/result", responses=_FILE, response_class=Response)
async def describe_result(request: Request, services: ServicesDep, viewer: MonitorUser, job: str) -> Response:
    """The headers of the download. Never counts as one."""
    return await download_result(request, services, viewer, job)


def _transfer(services: Services, viewer: Viewer, download: _Download, part: Span | None) -> Transfer:
    size_bytes = download.file.size_bytes
    span = part or Span(0, size_bytes)
    headers = _headers(download)
    if part:
        headers["content-range"] = f"bytes {span.start}-{span.end - 1}/{size_bytes}"

    async def on_received(received_bytes: int) -> None:
        received = Span(span.start, span.start + received_bytes)
        await record(services, viewer, download.job, received, size_bytes)

    return Transfer(
        _content(services.objects, download, span),
        span.end - span.start,
        status=206 if part else 200,
        headers=headers,
        timeout_s=services.settings.download_timeout_s,
        on_received=on_received,
    )


def _offered(job: JobRecord, services: Services) -> _Download:
    """Raises Problem: 404 there never will be a result, 409 there is none yet, 410 it expired."""
    file = result_file(job, services.job_types, datetime.now(UTC))
    if file is None and job.state in ENDED:
        raise Problem(404, "This job has no result.", code="no_result")
    if file is None:
        raise Problem(409, "The result is not ready yet.", code="not_ready")
    if file.expired:
        raise Problem(410, "The result has expired and was removed.", code="expired")
    if job.result is not None and file.kind == "file":
        return _Download(job, file, job.result.sha256, result_key(job.account_id, job.job_id, job.result), b"")
    report = render_report(job, title(job, services.job_types))
    return _Download(job, file, sha256(report).hexdigest(), None, report)


async def _compare_size(objects: ObjectStore, download: _Download) -> None:
    """Raises Problem 500 before a byte is sent where the stored file cannot be the one described."""
    if download.key is None:
        return
    try:
        size_bytes = await objects.size(download.key)
    except ObjectMissing:
        size_bytes = None
    if size_bytes != download.file.size_bytes:
        log.error("result_damaged", job=download.job.number, key=download.key, size_bytes=size_bytes)
        raise Problem(500, "The stored result is damaged or missing. The error was logged; please start the job again.")


def _span(request: Request, download: _Download) -> Span | None:
    """The part asked for. Raises Problem 416."""
    condition = request.headers.get("if-range")
    if condition is not None and condition != download.etag:
        return None
    try:
        return requested_span(request.headers.get("range"), download.file.size_bytes)
    except Unsatisfiable:
        size_bytes = download.file.size_bytes
        headers = {"content-range": f"bytes */{size_bytes}"}
        detail = f"The file has {size_bytes} bytes; none of them is in that range."
        raise Problem(416, detail, code="no_such_range", headers=headers) from None


def _headers(download: _Download) -> dict[str, str]:
    name = download.file.name
    return {
        "content-type": download.file.media_type,
        # RFC 6266: the second form is for names beyond ASCII, should a slug ever hold one
        "content-disposition": f"attachment; filename=\"{name}\"; filename*=UTF-8''{quote(name)}",
        "etag": download.etag,
        "accept-ranges": "bytes",
        "cache-control": "private, no-store",
    }


async def _content(objects: ObjectStore, download: _Download, span: Span) -> AsyncIterator[bytes]:
    """The bytes. A whole file is compared with its SHA-256 before its last piece leaves. Raises Damaged."""
    if download.key is None:
        yield download.report[span.start : span.end]
        return
    whole = span.end - span.start == download.file.size_bytes
    digest, held = sha256(), b""
    try:
        async for piece in objects.stream(download.key, span.start, span.end):
            if whole:
                digest.update(piece)
            if held:
                yield held
            held = piece
    except ObjectMissing as error:
        raise Damaged(f"{download.key} is gone") from error
    if whole and digest.hexdigest() != download.sha256:
        raise Damaged(f"{download.key} does not match its SHA-256")
    yield held
