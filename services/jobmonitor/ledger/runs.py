"""A run: one job as the ledger knows it. Read under a lock, changed as a value, written back."""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from jobmonitor.contract.events import Result
from jobmonitor.database.pool import Connection
from jobmonitor.database.sql import statements
from jobmonitor.job.state import Job, State

SQL = statements("jobmonitor.ledger.sql")
NEW = "new"
"""The stored state of a run before its first fact."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A job and the counters that spare counting its chunks."""

    job_id: UUID
    job: Job
    parameters: dict[str, Any]
    stop_requested_by: int | None
    chunks_total: int
    """Work chunks; the plan (0) and the assembly (the last) do not count."""
    chunks_dispatched: int
    chunks_done: int
    outcomes: dict[str, int]
    rejected: int
    rows: int


async def insert_run(
    connection: Connection, job_id: UUID, job: Job, parameters: dict[str, Any], run_at: object
) -> bool:
    """Take a submission up. False when it was taken up before; then nothing changed."""
    row = await connection.fetchrow(
        SQL["insert_run"], job_id, job.account_id, job.owner_id, job.job_type, parameters, run_at
    )
    return row is not None


async def lock_run(connection: Connection, job_id: UUID) -> Run | None:
    """The run, locked to the end of the transaction; None when no worker took the job up yet."""
    row = await connection.fetchrow(SQL["lock_run"], job_id)
    return None if row is None else _run(row)


async def save_run(connection: Connection, run: Run) -> None:
    """Write a locked run back."""
    job = run.job
    await connection.execute(
        SQL["save_run"],
        run.job_id,
        job.state or NEW,
        job.sequence,
        job.done,
        job.total,
        job.result,
        job.downloaded,
        job.expired,
        run.stop_requested_by,
        run.chunks_total,
        run.chunks_dispatched,
        run.chunks_done,
        run.outcomes,
        run.rejected,
        run.rows,
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
    counters = ("stop_requested_by", "chunks_total", "chunks_dispatched", "chunks_done", "outcomes", "rejected", "rows")
    return Run(job_id=row["job_id"], job=job, parameters=row["parameters"], **{name: row[name] for name in counters})
