"""Turns a job's record into what clients see. Pure, and the same for everybody who may see the job."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from jobmonitor.gateway.access.job_types import JobTypesBySlug
from jobmonitor.gateway.jobs import models
from jobmonitor.gateway.jobs.records import JobRecord
from jobmonitor.gateway.jobs.reports import EXTENSION, MEDIA_TYPE, render_report
from jobmonitor.gateway.jobs.zones import in_zone
from jobmonitor.job.state import ENDED, State, percent
from jobmonitor.job_types.protocol import JobType

CHILDREN_SHOWN = 100


def location(job: JobRecord) -> str:
    """The job's address: by Job#, or by id until it has one."""
    return f"/api/v1/jobs/{job.job_id if job.number is None else job.number}"


def title(job: JobRecord, job_types: JobTypesBySlug) -> str:
    """The job type's name; its slug where the type is of another version of the software."""
    job_type = job_types.get(job.job_type)
    return job.job_type if job_type is None else job_type.title


def item(job: JobRecord, job_types: JobTypesBySlug, now: datetime) -> models.Item:
    """The job as lists and the stream show it; it has its Job#."""
    return models.Item(**_fields(job, job_types, now))


def job_of(job: JobRecord, job_types: JobTypesBySlug, now: datetime) -> models.Job:
    """The job as its own address shows it."""
    return models.Job(**_fields(job, job_types, now))


def details(
    job: JobRecord,
    job_types: JobTypesBySlug,
    now: datetime,
    timeline: list[models.TimelineEntry],
    parent: JobRecord | None,
    children: Sequence[JobRecord],
) -> models.JobDetails:
    """The job with its timeline, and the jobs it is related to."""
    return models.JobDetails(
        **_fields(job, job_types, now),
        timeline=timeline,
        parent=None if parent is None else _related(parent, job_types),
        children=[_related(child, job_types) for child in children[:CHILDREN_SHOWN]],
        more_children=len(children) > CHILDREN_SHOWN,
    )


def _related(job: JobRecord, job_types: JobTypesBySlug) -> models.RelatedJob:
    return models.RelatedJob(
        id=job.job_id,
        number=job.number or 0,
        type=job.job_type,
        name=title(job, job_types),
        reference=job.reference,
        state=job.state.value,
    )


def _fields(job: JobRecord, job_types: JobTypesBySlug, now: datetime) -> dict[str, Any]:
    job_type = job_types.get(job.job_type)
    unit = job.unit or (job_type.unit if job_type else None)
    return {
        "id": job.job_id,
        "number": job.number,
        "type": job.job_type,
        "name": title(job, job_types),
        "reference": job.reference,
        "state": job.state.value,
        "parent_job_id": job.parent_job_id,
        "submitted_at": job.submitted_at,
        "scheduled_for": job.run_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
        "progress": models.Progress(
            done=job.done, total=job.total, percent=percent(job.state, job.done, job.total), unit=unit
        ),
        "waits_for": job.waits_for,
        "rejected": job.rejected,
        "outcomes": job.outcomes or None,
        "failure": _failure(job),
        "result": result_file(job, job_types, now),
        "can_stop": can_stop(job, job_type) and job.stop_requested_at is None,
        "stop_requested": job.stop_requested_at is not None and job_type is not None and job_type.stoppable,
        "owner": models.Owner(id=job.owner_id, name=job.owner_name or f"User {job.owner_id}"),
        "view": job.view,
        "sequence": job.sequence,
    }


def can_stop(job: JobRecord, job_type: JobType[Any] | None) -> bool:
    """Whether asking for a stop makes sense. Most types cannot be stopped (domain rule 2.1)."""
    return job_type is not None and job_type.stoppable and job.state not in ENDED


def _failure(job: JobRecord) -> models.Failure | None:
    if job.failure_code is None:
        return None
    return models.Failure(code=job.failure_code, reason=job.failure_reason or "")


def result_file(job: JobRecord, job_types: JobTypesBySlug, now: datetime) -> models.ResultFile | None:
    """The file of an ended job; None if there is none (yet)."""
    if job.state is State.FAILED:
        return _report(job, job_types)
    if job.result is None:
        return None
    result = job.result
    return models.ResultFile(
        kind="file",
        name=file_name(job, result.extension),
        media_type=result.media_type,
        extension=result.extension,
        size_bytes=result.size_bytes,
        rows=result.rows,
        expires_at=result.expires_at,
        expired=job.expired_at is not None or result.expires_at <= now,
        downloaded_at=job.downloaded_at,
        href=f"{location(job)}/result",
    )


def _report(job: JobRecord, job_types: JobTypesBySlug) -> models.ResultFile:
    return models.ResultFile(
        kind="report",
        name=file_name(job, EXTENSION),
        media_type=MEDIA_TYPE,
        extension=EXTENSION,
        size_bytes=len(render_report(job, title(job, job_types))),
        rows=None,
        expires_at=None,
        expired=False,
        downloaded_at=job.downloaded_at,
        href=f"{location(job)}/result",
    )


def file_name(job: JobRecord, extension: str) -> str:
    """``J{job_no}_{slug}_{YYYYMMDD-HHMM}.{ext}``, of the completion in the account's zone (domain rule 2.1)."""
    ended_at = in_zone(job.completed_at or datetime.fromtimestamp(0, UTC), job.zone)
    return f"J{job.number}_{job.job_type}_{ended_at:%Y%m%d-%H%M}.{extension}"
