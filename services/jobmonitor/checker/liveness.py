"""I32: once things are calm nothing is left over."""

from jobmonitor.checker.report import DoesNotApply, Looked
from jobmonitor.checker.snapshot import Snapshot


def nothing_is_left(snapshot: Snapshot, looked: Looked) -> None:
    """I32: the views have all of the log, the outbox is empty, whoever runs holds a lease, no parts of ended jobs."""
    if not snapshot.calm:
        raise DoesNotApply("It is looked at with --calm only: on a busy system something is always on its way.")
    for (topic, partition), end in snapshot.log_ends.items():
        looked.things += 1
        folded = snapshot.folded_to.get((topic, partition), 0)
        looked.expect(folded >= end, f"{topic}/{partition}", f"folded up to {end}", f"up to {folded}")
    looked.things += 1
    looked.expect(not snapshot.unsent, "outbox", "no message unsent", snapshot.unsent)
    for run in snapshot.runs.values():
        looked.things += 1
        chunks = snapshot.chunks.get(run.job_id)
        if run.ended:
            looked.expect(chunks is None, f"job {run.job_id}", "no chunks, as it has ended", "chunks in the ledger")
        elif run.state in ("running", "stopping"):
            held = chunks is not None and chunks.leased > 0
            looked.expect(held, f"job {run.job_id}", f"a live lease, as it is {run.state}", "none")
    for job_id in snapshot.parts:
        kept = snapshot.runs.get(job_id)
        looked.expect(kept is not None and not kept.ended, f"job {job_id}", "no parts, as it has ended", "parts")
