"""The result of a failed job: a text that says which job it was and why it failed (domain rule 2.1)."""

from datetime import datetime

from jobmonitor.gateway.jobs.records import JobRecord
from jobmonitor.gateway.jobs.zones import in_zone

MEDIA_TYPE = "text/plain; charset=utf-8"
EXTENSION = "txt"


def render_report(job: JobRecord, title: str) -> bytes:
    """The report. The same job always gives the same bytes."""
    name = f"{title} ({job.reference})" if job.reference else title
    lines = [
        f"Job #{job.number}: {name}",
        "",
        f"This job failed: {job.failure_reason}",
        "",
        *(f"{label}: {value}" for label, value in _facts(job) if value),
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def _facts(job: JobRecord) -> list[tuple[str, str | None]]:
    return [
        ("Submitted", _time(job.submitted_at, job.zone)),
        ("Started", _time(job.started_at, job.zone)),
        ("Failed", _time(job.completed_at, job.zone)),
        ("Done before", f"{job.done:,} of {job.total:,} {job.unit}" if job.total else None),
        ("Code", job.failure_code),
    ]


def _time(instant: datetime | None, zone: str) -> str | None:
    """With the abbreviation in force, for instance ``2026-01-31 23:59 EST``."""
    return None if instant is None else f"{in_zone(instant, zone):%Y-%m-%d %H:%M %Z}"
