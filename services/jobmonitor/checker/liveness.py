"""I31, I32, I34, I38 and I39: nothing waits for ever, and once all is calm nothing is left over."""

from collections import defaultdict
from datetime import datetime, timedelta

from jobmonitor.checker.report import DoesNotApply, Evidence
from jobmonitor.checker.snapshot import Snapshot, StoredRun
from jobmonitor.contract.topics import jobs_topic

SENT_WITHIN = timedelta(seconds=60)
"""So long a message may wait in the outbox, or a submission for a worker, on a busy system."""
MOVES_WITHIN = timedelta(minutes=30)
"""So long an account's jobs at work may show no change while others of it wait for them."""


def waiting_accounts_move(snapshot: Snapshot, evidence: Evidence) -> None:
    """I31: where jobs of an account wait for capacity, its admitted jobs of the same type make progress."""
    waiting: dict[tuple[int, str], int] = defaultdict(int)
    moved: dict[tuple[int, str], datetime] = {}
    for run in snapshot.runs.values():
        evidence.things += 1
        key = (run.account_id, run.job_type)
        if run.state == "queued" and not run.admitted:
            waiting[key] += 1
        elif _is_at_work(run) and run.updated_at is not None:
            moved[key] = max(moved.get(key, run.updated_at), run.updated_at)
    for (account_id, job_type), jobs in waiting.items():
        last = moved.get((account_id, job_type))
        stuck = last is not None and last < snapshot.now - MOVES_WITHIN
        about, found = f"account {account_id}, {job_type}", f"{jobs} that wait, and no change since {last}"
        evidence.expect(not stuck, about, "its jobs at work to go on", found)


def _is_at_work(run: StoredRun) -> bool:
    return run.admitted and run.state in ("queued", "running", "stopping")


def submissions_are_accepted(snapshot: Snapshot, evidence: Evidence) -> None:
    """I34: a submission the views know of has a fact within a minute; else nobody serves its type."""
    if snapshot.calm:
        raise DoesNotApply("Once all is calm I1 says it of every submission.")
    for job_id, job in snapshot.log.items():
        if job.row is None or job.row.submitted_at is None:
            continue
        evidence.things += 1
        waits = not job.who and not snapshot.was_accepted(job_id)
        late = waits and job.row.submitted_at < snapshot.now - SENT_WITHIN
        about, found = f"job {job_id}, {job.row.job_type}", f"none since {job.row.submitted_at}"
        evidence.expect(not late, about, "a fact, as workers of its type should run", found)


def topics_are_as_said(snapshot: Snapshot, evidence: Evidence) -> None:
    """I38: the broker's topics are as the catalogue says: none throws away what others still have to read."""
    evidence.things += 1
    for each in snapshot.topic_differences:
        found = f"{each.setting} {each.found}" if each.found else "no such topic"
        evidence.expect(False, f"topic {each.topic}", f"{each.setting} {each.wanted}", found)


def facts_are_kept(snapshot: Snapshot, evidence: Evidence) -> None:
    """I39: the topics of facts have their beginning, as the views are made from them. Requests may be gone."""
    for (topic, partition), begin in snapshot.log_begins.items():
        if topic.startswith(jobs_topic("")):
            evidence.things += 1
            about, found = (
                f"topic {topic}, partition {partition}",
                f"offset {begin}: jobs of earlier facts are not checked",
            )
            evidence.expect(begin == 0, about, "a log that begins at offset 0", found)


def messages_get_out(snapshot: Snapshot, evidence: Evidence) -> None:
    """I32: no message waits in the outbox for long; once all is calm, none at all."""
    evidence.things += 1
    for row in snapshot.unsent:
        evidence.things += 1
        waits = snapshot.calm or row.created_at < snapshot.now - SENT_WITHIN or row.refusal is not None
        found = f"{row.messages} unsent since {row.created_at}" + (f": {row.refusal}" if row.refusal else "")
        evidence.expect(not waits, f"outbox row {row.id}", "no message unsent", found)


def nothing_is_left(snapshot: Snapshot, evidence: Evidence) -> None:
    """I32: once all is calm the views have all of the log, a running job has a lease, an ended one left no parts."""
    if not snapshot.calm:
        return
    for (topic, partition), end in snapshot.log_ends.items():
        evidence.things += 1
        folded = snapshot.folded_to.get((topic, partition), 0)
        evidence.expect(folded >= end, f"{topic}/{partition}", f"folded up to {end}", f"up to {folded}")
    for run in snapshot.runs.values():
        evidence.things += 1
        chunks = snapshot.chunks.get(run.job_id)
        if run.ended:
            evidence.expect(chunks is None, f"job {run.job_id}", "no chunks, as it has ended", "chunks in the ledger")
        elif run.state in ("running", "stopping"):
            held = chunks is not None and chunks.leased > 0
            evidence.expect(held, f"job {run.job_id}", f"a live lease, as it is {run.state}", "none")
    for job_id in snapshot.parts:
        kept = snapshot.runs.get(job_id)
        evidence.expect(kept is not None and not kept.ended, f"job {job_id}", "no parts, as it has ended", "parts")
