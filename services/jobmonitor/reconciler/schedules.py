"""Submits the jobs of schedules whose time has come: once for each local date, however many reconcilers look."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

import msgspec
import structlog

from jobmonitor.database.statement import statements
from jobmonitor.job_types.registry import UnknownJobType
from jobmonitor.ledger import Ledger
from jobmonitor.ledger.transaction import LedgerTransaction, MessageTooLarge
from jobmonitor.schedules.dates import UnknownZone
from jobmonitor.schedules.schedule import Schedule, moved_on, schedule_of

SQL = statements("jobmonitor.reconciler.sql")
BATCH = 20
"""Schedules in one transaction: each may have parameters of 240 KiB, for five dates."""
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
        """Submit what is due at this moment (None: now, by the database's clock); returns of how many schedules.

        The submissions leave through the outbox, with the transaction that moves their schedules on. A schedule that
        cannot be submitted keeps its dates, and is put off.
        """
        async with self._ledger.transaction() as transaction:
            connection = transaction.connection
            at: datetime = now or await SQL["clock"].fetchval(connection)
            rows = await SQL["due_schedules"].fetch(connection, now=at, pause=PUT_OFF, limit=BATCH)
            found = [schedule_of(dict(row)) for row in rows]
            moved = [each for each in (self._submit(transaction, schedule, at) for schedule in found) if each]
            await SQL["move_on_schedule"].executemany(connection, map(msgspec.structs.asdict, moved))
            if put_off := {each.id for each in found} - {each.id for each in moved}:
                await SQL["put_off_schedules"].execute(connection, ids=list(put_off), until=at + PUT_OFF)
        return len(found)

    def _submit(self, transaction: LedgerTransaction, schedule: Schedule, now: datetime) -> Schedule | None:
        """The schedule behind what is due; None where it cannot be submitted."""
        try:
            dates, moved = self._moved_on(schedule, now)
            for day in dates:
                job_id = schedule.job_id_on(day)
                transaction.submit(job_id, schedule.submission_on(day))
                log.info("schedule_submitted", schedule=str(schedule.id), date=day.isoformat(), job_id=str(job_id))
        except (UnknownJobType, UnknownZone, MessageTooLarge) as error:
            account_id, reason = schedule.account_id, str(error)
            log.warning("schedule_put_off", schedule=str(schedule.id), account_id=account_id, reason=reason)
            return None
        return moved

    def _moved_on(self, schedule: Schedule, now: datetime) -> tuple[Sequence[date], Schedule]:
        """The dates to submit, and the schedule behind them. Raises UnknownJobType, UnknownZone."""
        if schedule.job_type not in self._job_types:
            raise UnknownJobType(schedule.job_type)
        return moved_on(schedule, now)
