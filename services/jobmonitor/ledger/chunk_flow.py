"""Which chunk comes next: a window of one job's chunks is in flight; each that ends lets the next one go.

So a job of a million rows does not starve a job of ten, and a stop takes effect within one window.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from jobmonitor.job.commands import RecordProgress
from jobmonitor.job.state import State
from jobmonitor.ledger.runs import Run
from jobmonitor.ledger.transaction import LedgerTransaction


@dataclass(frozen=True, slots=True)
class Finished:
    """What a work chunk gave, as the ledger counts it."""

    units: int
    part_key: str | None
    rows: int = 0
    rejected: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)


async def start_chunks(ledger: LedgerTransaction, run: Run, *, chunks: int, window: int) -> None:
    """Dispatch the first window of a started job; a plan without chunks goes straight to its assembly."""
    if run.job.state is not State.RUNNING:
        return
    run = msgspec.structs.replace(run, chunks_total=chunks)
    if chunks == 0:
        await _dispatch_assembly(ledger, ledger.save(run))
        return
    sent = await ledger.dispatch(run, 1, min(window, chunks))
    ledger.save(msgspec.structs.replace(run, chunks_dispatched=sent))


async def finish_chunk(ledger: LedgerTransaction, run: Run, finished: Finished) -> None:
    """Count a chunk that ended, tell the progress, and dispatch the next one, or the assembly after the last."""
    run = count_chunk(ledger, run, finished)
    if run.job.state is not State.RUNNING:
        return
    if run.chunks_done == run.chunks_total:
        await _dispatch_assembly(ledger, run)
    elif run.chunks_dispatched < run.chunks_total:
        following = run.chunks_dispatched + 1
        await ledger.dispatch(run, following, following)
        ledger.save(msgspec.structs.replace(run, chunks_dispatched=following))


def count_chunk(ledger: LedgerTransaction, run: Run, finished: Finished) -> Run:
    """Count a chunk that ended and tell the progress."""
    outcomes = dict(run.outcomes)
    for outcome, units in finished.outcomes.items():
        outcomes[outcome] = outcomes.get(outcome, 0) + units
    counted = msgspec.structs.replace(
        run,
        chunks_done=run.chunks_done + 1,
        outcomes=outcomes,
        rejected=run.rejected + finished.rejected,
        rows=run.rows + finished.rows,
    )
    return ledger.apply(counted, RecordProgress(units=finished.units))


async def _dispatch_assembly(ledger: LedgerTransaction, run: Run) -> None:
    assembly = run.chunks_total + 1
    await ledger.add_chunks(run.job_id, "assemble", [(assembly, 0, None)])
    await ledger.dispatch(run, assembly, assembly)
