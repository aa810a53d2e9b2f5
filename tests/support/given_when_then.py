"""Given facts, when a command comes, then these facts follow: the words the job's tests are written in."""

from typing import Any

from jobmonitor.contract.events import Fact, JobFact, JobQueued, JobScheduled, JobStarted
from jobmonitor.job.commands import Command
from jobmonitor.job.decide import decide
from jobmonitor.job.evolve import evolve
from jobmonitor.job.state import Job

NEW_JOB = Job(account_id=1, owner_id=2, job_type="user-data-export")


def fact(kind: type[Fact], sequence: int, **says: Any) -> Any:
    """A fact about the job of these tests."""
    return kind(account_id=1, owner_id=2, job_type="user-data-export", sequence=sequence, **says)


QUEUED = (fact(JobQueued, 1),)
RUNNING = (*QUEUED, fact(JobStarted, 2, total=10, unit="supporters"))


def scheduled(run_at: Any) -> tuple[JobFact, ...]:
    return (fact(JobScheduled, 1, run_at=run_at),)


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
