"""Schedules as the API takes and shows them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from jobmonitor.contract.events import Slug
from jobmonitor.gateway.jobs.models import Job, Owner
from jobmonitor.schedules.dates import Missed

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class ScheduleRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Jobs to be started again and again: every day, or on some weekdays, or on one day of the month."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    """On one line. Its owner has no other schedule of that name."""
    type: Slug
    """The slug of a job type, as ``GET /api/v1/job-types`` tells it; one that reads no uploaded file."""
    parameters: dict[str, Any]
    """See the job type's ``parameters_schema``."""
    time: Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    """Local time, as in ``03:00``. Where clocks skip it, the job starts right behind the gap; where it comes twice, the
    first time."""
    time_zone: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    """IANA name, as in ``America/New_York``; your account's if left out."""
    weekdays: Annotated[list[Weekday], msgspec.Meta(min_length=1, max_length=7)] | None = None
    """Only on these."""
    month_day: Annotated[int, msgspec.Meta(ge=1, le=31)] | None = None
    """Only on this day of the month, or on its last one where it has no such day."""
    reference: Annotated[str, msgspec.Meta(max_length=160)] | None = None
    """Your own name for the jobs, shown beside the type's: on one line, without control characters."""
    date_parameter: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    """The parameter that is given the local date, as in ``2026-11-28``."""
    missed: Missed = "latest"
    """Of several dates that went by while everything was down: start the latest only, or each."""
    owner: Literal["me", "system"] = "me"
    """Whose the jobs are; a Super Admin may make a schedule of the account's system user."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When jobs start by themselves."""

    id: UUID
    name: str
    type: str
    """The job type's slug."""
    parameters: dict[str, Any]
    time: str
    """Local time in the zone, as in ``03:00``."""
    time_zone: str
    weekdays: list[Weekday] | None
    month_day: int | None
    reference: str | None
    date_parameter: str | None
    missed: Missed
    owner: Owner
    paused: bool
    created_at: datetime
    next_date: date
    """The next local date; while it is paused, the one it stood at."""
    next_at: datetime
    problem: str | None
    """Why its jobs cannot start or would fail, as things are; null where nothing is known to stand against them."""
    last_job: Job | None
    """The one started last, by date or at once; null for the moment until the monitor shows it."""


class ScheduleList(msgspec.Struct, frozen=True, kw_only=True):
    """The schedules you see, by name."""

    items: list[Schedule]
