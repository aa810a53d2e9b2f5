"""Given facts, when a command comes, then these facts follow: the words the job's tests are written in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from jobmonitor.contract.events import (
    Asked,
    Fact,
    JobCancelled,
    JobCompleted,
    JobFact,
    JobFailed,
    JobQueued,
    JobScheduled,
    JobStarted,
    JobStopping,
    Result,
)
from jobmonitor.job.commands import Command
from jobmonitor.job.decide import decide
from jobmonitor.job.evolve import evolve
from jobmonitor.job.state import Job, State

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
ASKED = Asked(request_id="a", submitted_at=NOW, parameters={"format": "user"})
ASKED_FOR_LATER = msgspec.structs.replace(ASKED, run_at=LATER)
RESULT = Result(
    name="a.csv",
    media_type="text/csv",
    extension="csv",
    size_bytes=10,
    sha256="0" * 64,
    rows=1,
    expires_at=NOW + timedelta(days=30),
)

DIAGRAM: dict[State | None, set[State]] = {
    None: {State.SCHEDULED, State.QUEUED, State.FAILED},
    State.SCHEDULED: {State.QUEUED, State.CANCELLED, State.FAILED},
    State.QUEUED: {State.RUNNING, State.CANCELLED, State.FAILED},
    State.RUNNING: {State.STOPPING, State.COMPLETED, State.COMPLETED_WITH_ERRORS, State.FAILED},
    State.STOPPING: {State.CANCELLED},
    State.COMPLETED: set(),
    State.COMPLETED_WITH_ERRORS: set(),
    State.FAILED: set(),
    State.CANCELLED: set(),
}
"""Every way from one state to another; all else is impossible."""

NEW_JOB = Job(account_id=1, owner_id=2, job_type="user-data-export")


def fact(kind: type[Fact], sequence: int, **says: Any) -> Any:
    """A fact about the job of these tests."""
    return kind(account_id=1, owner_id=2, job_type="user-data-export", sequence=sequence, **says)


QUEUED = (fact(JobQueued, 1, asked=ASKED),)
RUNNING = (*QUEUED, fact(JobStarted, 2, total=10, unit="supporters"))
COMPLETED = (*RUNNING, fact(JobCompleted, 3, done=10, total=10, rejected=0, outcomes={"exported": 10}, result=RESULT))
FAILED = (*RUNNING, fact(JobFailed, 3, code="gave_up", reason="It failed."))
STOPPING = (*RUNNING, fact(JobStopping, 3, requested_by=5, requested_at=NOW))
CANCELLED = (*STOPPING, fact(JobCancelled, 4, done=0, total=10, requested_by=5, requested_at=NOW))


def scheduled(run_at: Any) -> tuple[JobFact, ...]:
    return (fact(JobScheduled, 1, run_at=run_at, asked=ASKED_FOR_LATER),)


def given(*facts: JobFact) -> Job:
    """The job after these facts, which must follow each other without a gap."""
    job = NEW_JOB
    for expected, this in enumerate(facts, start=1):
        assert this.sequence == expected, "the given facts leave a gap"
        job = evolve(job, this)
    return job


def when(job: Job, command: Command) -> list[JobFact]:
    """The facts this command makes of the job."""
    return decide(command, job)
