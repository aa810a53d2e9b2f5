"""Claims: the right to run one chunk for a while, fenced by a token nobody else has."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid4

import msgspec

from jobmonitor.database.pool import Connection, Pool
from jobmonitor.job.state import State
from jobmonitor.ledger.runs import SQL

Kind = Literal["plan", "work", "assemble"]
"""What a chunk is for."""


class LeaseLost(Exception):
    """The chunk's lease was superseded or its job has ended meanwhile: whatever this worker did must not commit."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk this worker may run until its lease ends."""

    job_id: UUID
    chunk: int
    token: UUID
    kind: Kind
    units: int
    payload: Any
    attempt: int
    """Of all claims of this chunk, this one included."""
    uncounted: int
    """How many of the earlier ones used up no try."""
    outage_s: float
    """For how long a service it needs has been unavailable; 0 when none was at the last attempt."""
    last_error: str | None
    """What the last failed try raised; None when each try ended with its worker, without an error."""
    reserved: Any = None
    """What an earlier worker reserved outside and did not settle."""
    times_left: int = 0
    """How often its units were left for later before."""
    account_id: int
    owner_id: int
    job_type: str
    parameters: dict[str, Any]
    stopped: bool
    """Its job is being stopped: what was done so far is assembled."""

    @property
    def tries(self) -> int:
        """Attempts that count, this one included."""
        return self.attempt - self.uncounted


class LeftChunk(NamedTuple):
    """What a chunk leaves to another one."""

    units: int
    payload: Any
    pause: timedelta
    times_left: int
    attempt: int = 0
    uncounted: int = 0
    last_error: str | None = None


class JobStops(Exception):
    """The chunk's job is asked to stop: nothing new may be reserved."""


class Claims:
    """Claiming chunks, each step in a transaction of its own."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, job_id: UUID, chunk: int, *, job_type: str, lease: timedelta) -> Claim | None:
        """Claim the chunk; None when there is nothing to do: done, run by somebody else, or its job ended or stops.

        None too for a chunk of another job type.
        """
        key: dict[str, Any] = {"job_id": job_id, "chunk": chunk, "token": uuid4()}
        row = await SQL["claim_chunk"].fetchrow(self._pool, **key, lease=lease, job_type=job_type)
        return None if row is None else Claim(**key, **row)

    async def extend(self, claim: Claim, *, lease: timedelta, error: str | None = None) -> None:
        """Keep the lease for another while, and the error if there was one. Raises LeaseLost."""
        row = await SQL["extend_lease"].fetchrow(self._pool, **_key_of(claim), lease=lease, error=error)
        _must_be_held(claim, row)

    async def unreserve(self, claim: Claim) -> None:
        """Nothing of what was reserved was begun. Repeatable. Raises LeaseLost."""
        _must_be_held(claim, await SQL["unreserve_chunk"].fetchrow(self._pool, **_key_of(claim)))

    async def release(self, claim: Claim, *, retry_in: timedelta, error: str | None, outage: bool = False) -> None:
        """Give the chunk back after a failed attempt, to be claimed again when ``retry_in`` is over. Repeatable.

        With ``outage`` the attempt used up no try.
        """
        values: dict[str, Any] = {"retry_in": retry_in, "error": error, "outage": outage}
        await SQL["release_chunk"].fetchrow(self._pool, **_key_of(claim), **values)


async def hold_plan(connection: Connection, claim: Claim) -> None:
    """Nobody supersedes this plan before the end of the transaction. Raises LeaseLost, also when its job ended."""
    _must_be_held(claim, await SQL["hold_plan"].fetchrow(connection, **_key_of(claim)))


async def reserve(connection: Connection, claim: Claim, answers: Any) -> None:
    """Keep what is to be done outside. Raises LeaseLost or JobStops: roll back."""
    row = await SQL["reserve_chunk"].fetchrow(connection, **_key_of(claim), reserved=answers)
    _must_be_held(claim, row)
    if row is not None and row["state"] == State.STOPPING.value:
        raise JobStops


async def mark_done(connection: Connection, claim: Claim, part_key: str | None, *, units: int) -> None:
    """Mark the chunk done in the transaction that holds its effects, with the units that were not left to another.

    Raises LeaseLost: roll back.
    """
    values: dict[str, Any] = {"part_key": part_key, "units": units}
    _must_be_held(claim, await SQL["mark_chunk_done"].fetchrow(connection, **_key_of(claim), **values))


async def give_back(connection: Connection, claim: Claim) -> bool:
    """Give back a chunk that was not tried to its end; anybody may claim it at once. False where it was not held."""
    return await SQL["return_chunk"].fetchrow(connection, **_key_of(claim)) is not None


async def give_back_all(connection: Connection, claims: Collection[Claim]) -> None:
    """Give back chunks of a process that is about to crash, none of which is at fault."""
    await SQL["return_chunks"].execute(connection, **keys_of(claims))


def _key_of(claim: Claim) -> dict[str, Any]:
    return {"job_id": claim.job_id, "chunk": claim.chunk, "token": claim.token}


def keys_of(claims: Collection[Claim]) -> dict[str, list[Any]]:
    """Jobs, chunks and tokens, as statements about many claims take them."""
    return {
        "job_ids": [each.job_id for each in claims],
        "chunks": [each.chunk for each in claims],
        "tokens": [each.token for each in claims],
    }


def _must_be_held(claim: Claim, row: object) -> None:
    """Every statement that needs the lease gives a row where it still holds. Raises LeaseLost."""
    if row is None:
        raise LeaseLost(
            f"Chunk {claim.chunk} of job {claim.job_id} belongs to another worker now, or its job has ended."
        )
