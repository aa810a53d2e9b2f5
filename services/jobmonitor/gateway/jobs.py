"""The HTTP addresses of jobs: start, list, look, stop; and what a form needs to know to start one."""

import base64
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response

from jobmonitor.contract.events import Instant
from jobmonitor.crm.export_options import ExportOptions, export_options
from jobmonitor.crm.users import Viewer
from jobmonitor.gateway import models
from jobmonitor.gateway.bodies import read_body
from jobmonitor.gateway.context import Onlooker, Provided, SignedIn, answer
from jobmonitor.gateway.items import JobTypes, details, item, location
from jobmonitor.gateway.openapi import answers, body
from jobmonitor.gateway.policy import may_start, owner_seen
from jobmonitor.gateway.problems import FieldError, Problem
from jobmonitor.gateway.reading import SQL, job_at
from jobmonitor.gateway.rows import View, job_row
from jobmonitor.gateway.submissions import preview, request_stop, submit

router = APIRouter(prefix="/api/v1", tags=["jobs"])

_EXAMPLE = {"type": "user-data-export", "parameters": {"format": "user"}}
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key in the same account is the same job, however often it is sent.",
    ),
]


@router.get("/job-types", responses=answers(200, models.JobTypes, "All job types", 401, 503))
async def list_job_types(services: Provided, viewer: SignedIn) -> Response:
    """The job types, and which of them you may start."""
    return answer(models.JobTypes(items=[_info(viewer, job_type) for job_type in services.job_types.values()]))


def _info(viewer: Viewer, job_type: Any) -> models.JobTypeInfo:
    return models.JobTypeInfo(
        type=job_type.slug,
        name=job_type.title,
        unit=job_type.unit,
        stoppable=job_type.stoppable,
        permission=job_type.permission,
        may_start=may_start(viewer, job_type),
        parameters_schema=msgspec.json.schema(job_type.params_type),
    )


@router.get("/export-options", responses=answers(200, ExportOptions, "What an export can be made of", 401, 503))
async def get_export_options(services: Provided, viewer: SignedIn) -> Response:
    """The account's export groups, profiles, pages, questions and broadcasts."""
    async with services.database.as_viewer(viewer, snapshot=True) as connection:
        return answer(await export_options(connection))


@router.post(
    "/job-preview",
    responses=answers(200, models.Preview, "How much work it would be", 400, 401, 403, 413, 415, 422, 503),
    openapi_extra=body(models.PreviewRequest, _EXAMPLE),
)
async def preview_job(request: Request, services: Provided, viewer: SignedIn) -> Response:
    """Counts what a job would do, without starting it."""
    return answer(await preview(services, viewer, await read_body(request, models.PreviewRequest)))


@router.post(
    "/jobs",
    status_code=202,
    responses=answers(202, models.Submitted, "Accepted", 400, 401, 403, 409, 413, 415, 422, 503),
    openapi_extra=body(models.SubmissionRequest, {**_EXAMPLE, "reference": "Spring appeal"}),
)
async def submit_job(request: Request, services: Provided, viewer: SignedIn, idempotency_key: Key = None) -> Response:
    """Start a job, now or later. After 503 or no answer at all send it again, with the same Idempotency-Key."""
    asked = await read_body(request, models.SubmissionRequest)
    job_id, job = await submit(services, viewer, asked, idempotency_key)
    place = location(job) if job else f"/api/v1/jobs/{job_id}"
    accepted = models.Submitted(
        id=job_id,
        number=job.number if job else None,
        location=place,
        job=item(job, services.job_types, datetime.now(UTC)) if job else None,
    )
    return answer(accepted, 202, {"location": place})


@router.get("/jobs", responses=answers(200, models.JobList, "A page of jobs", 401, 403, 422, 503))
async def list_jobs(
    services: Provided,
    viewer: Onlooker,
    view: View = "monitor",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(max_length=100, description="`next` of the page before")] = None,
    q: Annotated[
        str | None, Query(max_length=200, pattern=r"^[^\x00]*$", description="Job#, reference or type")
    ] = None,
    state: Annotated[
        Literal["all", "running", "scheduled", "ready"], Query(description="ready: ended, with something to download")
    ] = "all",
) -> Response:
    """Your jobs, a Super Admin's whole account; newest first by start, a scheduled job by its planned start."""
    place = _Place.decode(after) if after else _TOP
    whose = (viewer.account_id, owner_seen(viewer))
    filters = (None if state == "all" else state, *_search(q, services.job_types))
    async with services.database.as_viewer(viewer, snapshot=True) as connection:
        query = SQL["list_jobs"].replace("{view}", view)
        rows = await connection.fetch(query, *whose, *filters, place.sort_at, place.number, limit + 1)
        counts = await connection.fetchrow(SQL["count_jobs"].replace("{view}", view), *whose)
    last = rows[limit - 1] if len(rows) > limit else None
    now = datetime.now(UTC)
    page = models.JobList(
        items=[item(job_row(dict(row)), services.job_types, now) for row in rows[:limit]],
        next=_Place(last["sort_at"], last["number"]).encode() if last else None,
        counts=models.Counts(**dict(counts or {})),
    )
    return answer(page)


class _Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a page of the list ended. Stays right while jobs come and go above it."""

    sort_at: Instant
    number: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

    def encode(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "_Place":
        """Raises Problem 422."""
        try:
            place = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=cls)
            place.sort_at.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            errors = [FieldError(field="after", detail="This is not the `next` of a page.")]
            raise Problem(422, "`after` is not the `next` of a page.", code="invalid", errors=errors) from error
        return place


_TOP = _Place(datetime(9999, 1, 1, tzinfo=UTC), 2**63 - 1)


def _search(text: str | None, job_types: JobTypes) -> tuple[str | None, str | None, list[str]]:
    """Patterns for the reference and the Job#, and the types whose name matches; three times nothing for no search."""
    sought = (text or "").strip()
    if not sought:
        return None, None, []
    escaped = sought.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    number = sought.removeprefix("#")
    slugs = [slug for slug, job_type in job_types.items() if sought.casefold() in job_type.title.casefold()]
    return f"%{escaped}%", f"{number}%" if number.isdecimal() else None, slugs


@router.get("/jobs/{job}", responses=answers(200, models.JobDetails, "The job", 401, 403, 404, 503))
async def get_job(services: Provided, viewer: Onlooker, job: str) -> Response:
    """One job, by its Job# or its id, with all that happened to it."""
    row, timeline = await job_at(services.database, viewer, job)
    return answer(details(row, services.job_types, datetime.now(UTC), timeline))


@router.post(
    "/jobs/{job}/stop",
    status_code=202,
    responses=answers(202, models.Item, "The stop was asked for", 401, 403, 404, 409, 503),
)
async def stop_job(services: Provided, viewer: Onlooker, job: str) -> Response:
    """Ask for a job to be stopped. It may end before the wish is heard."""
    row, _ = await job_at(services.database, viewer, job)
    stopping = await request_stop(services, viewer, row)
    return answer(item(stopping, services.job_types, datetime.now(UTC)), 202)
