"""The reconciler's duties. Each mends one kind of loss, in batches, and may be repeated or run in several processes."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg

from jobmonitor.job_types.registry import slugs
from jobmonitor.ledger import Ledger
from jobmonitor.ledger.runs import SQL as LEDGER_SQL
from jobmonitor.reconciler.orphans import OrphanSweep
from jobmonitor.reconciler.republishing import Republishing
from jobmonitor.reconciler.settings import ReconcilerSettings
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.objects import ObjectStore

SOURCE = "/jobmonitor/reconciler"
BATCH = 200


class Place:
    """Where the next round goes on among rows in the order of their job ids; behind the last one it begins anew.

    So a job whose files cannot be deleted costs a round, and the others get their turn.
    """

    def __init__(self) -> None:
        self.place: UUID | None = None
        """None: at the first."""

    def behind(self, rows: Sequence[asyncpg.Record]) -> Iterator[asyncpg.Record]:
        """These rows, moving on behind each before it is done."""
        for row in rows:
            self.place = row["job_id"]
            yield row
        if len(rows) < BATCH:
            self.place = None


class Duties:
    """All duties over one ledger. Every method returns how much it had to mend, 0 on a healthy system."""

    def __init__(self, ledger: Ledger, producer: Producer, objects: ObjectStore, settings: ReconcilerSettings) -> None:
        self._ledger = ledger
        self._producer = producer
        self._objects = objects
        self._settings = settings
        self._orphans = OrphanSweep(ledger.pool, objects, every_s=settings.orphan_sweep_every_s)
        self._republishing = Republishing(
            ledger.pool,
            producer,
            slugs(with_probe=settings.with_probe),
            untaken_after_s=settings.untaken_after_s,
        )
        self._purged = Place()
        self._swept = Place()

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
        return await self._ledger.hint_open_chunks(unclaimed_after=unclaimed, limit=BATCH)

    async def admit_waiting(self) -> int:
        """Queued jobs whose account has room, though nobody let them begin."""
        return await self._ledger.admit_waiting()

    async def finish_stops(self) -> int:
        """Stopping jobs whose last worker died."""
        return await self._ledger.finish_stops(BATCH)

    async def republish_submissions(self) -> int:
        """Submissions nobody took up, published again with their own id and time."""
        return await self._republishing.submissions()

    async def republish_stops(self) -> int:
        """Stop requests nobody heard, published again with their own id and time."""
        return await self._republishing.stops()

    async def expire_results(self) -> int:
        """Results and reports past their time."""
        reports_after = timedelta(days=self._settings.report_retention_days)
        return await self._ledger.expire_results(reports_after, BATCH)

    async def purge_results(self) -> int:
        """The files of what has expired: deleted, and then noted, so that a crash in between deletes again."""
        rows = await LEDGER_SQL["runs_to_purge"].fetch(self._ledger.pool, behind=self._purged.place, limit=BATCH)
        for row in self._purged.behind(rows):
            await self._objects.delete_under(f"results/{row['account_id']}/{row['job_id']}")
            await LEDGER_SQL["note_purged"].execute(self._ledger.pool, job_id=row["job_id"])
        return len(rows)

    async def sweep_parts(self) -> int:
        """Parts and chunks of jobs that have ended, and results whose worker lost its lease before it could say so.

        Not a loss: this is how they are always tidied up.
        """
        rows = await LEDGER_SQL["runs_to_sweep"].fetch(self._ledger.pool, behind=self._swept.place, limit=BATCH)
        for row in self._swept.behind(rows):
            await self._objects.delete_under(f"parts/{row['account_id']}/{row['job_id']}")
            results = self._objects.keys_under(f"results/{row['account_id']}/{row['job_id']}")
            await self._objects.delete([key async for key in results if key != row["result_key"]])
            await self._ledger.forget_chunks(row["job_id"])
        return len(rows)

    async def sweep_orphans(self) -> int:
        """Files that a frozen worker wrote after its job was tidied up; some of all files at a time."""
        return await self._orphans.sweep()
