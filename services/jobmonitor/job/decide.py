"""Which facts a command makes of a job. A repeat, or a command that came too late, makes none."""

from typing import Any, TypeVar, assert_never

import msgspec

from jobmonitor.contract.events import (
    Fact,
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
from jobmonitor.contract.limits import WAITS_FOR_LENGTH_MAX, shortened
from jobmonitor.job.commands import (
    AcceptJob,
    Command,
    CompleteJob,
    ExpireResult,
    FailJob,
    FinishStop,
    NoteWaiting,
    QueueJob,
    RecordDownload,
    RecordProgress,
    RejectRequest,
    StartJob,
    StopJob,
)
from jobmonitor.job.state import Job, State

AnyFact = TypeVar("AnyFact", bound=Fact)


def decide(command: Command, job: Job) -> list[JobFact]:
    """The facts this command makes, none or one, numbered after the job's last.

    Raises ValueError where the command contradicts itself or the plan (more done than planned): a bug of the caller.
    """
    fact = _decide(command, job)
    return [] if fact is None else [fact]


def _decide(command: Command, job: Job) -> JobFact | None:
    match command:
        case AcceptJob():
            return _accept(command, job)
        case QueueJob():
            return _next(JobQueued, job) if job.state is State.SCHEDULED else None
        case StartJob():
            return _start(command, job)
        case RecordProgress():
            return _progress(command, job)
        case NoteWaiting():
            return _wait(command, job)
        case CompleteJob():
            return _complete(command, job)
        case FailJob():
            return _fail(command, job)
        case StopJob():
            return _stop(command, job)
        case FinishStop():
            return _finish_stop(command, job)
        case RecordDownload() | ExpireResult():
            return _change_result(command, job)
        case RejectRequest():
            return _reject(command, job)
        case _:
            assert_never(command)


def _next(fact: type[AnyFact], job: Job, **says: Any) -> AnyFact:
    return fact(
        account_id=job.account_id, owner_id=job.owner_id, job_type=job.job_type, sequence=job.sequence + 1, **says
    )


def _accept(command: AcceptJob, job: Job) -> JobFact | None:
    if job.state is not None:
        return None
    run_at = command.asked.run_at
    if run_at is not None and run_at > command.now:
        return _next(JobScheduled, job, run_at=run_at, asked=command.asked)
    return _next(JobQueued, job, asked=command.asked)


def _start(command: StartJob, job: Job) -> JobFact | None:
    if job.state is not State.QUEUED:
        return None
    if command.total < 0:
        raise ValueError("A plan cannot hold fewer than 0 units.")
    return _next(JobStarted, job, total=command.total, unit=command.unit)


def _progress(command: RecordProgress, job: Job) -> JobFact | None:
    if job.state not in (State.RUNNING, State.STOPPING):
        return None
    done = job.done + command.units
    if command.units < 0 or done > job.total:
        raise ValueError(f"{command.units} more units do not fit {job.done} of {job.total}.")
    return _next(JobProgressed, job, done=done, total=job.total) if command.units else None


def _wait(command: NoteWaiting, job: Job) -> JobFact | None:
    """A job that waits for its time waits for nothing else yet."""
    waits_for = shortened(command.waits_for or "", WAITS_FOR_LENGTH_MAX) or None
    if job.state in (None, State.SCHEDULED) or job.ended or waits_for == job.waits_for:
        return None
    return _next(JobWaiting, job, waits_for=waits_for)


def _complete(command: CompleteJob, job: Job) -> JobFact | None:
    """A stop that took effect wins over a completion that comes after it: the job is then cancelled, not completed."""
    if job.state is not State.RUNNING:
        return None
    if sum(command.outcomes.values()) != job.total:
        raise ValueError(f"The outcomes {command.outcomes} do not add up to {job.total}.")
    if not 0 <= command.rejected <= job.total:
        raise ValueError(f"{command.rejected} of {job.total} units cannot have been refused.")
    return _next(
        JobCompleted,
        job,
        done=job.total,
        total=job.total,
        rejected=command.rejected,
        outcomes=command.outcomes,
        result=command.result,
    )


def _fail(command: FailJob, job: Job) -> JobFact | None:
    """A stop that took effect wins over a failure too: what fails while the last chunks finish is a cancelled job's."""
    if job.ended or job.state is State.STOPPING:
        return None
    asked = command.asked if job.state is None else None
    return _next(JobFailed, job, code=command.code, reason=shortened(command.reason), asked=asked)


def _stop(command: StopJob, job: Job) -> JobFact | None:
    """A job that has not started is cancelled at once; a running one first lets its chunks under way finish."""
    asked_for = {"requested_by": command.requested_by, "requested_at": command.requested_at}
    match job.state:
        case State.SCHEDULED | State.QUEUED:
            return _next(JobCancelled, job, done=0, total=job.total, **asked_for)
        case State.RUNNING:
            return _next(JobStopping, job, **asked_for)
        case _:
            return None


def _finish_stop(command: FinishStop, job: Job) -> JobFact | None:
    if job.state is not State.STOPPING:
        return None
    return _next(
        JobCancelled,
        job,
        done=job.done,
        total=job.total,
        requested_by=command.requested_by,
        requested_at=command.requested_at,
        result=command.result,
    )


def _reject(command: RejectRequest, job: Job) -> JobFact | None:
    """In any state, an end too: it says nothing of the job itself. A job that does not exist yet has no facts."""
    if job.state is None:
        return None
    says = msgspec.structs.asdict(command) | {"reason": shortened(command.reason), "waits_for": job.waits_for}
    return _next(RequestRejected, job, **says)


def _offers_file(job: Job) -> bool:
    """A failed job's file is its report, which needs no stored result."""
    return job.ended and (job.result is not None or job.state is State.FAILED)


def _change_result(command: RecordDownload | ExpireResult, job: Job) -> JobFact | None:
    """An expired result can be downloaded too: the transfer had begun before, and the file did reach somebody."""
    if not _offers_file(job):
        return None
    if isinstance(command, ExpireResult):
        return None if job.expired else _next(ResultExpired, job)
    return None if job.downloaded else _next(ResultDownloaded, job, downloaded_by=command.downloaded_by)
