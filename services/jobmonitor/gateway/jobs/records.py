"""A job as the projection's tables have it, read into a value."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from jobmonitor.contract.events import Result
from jobmonitor.job.row import JobRow
from jobmonitor.job.state import State

View = Literal["monitor", "history"]


class JobRecord(JobRow, frozen=True, kw_only=True):
    """One job, and what its presentation needs to know besides."""

    view: View
    owner_name: str | None
    """None when the user is gone."""
    zone: str
    """The account's display zone (IANA)."""


def job_record(record: Mapping[str, Any]) -> JobRecord:
    """The row of a query that gives all columns of the projection, the view, the owner's name and the zone."""
    values = {name: _with_zone(record[name]) for name in JobRecord.__struct_fields__}
    values["state"] = State(values["state"])
    if values["result"] is not None:
        values["result"] = msgspec.convert(values["result"], Result)
    return JobRecord(**values)


def _with_zone(value: Any) -> Any:
    """The driver gives infinite times, and only those, without their zone."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
