"""Admission: how many jobs of an account and type are worked on at once, so that no account takes all the workers.

Capacity is counted by type: jobs whose workers are away use up the capacity of their own type, and hold up no other.

A job takes all its exclusive resources at once when it begins: no two jobs wait for each other. It takes none that is
needed by a job that has waited longer: who needs several is not overtaken for ever by those that need one of them. For
the one of each type that has waited longest for resources a place among those at work is kept as well.

Whoever admits a job holds the account's lock, so that two workers cannot both see the last free capacity. Who ends a
job takes it too, after the end is written: either it sees the job that begins to wait, or that job's worker sees the
end. Jobs that are done in the transaction that accepts them wait for nobody, unless they need exclusive resources.
"""

from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from jobmonitor.database.pool import Connection
from jobmonitor.ledger.runs import SQL


class Waiting(NamedTuple):
    """A job that waits for its turn."""

    job_id: UUID
    job_type: str
    resources: Collection[str]


@dataclass
class Capacity:
    """How many more jobs of an account may begin, for as long as its lock is held."""

    jobs_max: int
    """Of each type."""
    at_work: dict[str, int]
    """Jobs by type; a type without any may be missing."""
    resources: set[str]
    """The exclusive resources in use by jobs of whatever type, or kept for those that wait for them."""
    heeds_waiting: bool = False
    """Whether what the jobs that wait need is kept for them."""
    places_kept: set[str] = field(default_factory=set)
    """The types of which one of ``at_work`` is a place that is kept for a job that waits."""

    def is_free(self, resources: Collection[str]) -> bool:
        """Whether all these exclusive resources are."""
        return self.resources.isdisjoint(resources)

    def take(self, job_type: str, resources: Collection[str]) -> bool:
        """Let a job of this type begin with these exclusive resources; False when it has to wait.

        Where it waits for a resource it is the first to wait for the others too.
        """
        if self._is_full(job_type):
            return False
        if not self.is_free(resources):
            self._keep(job_type, resources)
            return False
        self.resources.update(resources)
        self._add(job_type)
        return True

    def next_of(self, waiting: Iterable[Waiting]) -> UUID | None:
        """Which of these may begin; they come in the order in which they wait.

        Jobs of a full type keep no resource: they could not use it.
        """
        for each in waiting:
            if self._is_full(each.job_type):
                continue
            if self.is_free(each.resources):
                return each.job_id
            self._keep(each.job_type, each.resources)
        return None

    def heed(self, waiting: Iterable[Waiting]) -> None:
        """Keep what these jobs need for them: whoever comes now comes behind them."""
        self.heeds_waiting = True
        for each in waiting:
            if not self._is_full(each.job_type):
                self._keep(each.job_type, each.resources)

    def words_for(self, resources: Collection[str]) -> str | None:
        """What a job with these resources waits for, in words for people; None where it is none of them."""
        missing = sorted(self.resources.intersection(resources))
        return f"another job that changes {missing[0]}" if missing else None

    def _keep(self, job_type: str, resources: Collection[str]) -> None:
        """Whoever comes later gets neither these resources nor this job's place."""
        self.resources.update(resources)
        if job_type not in self.places_kept:
            self.places_kept.add(job_type)
            self._add(job_type)

    def _add(self, job_type: str) -> None:
        self.at_work[job_type] = self.at_work.get(job_type, 0) + 1

    def _is_full(self, job_type: str) -> bool:
        return self.at_work.get(job_type, 0) >= self.jobs_max


async def lock_capacity(connection: Connection, account_id: int, account_jobs_max: int) -> Capacity:
    """The account's capacity; nobody else takes any of it until the end of the transaction."""
    await SQL["lock_account"].execute(connection, account_id=account_id)
    capacity = Capacity(account_jobs_max, {}, set())
    for row in await SQL["account_load"].fetch(connection, account_id=account_id):
        capacity.at_work[row["job_type"]] = capacity.at_work.get(row["job_type"], 0) + row["jobs"]
        capacity.resources.update(row["resources"])
    return capacity


async def first_waiting(connection: Connection, account_id: int) -> list[Waiting]:
    """Of each kind of job that waits the first, in the order in which they wait."""
    return [Waiting(**row) for row in await SQL["first_waiting"].fetch(connection, account_id=account_id)]


async def next_jobs(connection: Connection, account_id: int, account_jobs_max: int) -> AsyncIterator[UUID]:
    """The waiting jobs there is capacity for, the longest waiting first. Admit each before asking for the next."""
    while True:
        capacity = await lock_capacity(connection, account_id, account_jobs_max)
        job_id = capacity.next_of(await first_waiting(connection, account_id))
        if job_id is None:
            return
        yield job_id
