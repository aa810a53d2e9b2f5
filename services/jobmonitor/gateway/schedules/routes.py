"""The HTTP addresses of schedules: jobs that start by themselves."""

import asyncio

from fastapi import APIRouter, Request, Response

from jobmonitor.gateway.access.dependencies import MonitorUser, ServicesDep, answer
from jobmonitor.gateway.http.bodies import read_body
from jobmonitor.gateway.http.openapi import answers, body
from jobmonitor.gateway.jobs.models import Submitted
from jobmonitor.gateway.jobs.routes import Key, submitted
from jobmonitor.gateway.schedules.keeping import add, list_all, pause, remove, resume
from jobmonitor.gateway.schedules.models import Schedule, ScheduleList, ScheduleRequest
from jobmonitor.gateway.schedules.starting import run_now

router = APIRouter(prefix="/api/v1", tags=["schedules"])


@router.get("/schedules", responses=answers(200, ScheduleList, "The schedules you see", 401, 403, 503))
async def list_schedules(services: ServicesDep, viewer: MonitorUser) -> Response:
    """Your schedules, a Super Admin's whole account; by name."""
    return answer(ScheduleList(items=await list_all(services, viewer)))


@router.post(
    "/schedules",
    status_code=201,
    responses=answers(201, Schedule, "Added", 400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
    openapi_extra=body(ScheduleRequest),
)
async def add_schedule(request: Request, services: ServicesDep, viewer: MonitorUser) -> Response:
    """Let jobs start by themselves from the next date on. It needs what starting one does."""
    asked = await read_body(request, ScheduleRequest)
    return answer(await add(services, viewer, asked), 201)


@router.post(
    "/schedules/{schedule}/pause", responses=answers(200, Schedule, "Nothing starts any more", 401, 403, 404, 503)
)
async def pause_schedule(services: ServicesDep, viewer: MonitorUser, schedule: str) -> Response:
    """Let nothing start until it is resumed. Dates that go by meanwhile are not made up for."""
    return answer(await pause(services, viewer, schedule))


@router.post("/schedules/{schedule}/resume", responses=answers(200, Schedule, "It goes on", 401, 403, 404, 409, 503))
async def resume_schedule(services: ServicesDep, viewer: MonitorUser, schedule: str) -> Response:
    """Go on with the next date after now."""
    return answer(await resume(services, viewer, schedule))


@router.post(
    "/schedules/{schedule}/run",
    status_code=202,
    responses=answers(202, Submitted, "A job was accepted", 401, 403, 404, 409, 422, 429, 503),
)
async def run_schedule(
    services: ServicesDep, viewer: MonitorUser, schedule: str, idempotency_key: Key = None
) -> Response:
    """Start a job of it at once, paused or not. The next date stays as it is."""
    services.rates.note_submission(viewer, asyncio.get_running_loop().time())
    job_id, job = await run_now(services, viewer, schedule, idempotency_key)
    return submitted(job_id, job, services)


@router.delete("/schedules/{schedule}", status_code=204, responses=answers(204, None, "It is gone", 401, 403, 404, 503))
async def remove_schedule(services: ServicesDep, viewer: MonitorUser, schedule: str) -> Response:
    """Let nothing more of it start. The jobs it started stay."""
    await remove(services, viewer, schedule)
    return Response(status_code=204)
