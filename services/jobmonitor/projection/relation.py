"""Rows on their way into PostgreSQL: as arrays where they are few, by COPY into a temporary table where they are many.

A statement names them in braces, ``{points}``, and is the same for both ways; so is therefore what it does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobmonitor.database.pool import Connection

FEW = 500
"""Up to so many rows arrays are quicker (measured); beyond, they are held in memory more often."""

LOOK_UP_AND_SORT_IN_MEMORY = (
    "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL work_mem = '64MB'"
)
"""PostgreSQL knows little of the rows in a temporary table, and would read the whole monitor to join it with a part."""

JOB_COLUMNS: Mapping[str, str] = {
    "job_id": "uuid",
    "number": "bigint",
    "account_id": "bigint",
    "owner_id": "bigint",
    "job_type": "text",
    "reference": "text",
    "parameters": "jsonb",
    "state": "text",
    "sequence": "int",
    "submitted_at": "timestamptz",
    "run_at": "timestamptz",
    "accepted_at": "timestamptz",
    "started_at": "timestamptz",
    "completed_at": "timestamptz",
    "done": "bigint",
    "total": "bigint",
    "unit": "text",
    "rejected": "bigint",
    "outcomes": "jsonb",
    "failure_code": "text",
    "failure_reason": "text",
    "result": "jsonb",
    "stop_requested_at": "timestamptz",
    "stop_requested_by": "bigint",
    "stop_rejected_at": "timestamptz",
    "downloaded_at": "timestamptz",
    "downloaded_by": "bigint",
    "expired_at": "timestamptz",
    "updated_at": "timestamptz",
    "month": "date",
}
"""Of the monitor and the history, but for ``sort_at``, which PostgreSQL makes."""

POINT_COLUMNS: Mapping[str, str] = {
    "job_id": "uuid",
    "type": "text",
    "slot": "bigint",
    "event_id": "text",
    "account_id": "bigint",
    "owner_id": "bigint",
    "at": "timestamptz",
    "sequence": "int",
    "done": "bigint",
    "total": "bigint",
    "data": "jsonb",
}
"""Of the timeline."""

PROGRESS_COLUMNS: Mapping[str, str] = {
    "job_id": "uuid",
    "slot": "bigint",
    "newest": "boolean",
    "event_id": "text",
    "account_id": "bigint",
    "owner_id": "bigint",
    "job_type": "text",
    "at": "timestamptz",
    "sequence": "int",
    "done": "bigint",
    "total": "bigint",
}
"""Of plain progress: what the monitor and the timeline need of it."""


@dataclass(frozen=True)
class Relation:
    """Where the rows are, for the statements of one transaction."""

    part: Mapping[str, str]
    """By the name in the braces what stands in their place."""
    values: Mapping[str, Any]
    """The values that the part asks for; none where the rows are in a table."""


async def send(
    connection: Connection, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]], *, few: int
) -> Relation:
    """Bring the rows to the server; up to ``few`` of them travel with each statement instead."""
    if len(rows) <= few:
        arrays = ", ".join(f":{column}::{kind}[]" for column, kind in columns.items())
        source = f"(SELECT * FROM unnest({arrays}) AS row ({', '.join(columns)}))"  # noqa: S608 - all of it is ours
        return Relation({name: source}, dict(zip(columns, zip(*rows, strict=True), strict=True)))
    table = f"arrived_{name}"
    fields = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    # kept for the connection's next transactions, which find it empty
    create = f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({fields}) ON COMMIT DELETE ROWS"
    await connection.execute(f"{LOOK_UP_AND_SORT_IN_MEMORY}; {create}")
    await connection.copy_records_to_table(table, records=rows, columns=list(columns))
    return Relation({name: table}, {})
