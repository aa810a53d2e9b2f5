"""The reconciler's duties. Each mends one kind of loss, in batches, and may be repeated or run in several processes."""

import time
from datetime import timedelta

import asyncpg
import msgspec

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobStopRequested, JobSubmitted
from jobmonitor.contract.topics import JOB_TYPES, jobs_topic
from jobmonitor.database.sql import statements
from jobmonitor.ledger import Ledger
from jobmonitor.ledger.runs import SQL as LEDGER_SQL
from jobmonitor.reconciler.patience import Patience
from jobmonitor.reconciler.settings import ReconcilerSettings
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.objects import ObjectStore

SQL = statements("jobmonitor.reconciler.sql")
SOURCE = "/jobmonitor/reconciler"
BATCH = 200


class Duties:
    """All duties over one ledger. Every method returns how much it had to mend, 0 on a healthy system."""

    def __init__(self, ledger: Ledger, producer: Producer, objects: ObjectStore, settings: ReconcilerSettings) -> None:
        self._ledger = ledger
        self._producer = producer
        self._objects = objects
        self._settings = settings
        self._untaken = Patience(settings.untaken_after_s)
        self._unheard = Patience(settings.untaken_after_s)

    async def start_due_jobs(self) -> int:
        """Scheduled jobs whose time has come; one that came due while everything was down starts at once."""
        return await self._ledger.queue_due(BATCH)

    async def send_leftover_messages(self) -> int:
        """Facts that were committed by a process which died before it could send them."""
        return await self._ledger.send_leftovers(
            self._producer, older_than=timedelta(seconds=self._settings.outbox_after_s)
        )

    async def redispatch_chunks(self) -> int:
        """Chunks whose worker died, whose pause before the next try is over, or whose dispatch got lost.

        One that was tried too often is dispatched all the same: the worker gives it up, and its message is kept.
        """
        unclaimed = timedelta(seconds=self._settings.unclaimed_after_s)
        async with self._ledger.transaction() as ledger:
            rows = await ledger.connection.fetch(LEDGER_SQL["open_chunks"], unclaimed, BATCH)
            for row in rows:
                await ledger.connection.execute(LEDGER_SQL["touch_chunk"], row["job_id"], row["chunk"])
                ledger.hint(
                    row["job_id"],
                    row["account_id"],
                    row["job_type"],
                    row["chunk"],
                    attempt=row["attempt"] + 1,
                )
        return len(rows)

    async def admit_waiting(self) -> int:
        """Queued jobs whose account has room, though nobody let them begin."""
        return await self._ledger.admit_waiting()

    async def finish_stops(self) -> int:
        """Stopping jobs whose last worker died."""
        return await self._ledger.finish_stops(BATCH)

    async def republish_submissions(self) -> int:
        """Submissions nobody took up, published again with their own id and time."""
        untaken = timedelta(seconds=self._settings.untaken_after_s)
        rows = await self._ledger.pool.fetch(SQL["untaken_submissions"], untaken, list(JOB_TYPES), BATCH)
        due = self._untaken.due((row["job_id"] for row in rows), time.monotonic())
        for row in rows:
            if row["job_id"] not in due:
                continue
            data = msgspec.convert(row["data"], JobSubmitted)
            await self._producer.send(jobs_topic(data.job_type), _again(row, data))
        return len(due)

    async def republish_stops(self) -> int:
        """Stop requests nobody heard, published again with their own id and time."""
        untaken = timedelta(seconds=self._settings.untaken_after_s)
        rows = await self._ledger.pool.fetch(SQL["unheard_stops"], untaken, BATCH)
        due = self._unheard.due((row["job_id"] for row in rows), time.monotonic())
        for row in rows:
            if row["job_id"] not in due:
                continue
            data = msgspec.convert(row["data"], JobStopRequested)
            await self._producer.send(jobs_topic(row["job_type"]), _again(row, data))
        return len(due)

    async def expire_results(self) -> int:
        """Results and reports past their time."""
        reports_after = timedelta(days=self._settings.report_retention_days)
        return await self._ledger.expire_results(reports_after, BATCH)

    async def purge_results(self) -> int:
        """The files of what has expired: deleted, and then noted, so that a crash in between deletes again."""
        rows = await self._ledger.pool.fetch(LEDGER_SQL["runs_to_purge"], BATCH)
        for row in rows:
            await self._objects.delete_under(f"results/{row['account_id']}/{row['job_id']}")
            await self._ledger.pool.execute(LEDGER_SQL["note_purged"], row["job_id"])
        return len(rows)

    async def sweep_parts(self) -> int:
        """Parts and chunks of jobs that have ended, and results whose worker lost its lease before it could say so.

        Not a loss: this is how they are always tidied up.
        """
        rows = await self._ledger.pool.fetch(LEDGER_SQL["ended_runs_with_chunks"], BATCH)
        for row in rows:
            await self._objects.delete_under(f"parts/{row['account_id']}/{row['job_id']}")
            results = self._objects.keys_under(f"results/{row['account_id']}/{row['job_id']}")
            await self._objects.delete([key async for key in results if key != row["result_key"]])
            await self._ledger.forget_chunks(row["job_id"])
        return len(rows)


def _again(row: asyncpg.Record, data: JobSubmitted | JobStopRequested) -> Event:
    return Event(id=row["event_id"], source=SOURCE, job_id=row["job_id"], time=row["at"], data=data)
