"""Starts a schedule's job at once."""

from datetime import datetime
from uuid import UUID, uuid4

from jobmonitor.crm.users import Viewer
from jobmonitor.gateway.access.dependencies import Services
from jobmonitor.gateway.access.job_types import startable
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.gateway.jobs.records import JobRecord
from jobmonitor.gateway.jobs.submissions import accept, params_of
from jobmonitor.gateway.schedules.keeping import SQL, find
from jobmonitor.schedules.dates import UnknownZone, zone_of


async def run_now(services: Services, viewer: Viewer, reference: str, key: str | None) -> tuple[UUID, JobRecord | None]:
    """A job of the schedule's owner, under a key of its own; of today, where it is told the date.

    Returns and raises what a submission does, and Problem 404.
    """
    async with services.database.as_viewer(viewer) as connection:
        schedule = (await find(connection, viewer, reference)).schedule
        now: datetime = await SQL["now"].fetchval(connection)
    job_type = startable(services.job_types, viewer, schedule.job_type)
    try:
        today = now.astimezone(zone_of(schedule.zone)).date()
    except UnknownZone as error:
        raise Problem(409, str(error), code="unknown_zone") from error
    submission = schedule.submission_on(today)
    params = params_of(job_type, submission.parameters)
    started = await accept(
        services, viewer, submission, job_type, params, f"schedule:{schedule.id}:now:{key or uuid4()}"
    )
    async with services.database.as_viewer(viewer) as connection:
        await SQL["note_last_job"].execute(connection, schedule_id=schedule.id, job_id=started[0])
    return started
