"""Admission: how many jobs of an account are worked on at once, so that no account takes all the workers.

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

    jobs: int
    writes: set[str]
    """What is being written."""

    def is_free(self, writes: str | None) -> bool:
        """Whether nobody writes the same."""
        return writes is None or writes not in self.writes

    def take(self, writes: str | None) -> bool:
        """Take a place for a job that writes this; False when it has to wait."""
        if self.jobs <= 0 or not self.is_free(writes):
            return False
        self.jobs -= 1
        if writes is not None:
            self.writes.add(writes)
        return True


async def find_room(connection: Connection, account_id: int, account_jobs_max: int) -> Room:
    """The room the account has; nobody else takes any of it until the end of the transaction."""
    await connection.execute(SQL["lock_account"], account_id)
    load = await connection.fetchrow(SQL["account_load"], account_id)
    assert load is not None  # noqa: S101 - an aggregate always gives a row
    return Room(jobs=account_jobs_max - load["jobs"], writes=set(load["writes"]))


async def next_jobs(connection: Connection, account_id: int, account_jobs_max: int) -> AsyncIterator[UUID]:
    """The waiting jobs there is room for, the longest waiting first. Admit each before asking for the next."""
    while True:
        room = await find_room(connection, account_id, account_jobs_max)
        if room.jobs <= 0:
            return
        job_id = await connection.fetchval(SQL["next_waiting"], account_id, list(room.writes))
        if job_id is None:
            return
        yield job_id
