"""What the ledger still has to do, by job type: for operators, and for whoever scales workers."""

from collections.abc import Mapping
from typing import NamedTuple

from jobmonitor.database.pool import Pool
from jobmonitor.ledger.runs import SQL

COUNTED_MAX = 100_000
"""Waiting jobs of an account and type, and scheduled ones in all, that are read at most: a tenth of a second each."""


class Backlog(NamedTuple):
    """Of one job type."""

    scheduled: int = 0
    queued: int = 0
    running: int = 0
    stopping: int = 0
    oldest_waiting_s: float = 0
    """Of the queued jobs whose plan nobody makes; 0 without any. A scheduled job waits since its time came."""
    chunks_not_dispatched: int = 0
    """Of running jobs: they follow as others end."""
    unclaimed: int = 0
    """Chunks that were handed out, and that any free worker may claim."""
    oldest_unclaimed_s: float = 0
    """For how long one of them has been open; 0 without any."""
    left_units: int = 0
    """Left for later, by chunks that could not do them yet."""
    oldest_left_s: float = 0
    """Since some of them were left first; 0 without any."""
    reserved_effects: int = 0
    """Units of which an effect outside the database is under way, or was when a worker died."""
    oldest_reserved_s: float = 0
    """Since some of them were reserved; 0 without any."""


async def load_backlogs(pool: Pool) -> Mapping[str, Backlog]:
    """Of the types that have any. It costs by what is open, not by what has ended."""
    jobs = await SQL["open_jobs"].fetch(pool, counted_max=COUNTED_MAX)
    chunks = await SQL["handed_out_chunks"].fetch(pool)
    found: dict[str, Backlog] = {}
    for row in (*jobs, *chunks):
        counts = dict(row)
        job_type = counts.pop("job_type")
        found[job_type] = found.get(job_type, Backlog())._replace(**counts)
    return found
