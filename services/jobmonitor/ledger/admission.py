"""Admission: how many jobs of an account and type are worked on at once, so that no account takes all the workers.

Room is counted by type: jobs whose workers are away fill the room of their own type, and hold up no other.

Whoever admits a job holds the account's lock, so that two workers cannot both see the last free place. Who ends a job
takes it too, after the end is written: either it sees the job that begins to wait, or that job's worker sees the end.
Jobs that are done in the step that takes them up wait for nobody, unless what they write is being written.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from jobmonitor.database.pool import Connection
from jobmonitor.ledger.runs import SQL


@dataclass
class Room:
    """How much room an account has, for as long as its lock is held."""

    jobs_max: int
    """Of each type."""
    at_work: dict[str, int]
    """Jobs by type; a type without any may be missing."""
    writes: set[str]
    """What is being written, by jobs of whatever type."""

    def is_free(self, writes: str | None) -> bool:
        """Whether nobody writes the same."""
        return writes is None or writes not in self.writes

    def full(self) -> list[str]:
        """The types of which no other job may begin."""
        return [job_type for job_type, jobs in self.at_work.items() if jobs >= self.jobs_max]

    def take(self, job_type: str, writes: str | None) -> bool:
        """Take a place for a job of this type that writes this; False when it has to wait."""
        if self.at_work.get(job_type, 0) >= self.jobs_max or not self.is_free(writes):
            return False
        self.at_work[job_type] = self.at_work.get(job_type, 0) + 1
        if writes is not None:
            self.writes.add(writes)
        return True


async def find_room(connection: Connection, account_id: int, account_jobs_max: int) -> Room:
    """The room the account has; nobody else takes any of it until the end of the transaction."""
    await SQL["lock_account"].execute(connection, account_id=account_id)
    load = await SQL["account_load"].fetch(connection, account_id=account_id)
    return Room(
        jobs_max=account_jobs_max,
        at_work={row["job_type"]: row["jobs"] for row in load},
        writes={writes for row in load for writes in row["writes"]},
    )


async def next_jobs(connection: Connection, account_id: int, account_jobs_max: int) -> AsyncIterator[UUID]:
    """The waiting jobs there is room for, the longest waiting first. Admit each before asking for the next."""
    while True:
        room = await find_room(connection, account_id, account_jobs_max)
        job_id = await SQL["next_waiting"].fetchval(
            connection, account_id=account_id, resources=list(room.writes), full_types=room.full()
        )
        if job_id is None:
            return
        yield job_id
