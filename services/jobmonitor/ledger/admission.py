"""Admission: how many jobs of an account and type are worked on at once, so that no account takes all the workers.

Capacity is counted by type: jobs whose workers are away use up the capacity of their own type, and hold up no other.

Whoever admits a job holds the account's lock, so that two workers cannot both see the last free capacity. Who ends a
job takes it too, after the end is written: either it sees the job that begins to wait, or that job's worker sees the
end. Jobs that are done in the transaction that accepts them wait for nobody, unless their exclusive resource is in use.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from jobmonitor.database.pool import Connection
from jobmonitor.ledger.runs import SQL


@dataclass
class Capacity:
    """How many more jobs of an account may begin, for as long as its lock is held."""

    jobs_max: int
    """Of each type."""
    at_work: dict[str, int]
    """Jobs by type; a type without any may be missing."""
    resources: set[str]
    """The exclusive resources in use, by jobs of whatever type."""

    def is_free(self, resource: str | None) -> bool:
        """Whether nobody uses this exclusive resource."""
        return resource is None or resource not in self.resources

    def full_types(self) -> list[str]:
        """The types of which no other job may begin."""
        return [job_type for job_type, jobs in self.at_work.items() if jobs >= self.jobs_max]

    def take(self, job_type: str, resource: str | None) -> bool:
        """Let a job of this type begin with this exclusive resource; False when it has to wait."""
        if self.at_work.get(job_type, 0) >= self.jobs_max or not self.is_free(resource):
            return False
        self.at_work[job_type] = self.at_work.get(job_type, 0) + 1
        if resource is not None:
            self.resources.add(resource)
        return True


async def lock_capacity(connection: Connection, account_id: int, account_jobs_max: int) -> Capacity:
    """The account's capacity; nobody else takes any of it until the end of the transaction."""
    await SQL["lock_account"].execute(connection, account_id=account_id)
    load = await SQL["account_load"].fetch(connection, account_id=account_id)
    return Capacity(
        jobs_max=account_jobs_max,
        at_work={row["job_type"]: row["jobs"] for row in load},
        resources={resource for row in load for resource in row["resources"]},
    )


async def next_jobs(connection: Connection, account_id: int, account_jobs_max: int) -> AsyncIterator[UUID]:
    """The waiting jobs there is capacity for, the longest waiting first. Admit each before asking for the next."""
    while True:
        capacity = await lock_capacity(connection, account_id, account_jobs_max)
        resources, full_types = list(capacity.resources), capacity.full_types()
        job_id = await SQL["next_waiting"].fetchval(
            connection, account_id=account_id, resources=resources, full_types=full_types
        )
        if job_id is None:
            return
        yield job_id
