"""A job as the projection's tables have it, read into a value."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from jobmonitor.contract.events import Result
from jobmonitor.job.state import State

View = Literal["monitor", "history"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job, and what its presentation needs to know besides."""

    view: View
    job_id: UUID
    number: int | None
    """None until the projection has given it one."""
    account_id: int
    owner_id: int
    owner_name: str | None
    """None when the user is gone."""
    zone: str
    """The account's display zone (IANA)."""
    job_type: str
    reference: str | None = None
    parameters: dict[str, Any] | None = None
    state: State
    sequence: int = 0
    submitted_at: datetime | None = None
    run_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    done: int = 0
    total: int = 0
    unit: str | None = None
    rejected: int = 0
    outcomes: dict[str, int] | None = None
    failure_code: str | None = None
    failure_reason: str | None = None
    result: Result | None = None
    stop_requested_at: datetime | None = None
    downloaded_at: datetime | None = None
    expired_at: datetime | None = None
    updated_at: datetime | None = None
    """When the newest event known of it happened."""


_COLUMNS = tuple(field.name for field in fields(JobRecord))


def job_record(record: Mapping[str, Any]) -> JobRecord:
    """The row of a query that gives all columns of the projection, the view, the owner's name and the zone."""
    values = {name: _with_zone(record[name]) for name in _COLUMNS}
    values["state"] = State(values["state"])
    if values["result"] is not None:
        values["result"] = msgspec.convert(values["result"], Result)
    return JobRecord(**values)


def _with_zone(value: Any) -> Any:
    """The driver gives infinite times, and only those, without their zone."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
