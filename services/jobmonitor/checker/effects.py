"""I10, I12 and I14 where they touch what jobs leave behind: rows in the database, result files.

A job type whose chunks write is checked by comparing what its rows say with what the ledger counted in the same
transactions. The statement that counts them is in its folder.
"""

from collections.abc import Iterator

from jobmonitor.checker.report import Looked
from jobmonitor.checker.snapshot import Effects, Run, Snapshot
from jobmonitor.contract.events import result_key


def chunks_acted_once(snapshot: Snapshot, looked: Looked) -> None:
    """I10: the probe's units are there once each: no chunk took effect twice, or under a lease that was superseded."""
    _compare("probe", snapshot, looked)


def rows_have_one_outcome(snapshot: Snapshot, looked: Looked) -> None:
    """I12: the rows of an import have one outcome each, as many as the ledger counted."""
    _compare("user-data-import", snapshot, looked)


def _compare(job_type: str, snapshot: Snapshot, looked: Looked) -> None:
    left = snapshot.effects.get(job_type, {})
    for run in _that_leave_effects(job_type, snapshot):
        looked.things += 1
        found = left.get(run.job_id, Effects(outcomes={}))
        looked.equal(found.outcomes, _counted(run), f"effects of job {run.job_id}", "units")
        looked.expect(not found.doubled, f"effects of job {run.job_id}", "each unit once", f"{found.doubled} twice")
    for job_id in left:
        known = job_id in snapshot.runs
        looked.expect(known, f"effects of job {job_id}", "a job in the ledger", "effects of a job nobody ran")


def _that_leave_effects(job_type: str, snapshot: Snapshot) -> Iterator[Run]:
    for run in snapshot.runs.values():
        if run.job_type == job_type and run.parameters.get("effects", True):
            yield run


def _counted(run: Run) -> dict[str, int]:
    return {outcome: units for outcome, units in run.outcomes.items() if units}


def results_are_complete(snapshot: Snapshot, looked: Looked) -> None:
    """I14: a result that is offered lies there with the size, SHA-256 and rows that its description says."""
    for run in snapshot.runs.values():
        result = run.result
        if result is None:
            continue
        key = result_key(run.account_id, run.job_id, result)
        if key not in snapshot.files:
            continue
        looked.things += 1
        stored = snapshot.files[key]
        about = f"result of job {run.job_id}, {key}"
        if looked.expect(stored is not None, about, f"a file of {result.size_bytes} bytes", "none") and stored:
            looked.equal(stored.size_bytes, result.size_bytes, about, "bytes")
            looked.equal(stored.sha256, result.sha256, about, "SHA-256")
            if stored.rows is not None:
                looked.equal(stored.rows, result.rows, about, "rows")
