"""Submits the jobs of schedules whose time has come: once for each local date, however many reconcilers look."""

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog

from jobmonitor.database.statement import statements
from jobmonitor.ledger import Ledger
from jobmonitor.ledger.transaction import LedgerTransaction
from jobmonitor.schedules.dates import UnknownZone
from jobmonitor.schedules.schedule import Schedule, moved_on, schedule_of

SQL = statements("jobmonitor.reconciler.sql")
BATCH = 50
"""Schedules in one transaction: each may have parameters of 240 KiB."""
PUT_OFF = timedelta(minutes=5)
"""How long one that cannot be submitted rests, so that it takes no room from others."""

log = structlog.stdlib.get_logger()


class Schedules:
    """Moves schedules on. Row locks share them out; the key of a date makes one job of it, whoever submits it again."""

    def __init__(self, ledger: Ledger, job_types: Collection[str]) -> None:
        """``job_types``: the slugs of those that are installed."""
        self._ledger = ledger
        self._job_types = frozenset(job_types)

    async def submit_due(self, now: datetime | None = None) -> int:
        """Submit what is due at this moment (None: now, by the database's clock); returns how many jobs.

        The submissions leave through the outbox, with the transaction that moves their schedules on.
        """
        async with self._ledger.transaction() as transaction:
            at: datetime = now or await SQL["clock"].fetchval(transaction.connection)
            rows = await SQL["due_schedules"].fetch(transaction.connection, now=at, pause=PUT_OFF, limit=BATCH)
            jobs = [await self._move_on(transaction, schedule_of(dict(row)), at) for row in rows]
            return sum(jobs)

    async def _move_on(self, transaction: LedgerTransaction, schedule: Schedule, now: datetime) -> int:
        """One that cannot be submitted keeps its dates, and is put off."""
        if schedule.job_type not in self._job_types:
            return await _put_off(transaction, schedule, now, f"There is no job type {schedule.job_type!r}.")
        try:
            dates, moved = moved_on(schedule, now)
        except UnknownZone as error:
            return await _put_off(transaction, schedule, now, str(error))
        for day in dates:
            job_id = schedule.job_id_on(day)
            transaction.submit(job_id, schedule.submission_on(day))
            log.info("schedule_submitted", schedule=str(schedule.id), date=day.isoformat(), job_id=str(job_id))
        await SQL["move_on_schedule"].execute(
            transaction.connection,
            id=moved.id,
            next_date=moved.next_date,
            next_at=moved.next_at,
            advanced_at=moved.advanced_at,
            last_date=moved.last_date,
            last_job_id=moved.last_job_id,
        )
        return len(dates)


async def _put_off(transaction: LedgerTransaction, schedule: Schedule, now: datetime, why: str) -> int:
    log.warning("schedule_put_off", schedule=str(schedule.id), account_id=schedule.account_id, reason=why)
    await SQL["put_off_schedule"].execute(transaction.connection, id=schedule.id, until=now + PUT_OFF)
    return 0
