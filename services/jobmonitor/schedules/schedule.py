"""A schedule as its table has it, and the submissions it makes. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import msgspec

from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.schedules.dates import Missed, Rule, after_set_back, due


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``crm.schedules``, all columns."""

    id: UUID
    account_id: int
    owner_id: int
    """Whose the jobs are: a user's, or the account's system user's."""
    name: str
    job_type: str
    parameters: dict[str, Any]
    reference: str | None
    zone: str
    local_time: time
    weekdays: list[int] | None
    month_day: int | None
    missed: Missed
    date_parameter: str | None
    """The parameter that is given the local date, as in 2026-11-28."""
    paused: bool
    created_at: datetime
    next_date: date
    """The first local date that is not done."""
    next_at: datetime
    """When it is due; with new rules of time it may be another instant by then."""
    put_off_until: datetime | None
    """Nobody looks before, as it could not be submitted."""
    advanced_at: datetime | None
    """When ``next_date`` last moved on, by the clock of then."""
    last_date: date | None
    last_job_id: UUID | None
    """The job started last, on a date or at once."""

    @property
    def rule(self) -> Rule:
        """When it is due."""
        weekdays = None if self.weekdays is None else frozenset(self.weekdays)
        return Rule(zone=self.zone, local_time=self.local_time, weekdays=weekdays, month_day=self.month_day)

    def job_id_on(self, day: date) -> UUID:
        """The job of this date: always the same, whoever submits it and however often."""
        return job_id_for(self.account_id, f"schedule:{self.id}:{day.isoformat()}")

    def submission_on(self, day: date) -> JobSubmitted:
        """What is asked for on this date."""
        dated = {self.date_parameter: day.isoformat()} if self.date_parameter else {}
        return JobSubmitted(
            account_id=self.account_id,
            owner_id=self.owner_id,
            job_type=self.job_type,
            parameters={**self.parameters, **dated},
            reference=self.reference,
        )


def schedule_of(row: Mapping[str, Any]) -> Schedule:
    """The row of a query that gives all columns, and maybe others."""
    return Schedule(**{name: row[name] for name in Schedule.__struct_fields__})


def moved_on(schedule: Schedule, now: datetime) -> tuple[Sequence[date], Schedule]:
    """The dates to submit now, and the schedule behind them. Raises UnknownZone.

    Where the clock was set back since it last moved on, it goes on from now: dates that were passed over come again,
    and one that is submitted again is the same job.
    """
    next_date = schedule.next_date
    if schedule.advanced_at is not None and schedule.advanced_at > now:
        next_date = min(next_date, after_set_back(schedule.rule, schedule.last_date, now))
    dates, next_date = due(schedule.rule, next_date, now, schedule.missed)
    moved = msgspec.structs.replace(
        schedule, next_date=next_date, next_at=schedule.rule.instant_of(next_date), advanced_at=now, put_off_until=None
    )
    if dates:
        moved = msgspec.structs.replace(moved, last_date=dates[-1], last_job_id=schedule.job_id_on(dates[-1]))
    return dates, moved
