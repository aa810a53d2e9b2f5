"""What is still to be deleted of jobs that have ended, and what was."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from jobmonitor.database.pool import Pool
from jobmonitor.ledger.runs import SQL


class EndedJob(NamedTuple):
    """A job whose files may still lie in the object store."""

    job_id: UUID
    account_id: int
    result_key: str | None = None
    """Of the file that stays, if there is one."""


class Cleanup:
    """The ledger's side of cleaning up. Every method may be repeated."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def jobs_to_purge(self, behind: UUID | None, limit: int) -> list[EndedJob]:
        """Expired jobs whose files may still lie there, in the order of their ids, behind this one or all."""
        rows = await SQL["runs_to_purge"].fetch(self._pool, behind=behind, limit=limit)
        return [EndedJob(**row) for row in rows]

    async def note_purged(self, job_id: UUID) -> None:
        """The job's files are gone."""
        await SQL["note_purged"].execute(self._pool, job_id=job_id)

    async def jobs_to_sweep(self, behind: UUID | None, limit: int) -> list[EndedJob]:
        """Ended jobs whose parts and unused results may still lie there; ordered as in ``jobs_to_purge``."""
        rows = await SQL["runs_to_sweep"].fetch(self._pool, behind=behind, limit=limit)
        return [EndedJob(**row) for row in rows]

    async def forget_chunks(self, job_id: UUID) -> None:
        """Drop an ended job's chunks, its parts being gone from the object store."""
        async with self._pool.acquire() as connection, connection.transaction():
            await SQL["await_planner"].execute(connection, job_id=job_id)
            await SQL["forget_chunks"].execute(connection, job_id=job_id)

    async def forget_runs(self, kept: timedelta, limit: int) -> int:
        """Drop runs of which nothing is left and that did not change for so long; returns how many.

        Their ids stay known: a job that was ever accepted is never accepted again.
        """
        return len(await SQL["forget_runs"].fetch(self._pool, kept=kept, limit=limit))

    async def unneeded_files(self, files: Collection[tuple[str, UUID]]) -> Sequence[str]:
        """The keys of those of these files (key, job id) that no job needs."""
        keys, job_ids = [key for key, _ in files], [job_id for _, job_id in files]
        rows = await SQL["unneeded_files"].fetch(self._pool, keys=keys, job_ids=job_ids)
        return [row["key"] for row in rows]
