"""A run: one job as the ledger knows it. Read under a lock, changed as a value, written back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements
from jobmonitor.job.state import Job

SQL = statements("jobmonitor.ledger.sql")


class Run(Job, frozen=True, kw_only=True):
    """A job and what its work has come to; the fields are the columns of ``ledger.runs`` that the ledger writes."""

    job_id: UUID
    parameters: dict[str, Any]
    created_at: datetime
    """When it was accepted: jobs wait in this order."""
    run_at: datetime | None = None
    parent_job_id: UUID | None = None
    """The job that submitted this one."""
    exclusive_resources: tuple[str, ...] = msgspec.field(default=(), name="writes")
    """See ``JobType.exclusive_resources``; sorted."""
    admitted: bool = False
    """Whether it may be worked on; until then it waits for its account to have capacity."""
    stop_requested_by: int | None = None
    stop_requested_at: datetime | None = None
    """When the stop was asked for that took effect."""
    stop_heard_at: datetime | None = None
    """When the last stop was asked for that a worker consumed, whatever came of it."""
    rejected_requests: tuple[str, ...] = ()
    """The ids of requests about this job that were rejected: each is told once."""
    request_sha256: str | None = None
    """What was asked: whether a repeat asks for the same."""
    chunks_total: int = 0
    """Work chunks; the plan (0) and the assembly (the last) do not count."""
    chunks_dispatched: int = 0
    chunks_done: int = 0
    outcomes: dict[str, int] = msgspec.field(default_factory=dict)
    rejected: int = 0
    rows: int = 0


class ChunkCounts(Protocol):
    """What a work chunk gave, as the ledger counts it."""

    @property
    def rows(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    @property
    def outcomes(self) -> Mapping[str, int]: ...


COLUMNS = tuple(field.encode_name for field in msgspec.structs.fields(Run))
FIXED = {
    *("job_id", "account_id", "owner_id", "job_type", "parameters", "created_at", "run_at", "parent_job_id", "writes"),
    "request_sha256",
}
"""Columns that stay as they were when the job was accepted."""

_INSERT = SQL["insert_runs"].fill(columns=", ".join(COLUMNS))
_LOCK = SQL["lock_run"].fill(columns=", ".join(COLUMNS))
_SAVE = SQL["save_runs"].fill(changes=", ".join(f"{name} = n.{name}" for name in COLUMNS if name not in FIXED))


async def insert_runs(connection: Connection, runs: Sequence[Run]) -> int:
    """Accept these jobs as they stand; returns how many nobody had accepted before."""
    return len(await _INSERT.fetch(connection, runs=_json(runs)))


async def lock_run(connection: Connection, job_id: UUID) -> Run | None:
    """The run, locked to the end of the transaction; None when no worker accepted the job yet."""
    row = await _LOCK.fetchrow(connection, job_id=job_id)
    return None if row is None else msgspec.convert(dict(row), Run)


async def save_runs(connection: Connection, runs: Sequence[Run]) -> None:
    """Write locked runs back."""
    await _SAVE.execute(connection, runs=_json(runs))


def counted(run: Run, counts: ChunkCounts) -> Run:
    """The run with one more chunk done."""
    outcomes = dict(run.outcomes)
    for outcome, units in counts.outcomes.items():
        outcomes[outcome] = outcomes.get(outcome, 0) + units
    return msgspec.structs.replace(
        run,
        chunks_done=run.chunks_done + 1,
        outcomes=outcomes,
        rejected=run.rejected + counts.rejected,
        rows=run.rows + counts.rows,
    )


def _json(runs: Sequence[Run]) -> str:
    return msgspec.json.encode(runs).decode()
