"""I21 to I23 and I27 to I29: monitor, history, downloads, and what clients saw."""

from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from jobmonitor.checker.client_history import Operation
from jobmonitor.checker.job_log import JobLog
from jobmonitor.checker.report import DoesNotApply, Evidence
from jobmonitor.checker.snapshot import Snapshot
from jobmonitor.contract.events import ResultDownloaded
from jobmonitor.job.row import JobRow
from jobmonitor.job.state import ENDED, State
from jobmonitor.projection.fold import in_monitor

_exact_decoder = msgspec.json.Decoder(float_hook=Decimal)
NOT_FROM_THE_LOG = {"number": None, "month": None}


def one_view_each(snapshot: Snapshot, evidence: Evidence) -> None:
    """I21: every job with a Job# is in monitor or history, not both, and in the monitor while it belongs there."""
    for job_id in snapshot.registry:
        if snapshot.was_dropped(job_id):  # see I40
            continue
        evidence.things += 1
        views = _views_of(snapshot, job_id)
        evidence.expect(len(views) == 1, f"job {job_id}", "monitor or history", " and ".join(views) or "neither")
        job = snapshot.log.get(job_id)
        if views == ["history"] and job is not None and job.row is not None:
            evidence.expect(
                not in_monitor(job.row), f"job {job_id}", f"the monitor, as it is {job.row.state}", "history"
            )


def who_left_never_returns(snapshot: Snapshot, evidence: Evidence) -> None:
    """I22: no job that has left the monitor is in it."""
    for job_id in snapshot.monitor:
        evidence.things += 1
        job = snapshot.log.get(job_id)
        if job is not None and job.row is not None:
            evidence.expect(in_monitor(job.row), f"job {job_id}", "history, as it has left the monitor", "monitor")


def _views_of(snapshot: Snapshot, job_id: UUID) -> list[str]:
    views = {"monitor": snapshot.monitor, "history": snapshot.history}
    return [name for name, view in views.items() if job_id in view]


def downloads_were_permitted(snapshot: Snapshot, evidence: Evidence) -> None:
    """I23: who is said to have downloaded is of the job's account, and no client knows of broken transfers only."""
    transfers: dict[UUID, set[str]] = defaultdict(set)
    for asked in snapshot.clients or ():
        if asked.operation == "download":
            transfers[asked.job_id].add(asked.outcome)
    for job_id, job in snapshot.log.items():
        for moment in job.moments():
            if not isinstance(moment.fact, ResultDownloaded):
                continue
            fact = moment.fact
            evidence.things += 1
            account = snapshot.accounts_of_users.get(fact.downloaded_by)
            permitted = fact.downloaded_by == fact.owner_id or account == fact.account_id
            expected = f"a download by somebody of account {fact.account_id}"
            evidence.expect(permitted, f"job {job_id}", expected, f"by user {fact.downloaded_by} of account {account}")
            broken = transfers.get(job_id) == {"fail"}
            evidence.expect(not broken, f"job {job_id}", "to stay listed", "left by transfers that broke off")


def views_are_the_fold(snapshot: Snapshot, evidence: Evidence) -> None:
    """I27: rows and timelines are what the log gives up to the stored offsets. Which view a job is in: I21, I22."""
    if gone := [
        partition for partition, end in snapshot.log_ends.items() if snapshot.folded_to.get(partition, 0) > end
    ]:
        evidence.expect(False, f"topic {gone[0][0]}", "offsets within the log", "views that are ahead of the log")
    for topic, partition, first, behind in snapshot.skipped:
        found = f"offsets {first} to {behind - 1} were deleted before they were folded"
        evidence.expect(False, f"topic {topic}, partition {partition}", "every message folded", found)
    for view in (snapshot.monitor, snapshot.history):
        for job_id, row in view.items():
            evidence.things += 1
            job = snapshot.log.get(job_id)
            if job is None or job.row is None:
                excused = _may_be_gone(row, job, snapshot)
                evidence.expect(excused, f"job {job_id}", "no row, as no folded event tells of it", "a row")
                continue
            requests_gone = snapshot.requests_gone(row.job_type)
            _compare_rows(_without_requests(row, job.row) if requests_gone else row, job.row, evidence)
            points, told = snapshot.timelines.get(job_id, (0, 0)), job.timeline()
            # where no fact tells the submission its point is the request's, and cannot be compared without that
            excused = requests_gone and not told.has_submission_of_fact and points[0] - told.points in (0, 1)
            found = f"{points[0]} points" if points[0] != told.points else "points that say something else"
            same = points == (told.points, told.digest)
            evidence.expect(same or excused, f"timeline of job {job_id}", f"{told.points} points of the log", found)


def _may_be_gone(row: JobRow, job: JobLog | None, snapshot: Snapshot) -> bool:
    """Whether the log may lack all that made the row: facts, or the request of a job that has none."""
    facts_gone = job is None and snapshot.facts_gone(row.job_type)
    return facts_gone or (row.sequence == 0 and snapshot.requests_gone(row.job_type))


def _without_requests(row: JobRow, told: JobRow) -> JobRow:
    """The row with what only a request tells taken from the log, where requests of its type were deleted."""
    fields: tuple[str, ...] = (
        () if told.accepted_at else ("submitted_at", "parameters", "reference", "run_at", "parent_job_id")
    )
    fields += ("updated_at",) if told.sequence == 0 else ()
    pending = told.state is not State.STOPPING and told.state not in ENDED
    fields += ("stop_requested_at", "stop_requested_by") if pending else ()
    return msgspec.structs.replace(row, **{name: getattr(told, name) for name in fields})


def _compare_rows(row: JobRow, told: JobRow, evidence: Evidence) -> None:
    row = msgspec.structs.replace(row, **NOT_FROM_THE_LOG)
    if row == told:
        return
    for name in JobRow.__struct_fields__:
        found, expected = getattr(row, name), getattr(told, name)
        same = found == expected or _exact(found) == _exact(expected)
        evidence.expect(same, f"view of job {row.job_id}", f"{name} {expected}", f"{name} {found}")


def _exact(value: Any) -> Any:
    """With decimal numbers: the database keeps all digits and gives whole numbers back as integers."""
    return _exact_decoder.decode(msgspec.json.encode(value))


def browsers_saw_the_truth(snapshot: Snapshot, evidence: Evidence) -> None:
    """I28: what a page folded from the stream in the end is what the views show."""
    watched = {asked.job_id: asked for asked in snapshot.clients or () if asked.operation == "watch" and asked.state}
    if not watched:
        raise DoesNotApply("It needs a clients' history with what pages saw.")
    if not snapshot.calm:
        raise DoesNotApply("It is looked at with --calm only: views move on after a page was asked.")
    for job_id, seen in watched.items():
        evidence.things += 1
        row = snapshot.monitor.get(job_id) or snapshot.history.get(job_id)
        if evidence.expect(row is not None, f"job {job_id}", "the job a page saw", "no row in the views") and row:
            evidence.equal(seen.state, row.state, f"page with job {job_id}", "state")
            evidence.expect(seen.done in (None, row.done), f"page with job {job_id}", f"{row.done} done", seen.done)


def accepted_jobs_can_be_read(snapshot: Snapshot, evidence: Evidence) -> None:
    """I29: once a submission was accepted no read of its owner says that there is no such job."""
    if snapshot.clients is None:
        raise DoesNotApply("It needs the clients' history.")
    accepted: set[UUID] = set()
    for asked in snapshot.clients:
        if asked.operation == "submit" and asked.outcome == "ok":
            accepted.add(asked.job_id)
        elif _is_read(asked) and asked.job_id in accepted and not snapshot.was_dropped(asked.job_id):
            evidence.things += 1
            evidence.expect(asked.outcome != "fail", f"job {asked.job_id}", "to be found once accepted", "404")


def _is_read(asked: Operation) -> bool:
    return asked.operation == "read"
