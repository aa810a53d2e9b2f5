"""I10, I12, I14 and I36 where they touch what jobs leave behind: rows in the database, result files.

A job type whose chunks write is checked by comparing what its rows say with what the ledger counted in the same
transactions. The statement that counts them is the type's own.
"""

from jobmonitor.checker.report import Evidence
from jobmonitor.checker.snapshot import Effects, EffectsOfType, Snapshot, StoredRun
from jobmonitor.contract.events import result_key
from jobmonitor.job.state import State


def chunks_acted_once(snapshot: Snapshot, evidence: Evidence) -> None:
    """I10: what chunks wrote is there once each: none took effect twice, or under a lease that was superseded."""
    _compare("I10", snapshot, evidence)


def units_have_one_outcome(snapshot: Snapshot, evidence: Evidence) -> None:
    """I12: the units of a job have one outcome each, as many as the ledger counted."""
    _compare("I12", snapshot, evidence)


def effects_outside_happen_once(snapshot: Snapshot, evidence: Evidence) -> None:
    """I36: of effects outside each unit has one outcome, and nothing reserved is forgotten when a job ends.

    Of a failed job what is still reserved is unknown.
    """
    _compare("I36", snapshot, evidence)
    for job_id, chunks in snapshot.chunks.items():
        run = snapshot.runs.get(job_id)
        if run is not None and run.ended and run.state is not State.FAILED:
            found, about = chunks.reserved, f"job {job_id}"
            evidence.expect(not found, about, "an outcome for all that was reserved", f"{found} units without")


def _compare(invariant: str, snapshot: Snapshot, evidence: Evidence) -> None:
    for job_type, effects in snapshot.effects.items():
        if effects.count.invariant == invariant:
            _compare_type(job_type, effects, snapshot, evidence)


def _compare_type(job_type: str, effects: EffectsOfType, snapshot: Snapshot, evidence: Evidence) -> None:
    by_default = effects.by_default()
    for run in snapshot.runs.values():
        if run.job_type != job_type or not run.parameters.get(effects.count.switch, by_default):
            continue
        if effects.count.kept_as_row_outcomes and run.job_id not in effects.by_job and snapshot.rows_may_be_gone(run):
            continue
        evidence.things += 1
        found, about = effects.by_job.get(run.job_id, Effects(outcomes={})), f"effects of job {run.job_id}"
        evidence.equal(found.outcomes, _counted(run), about, "units")
        evidence.expect(not found.doubled, about, "each unit once", f"{found.doubled} twice")
    for job_id in effects.by_job:
        known = snapshot.was_accepted(job_id)
        evidence.expect(known, f"effects of job {job_id}", "a job in the ledger", "effects of a job nobody ran")


def _counted(run: StoredRun) -> dict[str, int]:
    return {outcome: units for outcome, units in run.outcomes.items() if units}


def results_are_complete(snapshot: Snapshot, evidence: Evidence) -> None:
    """I14: a result that is offered lies there as its description says, its size, SHA-256 and rows; none is missing."""
    for run in snapshot.runs.values():
        result = run.result
        if result is None:
            continue
        key = result_key(run.account_id, run.job_id, result)
        if key not in snapshot.files:
            continue
        evidence.things += 1
        stored = snapshot.files[key]
        about = f"result of job {run.job_id}, {key}"
        evidence.equal(result.rows, run.rows, about, "rows of chunks that are done")
        if evidence.expect(stored is not None, about, f"a file of {result.size_bytes} bytes", "none") and stored:
            evidence.equal(stored.size_bytes, result.size_bytes, about, "bytes")
            evidence.equal(stored.sha256, result.sha256, about, "SHA-256")
            if stored.rows is not None:
                evidence.equal(stored.rows, result.rows, about, "rows")
