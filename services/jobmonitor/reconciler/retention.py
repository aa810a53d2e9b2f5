"""What is dropped because it is old: see docs/retention.md. In small steps, and without making anybody wait."""

from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from jobmonitor.database.statement import Statement, statements
from jobmonitor.ledger import Ledger
from jobmonitor.reconciler.settings import ReconcilerSettings

SQL = statements("jobmonitor.reconciler.sql")
RUNS_AT_ONCE = 500
JOBS_AT_ONCE = 500
"""Jobs that last, moved out of an old month in one transaction: the projection waits for it."""
PATIENCE_MS = 100
"""So long a partition's drop waits at first for those who read the table, and others wait behind it."""
PATIENCE_MAX_MS = 2000
"""The same after several tries in vain: a chunk of an import holds its table for about a second."""

log = structlog.stdlib.get_logger()


class _Patient:
    """A statement that drops a partition, tried with a little more patience after each time somebody was in the way."""

    def __init__(self, ledger: Ledger, statement: Statement) -> None:
        self._pool = ledger.pool
        self._statement = statement
        self._patience_ms = PATIENCE_MS

    async def try_once(self, **values: Any) -> "asyncpg.Record | None":
        """What the statement gives; None where somebody was in the way."""
        try:
            row = await self._statement.fetchrow(self._pool, **values, patience_ms=self._patience_ms)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            self._patience_ms = min(2 * self._patience_ms, PATIENCE_MAX_MS)
            log.info("not_dropped_yet", patience_ms=self._patience_ms)
            return None
        self._patience_ms = PATIENCE_MS
        return row


class Retention:
    """Drops what its settings no longer keep. Every method may be repeated, and run in several processes."""

    def __init__(self, ledger: Ledger, settings: ReconcilerSettings) -> None:
        self._ledger = ledger
        self._settings = settings
        self._months = _Patient(ledger, SQL["drop_month"])
        self._row_outcomes = _Patient(ledger, SQL["drop_row_outcomes"])

    async def add_months_ahead(self) -> int:
        """The partitions of the months to come; returns 0, as nothing is dropped."""
        await SQL["add_months_ahead"].execute(self._ledger.pool)
        await SQL["tell_retention"].execute(
            self._ledger.pool,
            history_months=self._settings.history_retention_months,
            run_days=self._settings.run_retention_days,
            row_outcome_days=self._settings.row_outcome_retention_days,
        )
        return 0

    async def forget_runs(self) -> int:
        """Runs whose result expired long ago, or that ended long ago without one; returns how many."""
        kept = timedelta(days=self._settings.run_retention_days)
        return await self._ledger.cleanup.forget_runs(kept, RUNS_AT_ONCE)

    async def drop_month(self) -> int:
        """The oldest month of jobs, with their timelines, or some jobs of it that last; returns 1 if there was one."""
        row = await self._months.try_once(kept_months=self._settings.history_retention_months, jobs_max=JOBS_AT_ONCE)
        if row is None:
            return 0
        log.info("month_dropped" if not row["moved"] else "jobs_moved", month=str(row["old_month"]), jobs=row["moved"])
        return 1

    async def drop_row_outcomes(self) -> int:
        """The oldest month of what became of imported rows; returns 1 if there was one to drop."""
        row = await self._row_outcomes.try_once(kept_days=self._settings.row_outcome_retention_days)
        if row is None or row[0] is None:
            return 0
        log.info("row_outcomes_dropped", month=str(row[0]))
        return 1
