"""What the reconciler repairs: one kind of loss each, in batches. All may be repeated, and run in several processes."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

from jobmonitor.job_types.registry import slugs
from jobmonitor.ledger import Ledger
from jobmonitor.ledger.cleanup import EndedJob
from jobmonitor.reconciler.orphans import OrphanSweep
from jobmonitor.reconciler.republishing import Republishing
from jobmonitor.reconciler.schedules import Schedules
from jobmonitor.reconciler.settings import ReconcilerSettings
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.objects import ObjectStore

SOURCE = "/jobmonitor/reconciler"
BATCH = 200


class Cursor:
    """Where the next round continues among jobs in the order of their ids; after the last one it begins anew.

    So a job whose files cannot be deleted costs a round, and the others get their turn.
    """

    def __init__(self) -> None:
        self.last: UUID | None = None
        """The job behind which the round continues; None: begin with the first."""

    def move_over(self, batch: Sequence[EndedJob]) -> Iterator[EndedJob]:
        """The jobs of the batch, moving behind each before it is done."""
        for job in batch:
            self.last = job.job_id
            yield job
        if len(batch) < BATCH:
            self.last = None


class Repairs:
    """All repairs of one ledger. Every method returns how much it had to repair, 0 on a healthy system."""

    def __init__(self, ledger: Ledger, producer: Producer, objects: ObjectStore, settings: ReconcilerSettings) -> None:
        self._ledger = ledger
        self._producer = producer
        self._objects = objects
        self._settings = settings
        job_types = slugs(with_probe=settings.with_probe)
        self._schedules = Schedules(ledger, job_types)
        self._orphans = OrphanSweep(ledger.cleanup, objects, every_s=settings.orphan_sweep_every_s)
        self._republishing = Republishing(ledger, producer, job_types, untaken_after_s=settings.untaken_after_s)
        self._purged = Cursor()
        self._swept = Cursor()

    async def start_due_jobs(self) -> int:
        """Scheduled jobs whose time has come; one that came due while everything was down starts at once."""
        return await self._ledger.queue_due(BATCH)

    async def submit_due_schedules(self) -> int:
        """Jobs of schedules whose date and time have come."""
        return await self._schedules.submit_due()

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
        """Queued jobs whose account has capacity, though nobody let them begin."""
        return await self._ledger.admit_waiting()

    async def finish_stops(self) -> int:
        """Stopping jobs whose last worker died."""
        return await self._ledger.finish_stops(BATCH)

    async def republish_submissions(self) -> int:
        """Submissions nobody accepted, published again with their own id and time."""
        return await self._republishing.submissions()

    async def republish_stops(self) -> int:
        """Stop requests nobody consumed, published again with their own id and time."""
        return await self._republishing.stops()

    async def expire_results(self) -> int:
        """Results and reports past their time."""
        reports_after = timedelta(days=self._settings.report_retention_days)
        return await self._ledger.expire_results(reports_after, BATCH)

    async def purge_results(self) -> int:
        """The files of what has expired: deleted, and then noted, so that a crash in between deletes again."""
        batch = await self._ledger.cleanup.jobs_to_purge(self._purged.last, BATCH)
        for job in self._purged.move_over(batch):
            await self._objects.delete_under(f"results/{job.account_id}/{job.job_id}")
            await self._ledger.cleanup.note_purged(job.job_id)
        return len(batch)

    async def sweep_parts(self) -> int:
        """Parts and chunks of jobs that have ended, and results whose worker lost its lease before it could say so.

        Not a loss: this is how they are always cleaned up.
        """
        batch = await self._ledger.cleanup.jobs_to_sweep(self._swept.last, BATCH)
        for job in self._swept.move_over(batch):
            await self._objects.delete_under(f"parts/{job.account_id}/{job.job_id}")
            results = self._objects.keys_under(f"results/{job.account_id}/{job.job_id}")
            await self._objects.delete([key async for key in results if key != job.result_key])
            await self._ledger.cleanup.forget_chunks(job.job_id)
        return len(batch)

    async def sweep_orphans(self) -> int:
        """Files that a frozen worker wrote after its job was cleaned up; some of all files at a time."""
        return await self._orphans.sweep()
