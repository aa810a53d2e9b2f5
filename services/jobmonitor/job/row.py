"""A job as the views hold it: what the projection folds, the gateway shows and the check compares."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from jobmonitor.contract.events import Result
from jobmonitor.job.state import State


class JobRow(msgspec.Struct, frozen=True, kw_only=True):
    """A job as readers see it; the fields are the columns of ``job_monitor`` and ``job_history``."""

    job_id: UUID
    number: int | None = None
    """The Job#; None until the registry has given it."""
    account_id: int
    owner_id: int
    job_type: str
    reference: str | None = None
    parameters: dict[str, Any] | None = None
    """None until the submission or the first fact is seen."""
    state: State
    sequence: int = 0
    """Of the newest fact seen; 0 before the first."""
    submitted_at: datetime | None = None
    run_at: datetime | None = None
    parent_job_id: UUID | None = None
    """The job that submitted this one."""
    accepted_at: datetime | None = None
    """When the first fact of the job happened. What was asked is since then what that fact says."""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    """When the job ended, in whatever way."""
    done: int = 0
    total: int = 0
    unit: str | None = None
    waits_for: str | None = None
    """What the newest fact says the job waits for: a few words; None: for nothing."""
    rejected: int = 0
    outcomes: dict[str, int] | None = None
    failure_code: str | None = None
    failure_reason: str | None = None
    result: Result | None = None
    stop_requested_at: datetime | None = None
    """Of the stop that took effect; before a fact tells it, of the last one asked for. None in any other end."""
    stop_requested_by: int | None = None
    stop_rejected_at: datetime | None = None
    """When the last stop was asked for that was rejected: no stop asked for before counts."""
    downloaded_at: datetime | None = None
    downloaded_by: int | None = None
    expired_at: datetime | None = None
    updated_at: datetime
    """When the newest fact seen happened; before the first, the newest request."""
    month: date | None = None
    """In which the job got its Job#; says in which partition of the history it is. None until it has got one."""
