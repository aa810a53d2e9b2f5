"""Turns schedules into what clients see: with their last jobs, and with what stands against the next ones."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from jobmonitor.database.pool import Connection
from jobmonitor.gateway.access.dependencies import Services
from jobmonitor.gateway.access.job_types import JobTypesBySlug
from jobmonitor.gateway.jobs.items import job_of
from jobmonitor.gateway.jobs.models import Job, Owner
from jobmonitor.gateway.jobs.reading import jobs_by_id
from jobmonitor.gateway.schedules import models
from jobmonitor.gateway.schedules.models import WEEKDAYS
from jobmonitor.job_types.parameters import BadParameters, read_parameters
from jobmonitor.schedules.dates import UnknownZone
from jobmonitor.schedules.schedule import Schedule


class Found(NamedTuple):
    """A schedule that the viewer sees."""

    schedule: Schedule
    owner_name: str | None


async def shown(services: Services, connection: Connection, found: Found) -> models.Schedule:
    """One as clients see it."""
    return (await all_shown(services, connection, [found]))[0]


async def all_shown(services: Services, connection: Connection, found: Sequence[Found]) -> list[models.Schedule]:
    """As clients see them, each with its last job."""
    last = [each.schedule.last_job_id for each in found if each.schedule.last_job_id is not None]
    now = datetime.now(UTC)
    jobs = {job.job_id: job_of(job, services.job_types, now) for job in await jobs_by_id(connection, last)}
    return [_item(each, services.job_types, jobs) for each in found]


def _item(found: Found, job_types: JobTypesBySlug, jobs: Mapping[UUID, Job]) -> models.Schedule:
    schedule = found.schedule
    weekdays = None if schedule.weekdays is None else [WEEKDAYS[day - 1] for day in schedule.weekdays]
    return models.Schedule(
        id=schedule.id,
        name=schedule.name,
        type=schedule.job_type,
        parameters=schedule.parameters,
        time=schedule.local_time.strftime("%H:%M"),
        time_zone=schedule.zone,
        weekdays=weekdays,
        month_day=schedule.month_day,
        reference=schedule.reference,
        date_parameter=schedule.date_parameter,
        missed=schedule.missed,
        owner=Owner(id=schedule.owner_id, name=found.owner_name or f"User {schedule.owner_id}"),
        paused=schedule.paused,
        created_at=schedule.created_at,
        next_date=schedule.next_date,
        next_at=schedule.next_at,
        problem=_problem(schedule, job_types),
        last_job=jobs.get(schedule.last_job_id) if schedule.last_job_id else None,
    )


def _problem(schedule: Schedule, job_types: JobTypesBySlug) -> str | None:
    """Why its jobs cannot start, or would fail; None where nothing is known to stand against them."""
    job_type = job_types.get(schedule.job_type)
    if job_type is None:
        return f"There is no job type {schedule.job_type!r}."
    try:
        read_parameters(job_type.params_type, schedule.submission_on(schedule.next_date).parameters)
        schedule.rule.instant_of(schedule.next_date)
    except BadParameters as error:
        return f"The parameters no longer fit. {error}"
    except UnknownZone as error:
        return str(error)
    return None
