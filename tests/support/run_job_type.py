"""Drives a job type as the engine does, without the engine: check, plan, every chunk, assemble."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import msgspec

from jobmonitor.database.pool import Connection, Pool, account_transaction
from jobmonitor.job_types.cpu_pool import CpuPool
from jobmonitor.job_types.protocol import AssemblyContext, Context, JobType, PlannedChunk
from jobmonitor.runtime.objects import ObjectStore


def owner_of(account_id: int) -> int:
    """Whose jobs the tests run: users are of one account."""
    return account_id + 1


CPU = CpuPool(2)
"""Its processes end when nobody has called them for a while."""


@dataclass(frozen=True)
class Ran:
    """What came of a job."""

    content: bytes
    """The result file."""
    media_type: str
    extension: str
    units: list[int]
    """Of each chunk, in plan order."""
    outcomes: Counter[str]
    rows: int
    rejected: int

    @property
    def text(self) -> str:
        """The file as text, its byte order mark left out."""
        return self.content.decode("utf-8-sig")


async def plan_job(
    job_type: JobType[Any], params: Any, pool: Pool, account_id: int, *, objects: ObjectStore | None = None
) -> list[PlannedChunk]:
    """The chunks as the ledger gives them back: their payloads have been JSON in between."""
    async with account_transaction(pool, account_id, isolation="repeatable_read") as connection:
        context = context_of(connection, account_id, objects=objects)
        await job_type.check(params, context)
        planned = [chunk async for chunk in job_type.plan(params, context)]
    return [PlannedChunk(chunk.units, msgspec.json.decode(msgspec.json.encode(chunk.payload))) for chunk in planned]


async def run_job_type(
    job_type: JobType[Any],
    parameters: dict[str, Any],
    pool: Pool,
    account_id: int = 1,
    *,
    before_chunk: Callable[[int], Awaitable[object]] | None = None,
    seed: int | None = None,
    objects: ObjectStore | None = None,
) -> Ran:
    """Do the whole job. ``before_chunk`` is told the position of the chunk about to run.

    With a ``seed`` the chunks run in a random order and some of them twice, as after a crash.
    """
    params, job_id = msgspec.convert(parameters, job_type.params_type), uuid4()
    planned = await plan_job(job_type, params, pool, account_id, objects=objects)
    parts, outcomes, rows, rejected = {}, Counter[str](), {}, {}
    for position in _order(len(planned), seed):
        if before_chunk is not None:
            await before_chunk(position)
        async with account_transaction(pool, account_id) as connection:
            context = context_of(connection, account_id, objects=objects, job_id=job_id)
            part = await job_type.run_chunk(params, planned[position].payload, context)
        assert sum(part.outcomes.values()) == planned[position].units
        if position not in parts:
            outcomes.update(part.outcomes)
        parts[position], rows[position], rejected[position] = part.content, part.rows, part.rejected
    contents = [parts[position] for position in range(len(planned))]
    assembly = job_type.assemble(params, pieces(contents), assembly_context_of(pool, account_id, job_id=job_id))
    assert assembly is not None
    content = b"".join([piece async for piece in assembly.content])
    units = [chunk.units for chunk in planned]
    done = sum(rows.values()), sum(rejected.values())
    return Ran(content, assembly.media_type, assembly.extension, units, outcomes, *done)


def context_of(
    connection: Connection, account_id: int = 1, *, objects: ObjectStore | None = None, job_id: UUID | None = None
) -> Context:
    """Without an object store, one that holds nothing, as nothing was uploaded."""
    store = objects or ObjectStore("memory://")
    return Context(connection, store, account_id=account_id, owner_id=owner_of(account_id), job_id=job_id, cpu=CPU)


def assembly_context_of(pool: Pool, account_id: int = 1, *, job_id: UUID) -> AssemblyContext:
    """It reads what is committed, on connections of its own."""
    return AssemblyContext(
        reading=lambda: account_transaction(pool, account_id, readonly=True),
        objects=ObjectStore("memory://"),
        account_id=account_id,
        owner_id=2,
        job_id=job_id,
        cpu=CPU,
    )


def _order(chunks: int, seed: int | None) -> list[int]:
    positions = list(range(chunks))
    if seed is not None:
        dice = random.Random(seed)
        positions += dice.sample(positions, chunks // 3)
        dice.shuffle(positions)
    return positions


async def pieces(contents: list[bytes]) -> AsyncIterator[bytes]:
    """The parts cut where it hurts: every thousand bytes, whatever stands there."""
    everything = b"".join(contents)
    for start in range(0, len(everything), 1000):
        yield everything[start : start + 1000]
