"""The HTTP addresses of jobs: start, list, look, stop."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from msgspec.structs import replace
from pydantic import AwareDatetime, BeforeValidator

from jobmonitor.gateway.access.dependencies import MonitorUser, Services, ServicesDep, answer
from jobmonitor.gateway.access.tokens import AskerDep, with_token_id
from jobmonitor.gateway.http.bodies import read_body
from jobmonitor.gateway.http.openapi import answers, body
from jobmonitor.gateway.http.problems import FieldError, Problem
from jobmonitor.gateway.jobs import models
from jobmonitor.gateway.jobs.items import details, item, job_of, location
from jobmonitor.gateway.jobs.lists import Filter, ListQuery, Position, page_of
from jobmonitor.gateway.jobs.reading import NUMBER_AT_MOST, job_at, relatives_of
from jobmonitor.gateway.jobs.records import JobRecord, View
from jobmonitor.gateway.jobs.stops import request_stop
from jobmonitor.gateway.jobs.submissions import preview, submit

router = APIRouter(prefix="/api/v1", tags=["jobs"])


def _no_number(text: str) -> str:
    """Refuse bare numbers, which the library would read as seconds since 1970."""
    if re.search(r" \d\d:?\d\d$", text):
        raise ValueError("a + in an address stands for a space: write %2B before the offset, as in 12:00:00%2B05:30")
    if text.replace(".", "", 1).lstrip("+-").isdecimal():
        raise ValueError("this is a number, not a date and time")
    return text


_Moment = Annotated[AwareDatetime, BeforeValidator(_no_number)]

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


@router.post(
    "/job-preview",
    responses=answers(200, models.Preview, "How much work it is", 400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
    openapi_extra=body(models.PreviewRequest),
)
async def preview_job(request: Request, services: ServicesDep, asking: AskerDep) -> Response:
    """Counts what a job would do, without starting it."""
    asked = await read_body(request, models.PreviewRequest)
    with services.rates.preview(asking.viewer):
        parameters = await with_token_id(services, asking, asked.type, asked.parameters)
        return answer(await preview(services, asking.viewer, replace(asked, parameters=parameters)))


@router.post(
    "/jobs",
    status_code=202,
    responses=answers(202, models.Submitted, "Accepted", 400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
    openapi_extra=body(models.SubmissionRequest),
)
async def submit_job(
    request: Request, services: ServicesDep, asking: AskerDep, idempotency_key: Key = None
) -> Response:
    """Start a job, now or later. After 503 or no answer at all send it again, with the same Idempotency-Key.

    Jobs whose type has the parameter `token_id` can be asked for with a token, as the parameter `token` or as
    `Authorization: Bearer`; then nobody has to be logged in.
    """
    asked = await read_body(request, models.SubmissionRequest)
    services.rates.note_submission(asking.viewer, asyncio.get_running_loop().time())
    parameters = await with_token_id(services, asking, asked.type, asked.parameters)
    job_id, job = await submit(services, asking.viewer, replace(asked, parameters=parameters), idempotency_key)
    return submitted(job_id, job, services)


def submitted(job_id: UUID, job: JobRecord | None, services: Services) -> Response:
    """The answer to who started this job; ``job`` is what the monitor shows of it."""
    address = location(job) if job else f"/api/v1/jobs/{job_id}"
    accepted = models.Submitted(
        id=job_id,
        number=job.number if job else None,
        location=address,
        job=item(job, services.job_types, datetime.now(UTC)) if job else None,
    )
    return answer(accepted, 202, {"location": address})


@router.get("/jobs", responses=answers(200, models.JobList, "A page of jobs", 401, 403, 422, 503))
async def list_jobs(
    services: ServicesDep,
    viewer: MonitorUser,
    view: View = "monitor",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(max_length=100, description="`next` of the page before")] = None,
    q: Annotated[
        str | None, Query(max_length=200, pattern=r"^[^\x00]*$", description="Job#, reference or type")
    ] = None,
    state: Annotated[Filter, Query(description="ready: ended, with something to download")] = "all",
    job_type: Annotated[
        str | None, Query(alias="type", max_length=100, pattern=r"^[^\x00]*$", description="Slug of a job type")
    ] = None,
    owner: Annotated[int | None, Query(ge=1, le=NUMBER_AT_MOST, description="Id of who started it")] = None,
    since: Annotated[_Moment | None, Query(description="Not older, in the order of the list")] = None,
    until: Annotated[_Moment | None, Query(description="Older than this, in the order of the list")] = None,
) -> Response:
    """Your jobs, a Super Admin's whole account; newest first by start, a scheduled job by its planned start.

    A search with `q`, and some other conditions, look at a thousand jobs at a time: a page may hold fewer jobs than
    `limit`, even none, and still have a `next`.
    """
    query = ListQuery(
        view=view,
        limit=limit,
        after=Position.decode(after) if after else None,
        state=state,
        q=(q or "").strip(),
        job_type=job_type,
        owner_id=owner,
        since=_in_utc("since", since),
        until=_in_utc("until", until),
    )
    return answer(await page_of(services.database, viewer, query, services.job_types))


def _in_utc(field: str, moment: datetime | None) -> datetime | None:
    """Raises Problem 422: there is no such moment."""
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError as error:
        errors = [FieldError(field=field, detail="This date is out of range.")]
        raise Problem(422, f"`{field}` is out of range.", code="invalid", errors=errors) from error


@router.get("/jobs/{job}", responses=answers(200, models.JobDetails, "The job", 401, 403, 404, 503))
async def get_job(services: ServicesDep, viewer: MonitorUser, job: str) -> Response:
    """One job, by its Job# or its id, with all that happened to it, and the jobs it is related to."""
    row, timeline = await job_at(services.database, viewer, job)
    parent, children = await relatives_of(services.database, viewer, row)
    return answer(details(row, services.job_types, datetime.now(UTC), timeline, parent, children))


@router.post(
    "/jobs/{job}/stop",
    status_code=202,
    responses=answers(202, models.Job, "The stop was asked for", 401, 403, 404, 409, 503),
)
async def stop_job(services: ServicesDep, viewer: MonitorUser, job: str) -> Response:
    """Ask for a job to be stopped. It may end before the request takes effect."""
    row, _ = await job_at(services.database, viewer, job)
    stopping = await request_stop(services, viewer, row)
    return answer(job_of(stopping, services.job_types, datetime.now(UTC)), 202)
