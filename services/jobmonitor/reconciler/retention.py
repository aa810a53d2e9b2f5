"""What is dropped because it is old: see docs/retention.md. In batches, and without making anybody wait."""

from datetime import timedelta

from jobmonitor.ledger import Ledger
from jobmonitor.reconciler.settings import ReconcilerSettings

RUNS_AT_ONCE = 500


class Retention:
    """Drops what its settings no longer keep. Every method may be repeated, and run in several processes."""

    def __init__(self, ledger: Ledger, settings: ReconcilerSettings) -> None:
        self._ledger = ledger
        self._settings = settings

    async def forget_runs(self) -> int:
        """Runs whose result expired long ago, or that ended long ago without one; returns how many."""
        kept = timedelta(days=self._settings.run_retention_days)
        return await self._ledger.cleanup.forget_runs(kept, RUNS_AT_ONCE)
