"""I5 to I12, I19, I20 and I30: a job's life as its facts tell it, and the ledger beside it."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from jobmonitor.checker.client_history import Operation
from jobmonitor.checker.job_log import JobLog
from jobmonitor.checker.report import Evidence
from jobmonitor.checker.snapshot import Chunks, Snapshot, StoredRun
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
)
from jobmonitor.job.evolve import state_after
from jobmonitor.job.state import ENDED, State

CLOCKS_DIFFER = timedelta(seconds=1)
"""So far apart the clocks of two processes may be."""
DUE_FOR = timedelta(seconds=60)
"""After this a scheduled job whose time has come should have started (I32's bound)."""
EDGES: dict[State | None, frozenset[State]] = {
    None: frozenset({State.SCHEDULED, State.QUEUED, State.FAILED}),
    State.SCHEDULED: frozenset({State.QUEUED, State.CANCELLED, State.FAILED}),
    State.QUEUED: frozenset({State.RUNNING, State.CANCELLED, State.FAILED}),
    State.RUNNING: frozenset({State.STOPPING, State.COMPLETED, State.COMPLETED_WITH_ERRORS, State.FAILED}),
    State.STOPPING: ENDED,  # which end: I19
}
"""The state diagram of ARCHITECTURE.md, written down a second time on purpose: what decides is not to judge itself."""
PROGRESS_IN = (State.RUNNING, State.STOPPING)
WAITING_IN = (State.QUEUED, *PROGRESS_IN)


def states_are_a_path(snapshot: Snapshot, evidence: Evidence) -> None:
    """I5: up to its end; what comes after an end is I6's."""
    for job_id, job in snapshot.log.items():
        evidence.things += 1
        state: State | None = None
        for fact in job.facts():
            if state in ENDED:
                break
            if isinstance(fact, RequestRejected):  # says nothing of the job itself
                continue
            following = state_after(fact)
            remains_in = WAITING_IN if isinstance(fact, JobWaiting) else PROGRESS_IN
            possible = state in remains_in if following is None else following in EDGES[state]
            about = f"job {job_id}, fact {fact.sequence}"
            if not evidence.expect(possible, about, f"what can follow {state or 'nothing'}", type(fact).__name__):
                break
            state = following or state


def one_end(snapshot: Snapshot, evidence: Evidence) -> None:
    """I6: at most one end, never left; of all that a ledger runs exactly one, once things are calm."""
    for job_id, job in snapshot.log.items():
        evidence.things += 1
        states = [state for fact in job.facts() if (state := state_after(fact)) is not None]
        for before, after in pairwise(states):
            if before in ENDED:
                evidence.expect(False, f"job {job_id}", f"to stay {before}", f"{after} after it")
    if snapshot.calm:
        for run in snapshot.runs.values():
            waits = run.state == State.SCHEDULED and run.run_at is not None and run.run_at > snapshot.now - DUE_FOR
            evidence.expect(run.ended or waits, f"job {run.job_id}", "an end", run.state)


def sequences_rise(snapshot: Snapshot, evidence: Evidence) -> None:
    """I7: facts are numbered 1, 2, 3 ... without a gap, and no two different facts have one number.

    On a busy system facts later than the ledger's snapshot may overtake each other.
    """
    for job_id, job in snapshot.log.items():
        evidence.things += 1
        evidence.expect(
            not job.conflicts, f"job {job_id}", "one fact a sequence", f"two of {sorted(job.conflicts)[:3]}"
        )
        run = snapshot.runs.get(job_id)
        sure = job.last_sequence if snapshot.calm else run.sequence if run else 0
        missing = job.missing(sure)
        evidence.expect(not missing, f"job {job_id}", f"facts 1 to {sure}", f"none of {missing}")
        if run is not None:
            behind = job.last_sequence < run.sequence or (snapshot.calm and job.last_sequence > run.sequence)
            about = f"job {job_id}"
            evidence.expect(not behind, about, f"facts up to the ledger's {run.sequence}", f"up to {job.last_sequence}")


def progress_never_falls(snapshot: Snapshot, evidence: Evidence) -> None:
    """I8: 0 <= done <= total, done never falls, total is fixed once counted, complete means all is done."""
    for job_id, job in snapshot.log.items():
        evidence.things += 1
        done, total = 0, None
        for fact, now_done, now_total in _counts(job):
            about = f"job {job_id}, fact {fact.sequence}"
            evidence.expect(done <= now_done <= now_total, about, f"{done} to {now_total} done", now_done)
            evidence.expect(total in (None, now_total), about, f"the total {total}", now_total)
            if isinstance(fact, JobCompleted):
                evidence.equal(now_done, now_total, about, "done")
            done, total = now_done, now_total


def _counts(job: JobLog) -> Iterator[tuple[JobFact, int, int]]:
    for fact in job.facts():
        if isinstance(fact, JobStarted):
            yield fact, 0, fact.total
        elif isinstance(fact, JobProgressed | JobCompleted | JobCancelled):
            yield fact, fact.done, fact.total


def times_are_in_order(snapshot: Snapshot, evidence: Evidence) -> None:
    """I9: scheduled <= started <= finished, give or take what two clocks differ."""
    for job_id, job in snapshot.log.items():
        evidence.things += 1
        moments = [moment for moment in job.moments() if _is_milestone(moment.fact)]
        for before, after in pairwise(moments):
            about = f"job {job_id}, {type(after.fact).__name__}"
            evidence.expect(before.at <= after.at + CLOCKS_DIFFER, about, f"not before {before.at}", after.at)


def _is_milestone(fact: JobFact) -> bool:
    return isinstance(fact, JobScheduled | JobQueued | JobStarted | JobCompleted | JobFailed | JobCancelled)


def ledger_is_fold_of_facts(snapshot: Snapshot, evidence: Evidence) -> None:
    """I10: what the ledger says of a job is what its facts say, and what its chunks' marks add up to."""
    for job_id, run in snapshot.runs.items():
        evidence.things += 1
        job = snapshot.log.get(job_id)
        if job is not None and not job.missing(run.sequence):
            _compare_run(run, job, evidence)
        if job_id in snapshot.chunks:
            _compare_marks(run, snapshot.chunks[job_id], evidence)


def _compare_run(run: StoredRun, job: JobLog, evidence: Evidence) -> None:
    told = job.job_at(run.sequence)
    for name in ("state", "done", "total", "downloaded", "expired", "result"):
        evidence.equal(getattr(run, name), getattr(told, name), f"run of job {run.job_id}", name)


def _compare_marks(run: StoredRun, chunks: Chunks, evidence: Evidence) -> None:
    """Units are compared while chunks still add to them; of an ended job the facts tell."""
    about = f"run of job {run.job_id}"
    evidence.equal(run.chunks_done, chunks.done, about, "chunks done")
    if run.state in PROGRESS_IN:
        evidence.equal(run.done, chunks.units_done, about, "units of chunks done")
        evidence.equal(run.total, chunks.units, about, "units of all chunks")


def failures_say_why(snapshot: Snapshot, evidence: Evidence) -> None:
    """I11: a failed job has a code and a reason; one whose chunk was given up has failed, or was stopped before."""
    for job_id, job in snapshot.log.items():
        for moment in job.moments():
            if isinstance(moment.fact, JobFailed):
                evidence.things += 1
                says = moment.fact.code.strip() and moment.fact.reason.strip()
                found = f"{moment.fact.code!r}: {moment.fact.reason!r}"
                evidence.expect(bool(says), f"job {job_id}", "a code and a reason", found)
    for job_id in snapshot.dead_lettered:
        run = snapshot.runs.get(job_id)
        if run is not None and (snapshot.calm or run.ended):
            evidence.things += 1
            parked = run.state in (State.FAILED, State.CANCELLED)
            evidence.expect(parked, f"job {job_id}", "failed, as a chunk is among the dead letters", run.state)


def outcomes_add_up(snapshot: Snapshot, evidence: Evidence) -> None:
    """I12: the outcomes of a completed job add up to its total, and those refused are among them."""
    for job_id, job in snapshot.log.items():
        for moment in job.moments():
            fact = moment.fact
            if isinstance(fact, JobCompleted):
                evidence.things += 1
                evidence.equal(sum(fact.outcomes.values()), fact.total, f"job {job_id}", "outcomes of units")
                evidence.expect(
                    fact.rejected <= fact.total, f"job {job_id}", f"up to {fact.total} refused", fact.rejected
                )


def stops_end_in_cancelled(snapshot: Snapshot, evidence: Evidence) -> None:
    """I19: after a stop took effect the only end is cancelled; an acknowledged stop is in the log."""
    for job_id, job in snapshot.log.items():
        facts = [moment.fact for moment in job.moments()]
        if not any(isinstance(fact, JobStopping) for fact in facts):
            continue
        evidence.things += 1
        others = [fact for fact in facts if isinstance(fact, JobCompleted | JobFailed)]
        evidence.expect(not others, f"job {job_id}", "cancelled after a stop", [type(fact).__name__ for fact in others])
    for asked in snapshot.clients or ():
        if asked.operation == "stop" and asked.outcome == "ok":
            evidence.things += 1
            job_stopped = snapshot.log.get(asked.job_id)
            kept = job_stopped is not None and bool(job_stopped.stops)
            evidence.expect(
                kept or _may_be_gone(asked, job_stopped, snapshot),
                f"job {asked.job_id}",
                "the acknowledged stop in the log",
                "no request to stop",
            )


def _may_be_gone(asked: Operation, job: JobLog | None, snapshot: Snapshot) -> bool:
    """Whether the stop may have been deleted from the log, or the job's facts."""
    run = snapshot.runs.get(asked.job_id)
    known = {run.job_type} if run else job.job_types if job else set()
    types: set[str | None] = {*known} or {asked.job_type}
    return any(snapshot.requests_gone(slug) or (job is None and snapshot.facts_gone(slug)) for slug in types)


def nothing_starts_after_a_stop(snapshot: Snapshot, evidence: Evidence) -> None:
    """I20: no work is handed out after the stop took effect."""
    for job_id, chunks in snapshot.chunks.items():
        job = snapshot.log.get(job_id)
        stops = [moment.at for moment in job.moments() if isinstance(moment.fact, JobStopping)] if job else []
        if stops and chunks.last_dispatched_at is not None:
            evidence.things += 1
            late = chunks.last_dispatched_at > stops[0] + CLOCKS_DIFFER
            about = f"job {job_id}"
            evidence.expect(
                not late, about, f"no work handed out after {stops[0]}", f"one at {chunks.last_dispatched_at}"
            )


def scheduled_jobs_start_once(snapshot: Snapshot, evidence: Evidence) -> None:
    """I30: a scheduled job is queued once, and neither queued nor started before its time."""
    for job_id, job in snapshot.log.items():
        facts = job.moments()
        scheduled = [moment.fact for moment in facts if isinstance(moment.fact, JobScheduled)]
        if not scheduled:
            continue
        evidence.things += 1
        queued = [moment for moment in facts if isinstance(moment.fact, JobQueued)]
        evidence.expect(len(queued) <= 1, f"job {job_id}", "to be queued once", f"{len(queued)} times")
        for moment in facts:
            if isinstance(moment.fact, JobQueued | JobStarted):
                early = moment.at + CLOCKS_DIFFER < scheduled[0].run_at
                evidence.expect(not early, f"job {job_id}", f"no start before {scheduled[0].run_at}", moment.at)
