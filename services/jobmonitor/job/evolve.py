"""What a fact makes of a job. Never refuses: a fact already happened. One that is not newer changes nothing.

A newer one is believed, but no fact takes a job out of its end: there, only what happens to the result counts.
"""

from typing import Any, TypeVar, assert_never

import msgspec

from jobmonitor.contract.events import (
    JobCancelled,
    JobCompleted,
    JobFact,
    JobFailed,
    JobProgressed,
    JobQueued,
    JobScheduled,
    JobStarted,
    JobStopping,
    JobWaiting,
    RequestRejected,
    ResultDownloaded,
    ResultExpired,
)
from jobmonitor.job.state import Job, State

AnyJob = TypeVar("AnyJob", bound=Job)


def evolve(job: AnyJob, fact: JobFact) -> AnyJob:
    """The job after this fact; the same job if the fact's sequence is not above the job's."""
    if fact.sequence <= job.sequence:
        return job
    if job.ended and not isinstance(fact, ResultDownloaded | ResultExpired):
        return msgspec.structs.replace(job, sequence=fact.sequence)
    return msgspec.structs.replace(job, sequence=fact.sequence, **_changes(fact))


def state_after(fact: JobFact) -> State | None:
    """The state this fact puts a job in; None for progress, waiting, and facts about a result or a request."""
    match fact:
        case JobScheduled():
            return State.SCHEDULED
        case JobQueued():
            return State.QUEUED
        case JobStarted():
            return State.RUNNING
        case JobStopping():
            return State.STOPPING
        case JobCompleted():
            return State.COMPLETED_WITH_ERRORS if fact.rejected else State.COMPLETED
        case JobFailed():
            return State.FAILED
        case JobCancelled():
            return State.CANCELLED
        case JobProgressed() | JobWaiting() | ResultDownloaded() | ResultExpired() | RequestRejected():
            return None
        case _:
            assert_never(fact)


def waits_for_after(fact: JobFact) -> str | None:
    """What a job waits for after this fact, if it is its newest."""
    return fact.waits_for if isinstance(fact, JobWaiting | RequestRejected) else None


def _changes(fact: JobFact) -> dict[str, Any]:
    changes: dict[str, Any] = {"waits_for": waits_for_after(fact)}
    if (state := state_after(fact)) is not None:
        changes["state"] = state
    match fact:
        case JobStarted():
            changes["total"] = fact.total
        case JobProgressed():
            changes |= {"done": fact.done, "total": fact.total}
        case JobCompleted() | JobCancelled():
            changes |= {"done": fact.done, "total": fact.total, "result": fact.result}
        case ResultDownloaded():
            changes["downloaded"] = True
        case ResultExpired():
            changes["expired"] = True
        case JobScheduled() | JobQueued() | JobFailed() | JobStopping() | JobWaiting() | RequestRejected():
            pass
        case _:
            assert_never(fact)
    return changes
