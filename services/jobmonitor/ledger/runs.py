"""A run: one job as the ledger knows it. Read under a lock, changed as a value, written back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from jobmonitor.contract.events import Result
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements
from jobmonitor.job.state import Job, State

SQL = statements("jobmonitor.ledger.sql")
NEW = "new"
"""The stored state of a run before its first fact."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A job and what its work has come to."""

    job_id: UUID
    job: Job
    parameters: dict[str, Any]
    created_at: datetime
    """When it was taken up: jobs wait in this order."""
    run_at: datetime | None = None
    writes: str | None = None
    """See ``JobType.writes``."""
    admitted: bool = False
    """Whether it may be worked on; until then it waits for its account to have room."""
    stop_requested_by: int | None = None
    stop_requested_at: datetime | None = None
    """When the stop was asked for that took effect."""
    stop_heard_at: datetime | None = None
    """When the last stop was asked for that a worker heard of, whatever came of it."""
    rejected_requests: tuple[str, ...] = ()
    """The ids of requests about this job that were rejected: each is told once."""
    request_sha256: str | None = None
    """What was asked: whether a repeat asks for the same."""
    chunks_total: int = 0
    """Work chunks; the plan (0) and the assembly (the last) do not count."""
    chunks_dispatched: int = 0
    chunks_done: int = 0
    outcomes: dict[str, int] = {}
    rejected: int = 0
    rows: int = 0


async def insert_runs(connection: Connection, runs: Sequence[Run]) -> int:
    """Take these jobs up as they stand; returns how many nobody had taken up before."""
    return len(await SQL["insert_runs"].fetch(connection, runs=_json(runs)))


async def lock_run(connection: Connection, job_id: UUID) -> Run | None:
    """The run, locked to the end of the transaction; None when no worker took the job up yet."""
    row = await SQL["lock_run"].fetchrow(connection, job_id=job_id)
    return None if row is None else _run(row)


async def save_runs(connection: Connection, runs: Sequence[Run]) -> None:
    """Write locked runs back."""
    await SQL["save_runs"].execute(connection, runs=_json(runs))


def _json(runs: Sequence[Run]) -> str:
    return msgspec.json.encode([_columns(run) for run in runs]).decode()


def _columns(run: Run) -> dict[str, Any]:
    job = run.job
    return {
        "job_id": run.job_id,
        "account_id": job.account_id,
        "owner_id": job.owner_id,
        "job_type": job.job_type,
        "parameters": run.parameters,
        "created_at": run.created_at,
        "run_at": run.run_at,
        "writes": run.writes,
        "state": job.state or NEW,
        "sequence": job.sequence,
        "done": job.done,
        "total": job.total,
        "result": job.result,
        "expires_at": job.result and job.result.expires_at,
        "downloaded": job.downloaded,
        "expired": job.expired,
        **{name: getattr(run, name) for name in _COUNTERS},
    }


_COUNTERS = (
    "admitted",
    "stop_requested_by",
    "stop_requested_at",
    "stop_heard_at",
    "rejected_requests",
    "request_sha256",
    "chunks_total",
    "chunks_dispatched",
    "chunks_done",
    "outcomes",
    "rejected",
    "rows",
)


def _run(row: asyncpg.Record) -> Run:
    job = Job(
        account_id=row["account_id"],
        owner_id=row["owner_id"],
        job_type=row["job_type"],
        state=None if row["state"] == NEW else State(row["state"]),
        sequence=row["sequence"],
        done=row["done"],
        total=row["total"],
        result=None if row["result"] is None else msgspec.convert(row["result"], Result),
        downloaded=row["downloaded"],
        expired=row["expired"],
    )
    return Run(
        job_id=row["job_id"],
        job=job,
        parameters=row["parameters"],
        created_at=row["created_at"],
        run_at=row["run_at"],
        writes=row["writes"],
        **{name: row[name] for name in _COUNTERS} | {"rejected_requests": tuple(row["rejected_requests"])},
    )
