"""Which chunk comes next: a window of one job's chunks is in flight; each that ends lets the next one go.

So a job of a million rows does not starve a job of ten, and a stop takes effect within one window.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from jobmonitor.ledger.runs import Run


class ChunkCounts(Protocol):
    """What a work chunk gave, as the ledger counts it."""

    @property
    def rows(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    @property
    def outcomes(self) -> Mapping[str, int]: ...


def counted(run: Run, counts: ChunkCounts) -> Run:
    """The run with one more chunk done."""
    outcomes = dict(run.outcomes)
    for outcome, units in counts.outcomes.items():
        outcomes[outcome] = outcomes.get(outcome, 0) + units
    return msgspec.structs.replace(
        run,
        chunks_done=run.chunks_done + 1,
        outcomes=outcomes,
        rejected=run.rejected + counts.rejected,
        rows=run.rows + counts.rows,
    )
