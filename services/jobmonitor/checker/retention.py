"""I40: what is dropped was old enough and stays dropped, and what is old enough is dropped."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from jobmonitor.checker.report import Evidence
from jobmonitor.checker.snapshot import DroppedMonth, Snapshot, StoredRun
from jobmonitor.job.state import ENDED, Job, State
from jobmonitor.projection.fold import in_monitor

RUNS_LATE = timedelta(days=1)
"""So long a run may be too old: the reconciler may have been away."""
MONTHS_LATE = timedelta(days=7)
"""The same of a month."""


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


def dropped_months_were_old(snapshot: Snapshot, evidence: Evidence) -> None:
    """A month of jobs went only when it was old enough and all its jobs were over, and none of these comes back."""
    for month, dropped in snapshot.dropped_months.items():
        evidence.things += 1
        found = f"dropped at {dropped.dropped_at}"
        evidence.expect(dropped.due_at <= dropped.dropped_at, f"month {month}", f"kept until {dropped.due_at}", found)
    for job_id, job in snapshot.registry.items():
        if dropped_month := snapshot.dropped_months.get(job.month):
            evidence.things += 1
            is_there = job_id in snapshot.monitor or job_id in snapshot.history
            evidence.expect(not is_there, f"job {job_id}", "no row, as its month was dropped", "a row")
            _expect_over(snapshot, evidence, job_id, dropped_month)


def _expect_over(snapshot: Snapshot, evidence: Evidence, job_id: UUID, dropped: DroppedMonth) -> None:
    job = snapshot.log.get(job_id)
    if job is None or job.row is None:
        return
    ended_at = job.row.completed_at or job.row.updated_at
    was_over = not in_monitor(job.row) and ended_at <= dropped.ended_before
    found = f"none, though it is {job.row.state} since {ended_at}"
    evidence.expect(was_over, f"job {job_id}", "a row, as it had not been over for long", found)


def what_is_old_is_gone(snapshot: Snapshot, evidence: Evidence) -> None:
    """Nothing is left that the reconciler should have dropped long since."""
    runs_since = snapshot.kept_since.get("runs")
    for run in snapshot.runs.values():
        late = runs_since is not None and _could_go(run, before=runs_since - RUNS_LATE)
        evidence.expect(
            not late, f"job {run.job_id}", "no run, as it is long over", f"one unchanged since {run.updated_at}"
        )
    for what, month in snapshot.kept_months:
        evidence.things += 1
        since = snapshot.kept_since.get(what)
        late = since is not None and _end_of(month) < since - MONTHS_LATE and not _is_needed(what, month, snapshot)
        evidence.expect(not late, f"month {month}", f"no {what} of it, as it is long over", "its partition")


def _could_go(run: StoredRun, *, before: datetime) -> bool:
    nothing_left = run.purged or (run.result is None and run.state != State.FAILED)
    is_old = run.updated_at is not None and run.updated_at < before
    return run.swept and run.state in ENDED and nothing_left and is_old


def _end_of(month: date) -> datetime:
    return datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)


def _is_needed(what: str, month: date, snapshot: Snapshot) -> bool:
    """Whether a job may go on that wrote rows then, or wrote its last ones in the months after."""
    if what == "jobs":
        return False
    going_on = any(not run.ended and run.created_at < _end_of(month) for run in snapshot.runs.values())
    return going_on or snapshot.kept_since[what] - _end_of(month) < timedelta(days=62)
