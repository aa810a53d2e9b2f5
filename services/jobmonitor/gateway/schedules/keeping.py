"""Schedules in the database: added, found, paused, resumed, removed."""

from datetime import date, time
from uuid import UUID

import asyncpg
import msgspec

from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.limits import has_unseen
from jobmonitor.crm.users import Viewer
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements
from jobmonitor.gateway.access.dependencies import Services
from jobmonitor.gateway.access.job_types import startable
from jobmonitor.gateway.access.policy import may_schedule_for_system, may_see
from jobmonitor.gateway.http.bodies import invalid
from jobmonitor.gateway.http.limits import too_many
from jobmonitor.gateway.http.problems import Problem, not_found
from jobmonitor.gateway.jobs.submissions import check_new, params_of, require_allowed
from jobmonitor.gateway.schedules.models import WEEKDAYS, ScheduleRequest
from jobmonitor.gateway.schedules.models import Schedule as Shown
from jobmonitor.gateway.schedules.showing import Found, all_shown, shown
from jobmonitor.job_types.parameters import FieldProblem
from jobmonitor.schedules.dates import Rule, UnknownZone, zone_of
from jobmonitor.schedules.schedule import schedule_of

RETRY_FULL_S = 3600.0
"""Until somebody removes a schedule, nothing changes."""

SQL = statements("jobmonitor.gateway.schedules.sql")


async def add(services: Services, viewer: Viewer, request: ScheduleRequest) -> Shown:
    """Raises Problem: 403, 409, 422 it is known to be impossible, 429 the account has too many."""
    rule = _rule(viewer, request)
    async with services.database.as_viewer(viewer) as connection:
        (system,) = await SQL["system_user"].fetch(connection, account_id=viewer.account_id)
    owner_id = _owner(viewer, request, system["id"])
    day = rule.first_after(system["now"])
    submission = await _checked(services, viewer, request, owner_id, day)
    async with services.database.as_viewer(viewer) as connection:
        await _refuse_too_many(services, connection)
        schedule_id = await _insert(connection, request, rule, submission, day)
        return await shown(services, connection, await find(connection, viewer, str(schedule_id)))


async def find(connection: Connection, viewer: Viewer, reference: str) -> Found:
    """Raises Problem 404 unless the viewer sees it."""
    try:
        schedule_id = UUID(reference)
    except ValueError:
        raise not_found() from None
    row = await SQL["find_schedule"].fetchrow(connection, schedule_id=schedule_id)
    if row is None or not may_see(viewer, schedule := schedule_of(dict(row))):
        raise not_found()
    return Found(schedule, row["owner_name"])


async def list_all(services: Services, viewer: Viewer) -> list[Shown]:
    """Those the viewer sees, by name."""
    async with services.database.as_viewer(viewer, snapshot=True) as connection:
        rows = await SQL["list_schedules"].fetch(connection)
        found = [Found(schedule_of(dict(row)), row["owner_name"]) for row in rows]
        return await all_shown(services, connection, [each for each in found if may_see(viewer, each.schedule)])


async def pause(services: Services, viewer: Viewer, reference: str) -> Shown:
    """Nothing starts until it is resumed. Repeatable. Raises Problem 404."""
    async with services.database.as_viewer(viewer) as connection:
        found = await find(connection, viewer, reference)
        await SQL["pause_schedule"].execute(connection, schedule_id=found.schedule.id)
        return await shown(services, connection, await find(connection, viewer, reference))


async def resume(services: Services, viewer: Viewer, reference: str) -> Shown:
    """Go on with the first date after now; one that was not paused is left as it is. Raises Problem 404, 409."""
    async with services.database.as_viewer(viewer) as connection:
        schedule = (await find(connection, viewer, reference)).schedule
        try:
            day = schedule.rule.first_after(await SQL["now"].fetchval(connection))
            next_at = schedule.rule.instant_of(day)
        except UnknownZone as error:
            raise Problem(409, str(error), code="unknown_zone") from error
        await SQL["resume_schedule"].execute(connection, schedule_id=schedule.id, next_date=day, next_at=next_at)
        return await shown(services, connection, await find(connection, viewer, reference))


async def remove(services: Services, viewer: Viewer, reference: str) -> None:
    """Its jobs stay. Raises Problem 404."""
    async with services.database.as_viewer(viewer) as connection:
        found = await find(connection, viewer, reference)
        await SQL["remove_schedule"].execute(connection, schedule_id=found.schedule.id)


def _rule(viewer: Viewer, request: ScheduleRequest) -> Rule:
    """Raises Problem 422."""
    if has_unseen(request.name) or not request.name.strip():
        raise invalid([FieldProblem("name", "Write the name on one line.")])
    if request.weekdays is not None and request.month_day is not None:
        raise invalid([FieldProblem("month_day", "Give weekdays or a day of the month, not both.")])
    zone = request.time_zone or viewer.display_tz
    try:
        zone_of(zone)
    except UnknownZone as error:
        raise _no_such_zone() from error
    weekdays = None if request.weekdays is None else frozenset(WEEKDAYS.index(day) + 1 for day in request.weekdays)
    return Rule(zone=zone, local_time=time.fromisoformat(request.time), weekdays=weekdays, month_day=request.month_day)


def _no_such_zone() -> Problem:
    return invalid([FieldProblem("time_zone", "There is no such time zone. Give one as in America/New_York.")])


def _owner(viewer: Viewer, request: ScheduleRequest, system_id: int) -> int:
    """Raises Problem 403."""
    if request.owner == "me":
        return viewer.user_id
    if not may_schedule_for_system(viewer):
        raise Problem(403, "Only a Super Admin may make a schedule of the system user.", code="not_permitted")
    return system_id


async def _checked(
    services: Services, viewer: Viewer, request: ScheduleRequest, owner_id: int, day: date
) -> JobSubmitted:
    """The submission of a date, without it. Raises Problem like a submission would."""
    job_type = startable(services.job_types, viewer, request.type)
    if job_type.upload is not None:
        detail = "Jobs of this type read a file that is sent for each of them: they cannot start by themselves."
        raise invalid([FieldProblem("type", detail)])
    dated = {request.date_parameter: day.isoformat()} if request.date_parameter else {}
    params = params_of(job_type, {**request.parameters, **dated})
    parameters = {name: value for name, value in msgspec.to_builtins(params).items() if name not in dated}
    submission = JobSubmitted(
        account_id=viewer.account_id,
        owner_id=owner_id,
        job_type=job_type.slug,
        parameters=parameters,
        reference=(request.reference or "").strip() or None,
    )
    require_allowed(submission)
    await check_new(services, viewer, submission, job_type, params)
    return submission


async def _refuse_too_many(services: Services, connection: Connection) -> None:
    most = services.settings.schedules_per_account
    if await SQL["count_schedules"].fetchval(connection) >= most:
        detail = f"Your account has {most} schedules already, and no more are allowed: remove one first."
        raise too_many("schedules per account", detail, code="too_many_schedules", retry_after_s=RETRY_FULL_S)


async def _insert(
    connection: Connection, request: ScheduleRequest, rule: Rule, submission: JobSubmitted, day: date
) -> UUID:
    try:
        schedule_id: UUID | None = await SQL["add_schedule"].fetchval(
            connection,
            account_id=submission.account_id,
            owner_id=submission.owner_id,
            name=request.name.strip(),
            job_type=submission.job_type,
            parameters=submission.parameters,
            reference=submission.reference,
            zone=rule.zone,
            local_time=rule.local_time,
            weekdays=None if rule.weekdays is None else sorted(rule.weekdays),
            month_day=rule.month_day,
            missed=request.missed,
            date_parameter=request.date_parameter,
            next_date=day,
            next_at=rule.instant_of(day),
        )
    except (asyncpg.InvalidParameterValueError, asyncpg.CheckViolationError) as error:
        raise invalid(
            [FieldProblem("time_zone", "This time zone cannot be used. Give one as in America/New_York.")]
        ) from error
    if schedule_id is None:
        raise Problem(409, f"There is a schedule {request.name.strip()!r} already.", code="name_taken")
    return schedule_id
