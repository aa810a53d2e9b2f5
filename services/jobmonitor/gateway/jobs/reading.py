"""Reads jobs from the database, as far as the viewer may see them."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import structlog

from jobmonitor.crm.users import Viewer
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements
from jobmonitor.gateway import metrics
from jobmonitor.gateway.access.policy import may_see
from jobmonitor.gateway.adapters.database import Database
from jobmonitor.gateway.http.problems import not_found
from jobmonitor.gateway.jobs import models
from jobmonitor.gateway.jobs.items import CHILDREN_SHOWN
from jobmonitor.gateway.jobs.records import JobRecord, job_record
from jobmonitor.job.state import State

Source = TypeVar("Source")
Target = TypeVar("Target")
log = structlog.stdlib.get_logger()
SQL = statements("jobmonitor.gateway.jobs.sql")
NUMBER_AT_MOST = 2**63 - 1


async def jobs_by_id(connection: Connection, job_ids: Iterable[UUID]) -> list[JobRecord]:
    """Those of the jobs that the projection knows and row-level security shows."""
    return list(readable(job_record, map(dict, await SQL["jobs_by_id"].fetch(connection, job_ids=list(job_ids)))))


def readable(convert: Callable[[Source], Target], sources: Iterable[Source]) -> Iterator[Target]:
    """Those that can be converted. A failure is a bug of ours: it is logged, and must not hide the other jobs."""
    for source in sources:
        try:
            yield convert(source)
        except Exception:
            metrics.UNREADABLE.inc()
            log.exception("job_unreadable", job=str(source)[:500])


async def find_job(connection: Connection, viewer: Viewer, job_id: UUID) -> JobRecord | None:
    """The job as listed or, before the projection has seen it, as submitted here; None unless the viewer sees it."""
    jobs = await jobs_by_id(connection, [job_id])
    job = jobs[0] if jobs else await _submitted_job(connection, job_id)
    return job if job is not None and may_see(viewer, job) else None


async def job_at(database: Database, viewer: Viewer, reference: str) -> tuple[JobRecord, list[models.TimelineEntry]]:
    """The job a URL names, by Job# or by id, and its timeline. Raises Problem: 404 unless the viewer sees it."""
    async with database.as_viewer(viewer, snapshot=True) as connection:
        # what does not exist is looked for as long as what may not be seen
        job = await find_job(connection, viewer, await _job_id(connection, reference) or uuid4())
        if job is None:
            raise not_found()
        rows = await SQL["timeline"].fetch(connection, job_id=job.job_id)
    return job, [models.TimelineEntry(**row) for row in rows]


async def relatives_of(database: Database, viewer: Viewer, job: JobRecord) -> tuple[JobRecord | None, list[JobRecord]]:
    """The job's parent and its first children, one more than are shown; only those that the viewer sees."""
    async with database.as_viewer(viewer, snapshot=True) as connection:
        parents = await jobs_by_id(connection, [job.parent_job_id] if job.parent_job_id else [])
        rows = await SQL["children"].fetch(connection, job_id=job.job_id, limit=CHILDREN_SHOWN + 1)
    children = [child for child in readable(job_record, map(dict, rows)) if may_see(viewer, child)]
    parent = parents[0] if parents and may_see(viewer, parents[0]) else None
    return parent, children


async def _job_id(connection: Connection, reference: str) -> UUID | None:
    if reference.isascii() and reference.isdecimal():
        number = int(reference[:20])
        found: UUID | None = None
        if number <= NUMBER_AT_MOST:
            found = await SQL["job_id_of_number"].fetchval(connection, number=number)
        return found
    try:
        return UUID(reference)
    except ValueError:
        return None


async def find_submission(connection: Connection, job_id: UUID) -> asyncpg.Record | None:
    """What was asked here under this job id, by anybody of the account."""
    return await SQL["find_submission"].fetchrow(connection, job_id=job_id)


async def _submitted_job(connection: Connection, job_id: UUID) -> JobRecord | None:
    """An accepted job is never "not found" for its owner, however late the projection is."""
    record = await find_submission(connection, job_id)
    if record is None or record["unconfirmed_at"] is not None:
        return None
    waits = record["run_at"] is not None and record["run_at"] > datetime.now(UTC)
    names = (
        "job_id",
        "account_id",
        "owner_id",
        "owner_name",
        "zone",
        "job_type",
        "reference",
        "submitted_at",
        "run_at",
    )
    values: dict[str, Any] = {name: record[name] for name in names}
    state = State.SCHEDULED if waits else State.QUEUED
    return JobRecord(view="monitor", state=state, updated_at=record["submitted_at"], **values)
