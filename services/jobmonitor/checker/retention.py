"""I40: what is dropped was old enough."""

from jobmonitor.checker.report import Evidence
from jobmonitor.checker.snapshot import Snapshot
from jobmonitor.job.state import Job, State


def forgotten_runs_were_over(snapshot: Snapshot, evidence: Evidence) -> None:
    """The run of a job goes only after its end, and after its result or report expired; then it does not come back."""
    evidence.things += len(snapshot.runs)
    for job_id in snapshot.taken_up:
        evidence.things += 1
        about = f"job {job_id}"
        evidence.expect(job_id not in snapshot.runs, about, "no run, as it was dropped", "a run")
        job = snapshot.log.get(job_id)
        if job is not None and not job.missing(job.last_sequence):
            told = job.job_at(job.last_sequence)
            evidence.expect(_is_over(told), about, "a run, as not all of it is over", f"none of a job {_found(told)}")


def _is_over(job: Job) -> bool:
    return job.expired or (job.ended and job.result is None and job.state is not State.FAILED)


def _found(job: Job) -> str:
    return f"{job.state}, and what there is to fetch has not expired" if job.ended else f"{job.state}"
