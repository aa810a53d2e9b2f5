"""I1 to I4: which jobs there are, and that nobody's identity changes."""

from collections import defaultdict
from uuid import UUID

from jobmonitor.checker.client_history import Operation
from jobmonitor.checker.job_log import JobLog, plain
from jobmonitor.checker.report import DoesNotApply, Evidence
from jobmonitor.checker.snapshot import Snapshot, StoredRun
from jobmonitor.contract.job_ids import job_id_for


def submissions_make_jobs(snapshot: Snapshot, evidence: Evidence) -> None:
    """I1: one that ended ok made one job, one that failed none. A run has a submission, and a submission a run.

    On a busy system a submission may be on its way to its run; a job whose facts come from elsewhere needs none.
    """
    for job_id, job in snapshot.log.items():
        if job.submission is None:
            continue
        evidence.things += 1
        if job.by_ledger or (snapshot.calm and not job.who):
            evidence.expect(
                snapshot.was_accepted(job_id), f"job {job_id}", "a run of the submitted job", "none in the ledger"
            )
    for job_id, run in snapshot.runs.items():
        known = snapshot.log.get(job_id)
        asked = known is not None and (known.submission is not None or snapshot.requests_gone(run.job_type))
        excused = known is None and snapshot.facts_gone(run.job_type)
        evidence.expect(asked or excused, f"job {job_id}", "a submission in the log", "a run nobody asked for")
    _compare_with_clients(snapshot, evidence)


def _compare_with_clients(snapshot: Snapshot, evidence: Evidence) -> None:
    outcomes: dict[UUID, set[str]] = defaultdict(set)
    for asked in snapshot.clients or ():
        if asked.operation == "submit" and (asked.job_id in snapshot.log or not _may_be_gone(asked, snapshot)):
            outcomes[asked.job_id].add(asked.outcome)
    for job_id, told in outcomes.items():
        job = snapshot.log.get(job_id)
        is_there = job is not None and job.submission is not None
        evidence.things += 1
        if "ok" in told:
            evidence.expect(is_there, f"job {job_id}", "the accepted job", "no submission in the log")
        elif told == {"fail"}:
            evidence.expect(not is_there, f"job {job_id}", "no job, as it was refused", "its submission in the log")


def _may_be_gone(asked: Operation, snapshot: Snapshot) -> bool:
    """Whether all that was said of the job may have been deleted from the log."""
    run = snapshot.runs.get(asked.job_id)
    job_type = run.job_type if run else asked.job_type
    return snapshot.facts_gone(job_type) or (run is None and snapshot.requests_gone(job_type))


def keys_stand_for_one_job(snapshot: Snapshot, evidence: Evidence) -> None:
    """I2: the same account and key is the same job; the same key with another body is refused."""
    if snapshot.clients is None:
        raise DoesNotApply("It needs the clients' history.")
    bodies: dict[UUID, object] = {}
    for asked in snapshot.clients:
        if asked.operation != "submit" or asked.outcome != "ok":
            continue
        evidence.things += 1
        about = f"job {asked.job_id}"
        if asked.key is not None and asked.account_id is not None:
            wanted = job_id_for(asked.account_id, asked.key)
            evidence.equal(asked.job_id, wanted, f"key {asked.key!r} of account {asked.account_id}", "job")
        if asked.parameters is not None:
            body = (asked.job_type, plain(dict(asked.parameters)))
            evidence.equal(body, bodies.setdefault(asked.job_id, body), about, "the first accepted body")


def numbers_stay(snapshot: Snapshot, evidence: Evidence) -> None:
    """I3: the views show each job under the Job# that the registry keeps for ever."""
    for view in (snapshot.monitor, snapshot.history):
        for job_id, row in view.items():
            evidence.things += 1
            registered = snapshot.registry.get(job_id)
            if evidence.expect(registered is not None, f"job {job_id}", "a Job# in the registry", f"only {row.number}"):
                assert registered is not None  # noqa: S101 - just looked
                evidence.equal((row.number, row.month), (registered.number, registered.month), f"job {job_id}", "Job#")


def identities_stay(snapshot: Snapshot, evidence: Evidence) -> None:
    """I4: run, facts and submission name the same account, owner, type and parameters."""
    for job_id, run in snapshot.runs.items():
        evidence.things += 1
        job = snapshot.log.get(job_id)
        if job is not None:
            _compare_identity(run, job, evidence)
    for noted in snapshot.submissions:
        run_noted = snapshot.runs.get(noted.job_id)
        if run_noted is not None:
            found = (noted.account_id, noted.owner_id, noted.job_type)
            evidence.equal(found, _who(run_noted), f"job {noted.job_id}", "accepted by the gateway for")


def _compare_identity(run: StoredRun, job: JobLog, evidence: Evidence) -> None:
    about = f"job {run.job_id}"
    for who in job.who:
        evidence.equal(tuple(who), _who(run), about, "a fact of account, owner, type")
    if job.submission is not None:
        submitted = job.submission
        found = (submitted.account_id, submitted.owner_id, submitted.job_type)
        evidence.equal(found, _who(run), about, "submitted for account, owner, type")
        same = plain(submitted.parameters) == plain(run.parameters)
        evidence.expect(same, about, f"the submitted parameters {submitted.parameters}", f"{run.parameters} in the run")


def _who(run: StoredRun) -> tuple[int, int, str]:
    return run.account_id, run.owner_id, run.job_type
