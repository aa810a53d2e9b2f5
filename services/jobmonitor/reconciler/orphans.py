"""The orphan sweep: files of personal data that no job needs any more, and that nothing else would ever find.

A worker that was frozen may write a part or a result after its job has ended and was cleaned up. It deletes them itself
when it finds out; one that dies before leaves them here.
"""

import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from jobmonitor.ledger.cleanup import Cleanup
from jobmonitor.runtime.objects import Listed, ObjectStore

log = structlog.stdlib.get_logger()

FOLDERS = ("parts", "results")
ORPHAN_AFTER = timedelta(hours=1)
"""Files younger than this are left alone: a small job stores its result a moment before the ledger knows of the job."""


class OrphanSweep:
    """Looks through all files, a batch at a call, and begins anew after ``every_s``."""

    def __init__(self, cleanup: Cleanup, objects: ObjectStore, *, every_s: float) -> None:
        self._cleanup = cleanup
        self._objects = objects
        self._every_s = every_s
        self._batches: AsyncIterator[Sequence[Listed]] | None = None
        self._next_round_s = 0.0

    async def sweep(self) -> int:
        """Look through the next batch, if it is time; returns how many files were deleted. Repeatable."""
        if self._batches is None:
            if time.monotonic() < self._next_round_s:
                return 0
            self._batches = self._list()
        batches, self._batches = self._batches, None  # where this fails, the next call begins anew
        batch = await anext(batches, None)
        if batch is None:
            self._next_round_s = time.monotonic() + self._every_s
            return 0
        deleted = await self._delete_orphans(batch)
        self._batches = batches
        return deleted

    async def _list(self) -> AsyncIterator[Sequence[Listed]]:
        for folder in FOLDERS:
            async for batch in self._objects.list_under(folder):
                yield batch

    async def _delete_orphans(self, batch: Sequence[Listed]) -> int:
        old_before = datetime.now(UTC) - ORPHAN_AFTER
        jobs = {each.key: _job_id(each.key) for each in batch if each.modified_at < old_before}
        files = [(key, job_id) for key, job_id in jobs.items() if job_id is not None]
        keys = await self._cleanup.unneeded_files(files)
        if keys:
            log.warning("orphans_deleted", files=len(keys), first=keys[0])
            await self._objects.delete(keys)
        return len(keys)


def _job_id(key: str) -> UUID | None:
    """Of ``<folder>/<account>/<job id>/<file>``; None for a file that is none of ours."""
    try:
        return UUID(key.split("/")[2])
    except (IndexError, ValueError):
        return None
