"""Drives a job type as the engine does, without the engine: check, plan, every chunk, assemble."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from jobmonitor.database.pool import Connection, Pool, account_transaction
from jobmonitor.job_types.cpu_pool import CpuPool
from jobmonitor.job_types.outside import Effect, Later, OutsideContext, Settled
from jobmonitor.job_types.protocol import AssemblyContext, Context, JobType, Part, PlannedChunk
from jobmonitor.job_types.submit import Submit
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
    """The result file; nothing, and without an extension, where the type gives none."""
    media_type: str
    extension: str
    units: list[int]
    """Of each chunk, in plan order."""
    outcomes: Counter[str]
    rows: int
    rejected: int
    children: frozenset[tuple[str, str]]
    """Types and keys of the jobs it submits."""

    @property
    def text(self) -> str:
        """The file as text, its byte order mark left out."""
        return self.content.decode("utf-8-sig")


class Noting(Submit):
    """Notes which jobs are submitted."""

    def __init__(self, children: set[tuple[str, str]]) -> None:
        self._children = children

    def __call__(
        self,
        job_type: str,
        key: str,
        parameters: Any,
        *,
        reference: str | None = None,
        run_at: datetime | None = None,
    ) -> UUID:
        self._children.add((job_type, key))
        return uuid4()


class Killed(Exception):
    """The worker ends here."""


async def plan_job(
    job_type: JobType[Any],
    params: Any,
    pool: Pool,
    account_id: int,
    *,
    objects: ObjectStore | None = None,
    job_id: UUID | None = None,
) -> list[PlannedChunk]:
    """The chunks as the ledger gives them back: their payloads have been JSON in between."""
    async with account_transaction(pool, account_id, isolation="repeatable_read") as connection:
        await job_type.check(params, context_of(connection, account_id, objects=objects))
        context = context_of(connection, account_id, objects=objects, job_id=job_id)
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

    With a ``seed`` the chunks run in a random order, if they may, and some of them are begun in vain before.
    """
    params, job_id = msgspec.convert(parameters, job_type.params_type), uuid4()
    planned = await plan_job(job_type, params, pool, account_id, objects=objects, job_id=job_id)

    children: set[tuple[str, str]] = set()

    async def run(position: int, *, in_vain: bool) -> Part:
        if before_chunk is not None:
            await before_chunk(position)
        async with account_transaction(pool, account_id) as connection:
            context = context_of(connection, account_id, objects=objects, job_id=job_id)
            context = replace(context, submit=Noting(children))
            part = await run_chunk(job_type, params, planned[position].payload, context)
            assert sum(part.outcomes.values()) == planned[position].units
            if in_vain:  # as a worker that is killed when all is done but the commit
                raise Killed
        return part

    parts = await _run_all(_order(len(planned), seed, job_type.in_order), run)
    content = pieces([part.content for part in parts])
    assembly = job_type.assemble(params, content, assembly_context_of(pool, account_id, job_id=job_id))
    return Ran(
        content=b"" if assembly is None else b"".join([piece async for piece in assembly.content]),
        media_type="" if assembly is None else assembly.media_type,
        extension="" if assembly is None else assembly.extension,
        units=[chunk.units for chunk in planned],
        outcomes=sum((Counter(part.outcomes) for part in parts), Counter[str]()),
        rows=sum(part.rows for part in parts),
        rejected=sum(part.rejected for part in parts),
        children=frozenset(children),
    )


async def _run_all(order: list[int], run: Callable[..., Awaitable[Part]]) -> list[Part]:
    """The parts in plan order. Where a position comes more than once, all but the last time are in vain."""
    parts: dict[int, Part] = {}
    for turn, position in enumerate(order):
        with suppress(Killed):
            parts[position] = await run(position, in_vain=position in order[turn + 1 :])
    return [parts[position] for position in sorted(parts)]


async def run_chunk(job_type: JobType[Any], params: Any, payload: Any, context: Context) -> Part:
    """Do one chunk, with what it leaves for later, in the context's transaction."""
    if job_type.outside is None:
        return await job_type.run_chunk(params, payload, context)
    settled, left, times_left = list[tuple[Any, Settled]](), list(payload), 0
    while left:
        assert times_left <= job_type.retries.later_max, "it leaves units for later without end"
        answers = await _outside_answers(job_type, params, left, context, times_left)
        settled += [(unit, each) for unit, each in zip(left, answers, strict=True) if isinstance(each, Settled)]
        left = [unit for unit, each in zip(left, answers, strict=True) if isinstance(each, Later)]
        times_left += 1
    recorded = await job_type.outside.record(params, settled, context)
    outcomes = Counter(each.outcome for _, each in settled)
    return Part(recorded.content, outcomes, sum(each.rejected for _, each in settled), recorded.rows)


async def _outside_answers(
    job_type: JobType[Any], params: Any, units: list[Any], context: Context, times_left: int
) -> list[Settled | Later]:
    assert job_type.outside is not None
    reserved = await job_type.outside.reserve(params, units, context)
    assert len(reserved) == len(units)
    effects = [each for each in reserved if isinstance(each, Effect)]
    acted = job_type.outside.act(params, effects, _outside_context(context, times_left))
    answers = [answer async for answer in acted]
    assert len(answers) == len(effects)
    return [answers.pop(0) if isinstance(each, Effect) else each for each in reserved]


def _outside_context(context: Context, times_left: int) -> OutsideContext:
    assert context.job_id is not None
    return OutsideContext(
        objects=context.objects,
        account_id=context.account_id,
        owner_id=context.owner_id,
        job_id=context.job_id,
        times_left=times_left,
    )


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
        owner_id=owner_of(account_id),
        job_id=job_id,
        cpu=CPU,
    )


def _order(chunks: int, seed: int | None, in_order: bool) -> list[int]:
    """With a ``seed`` a third of them, rounded up, come twice."""
    positions = list(range(chunks))
    if seed is None:
        return positions
    dice = random.Random(seed)
    positions += dice.sample(positions, -(-chunks // 3))
    dice.shuffle(positions)
    return sorted(positions) if in_order else positions


async def pieces(contents: list[bytes]) -> AsyncIterator[bytes]:
    """The parts cut where it hurts: every thousand bytes, whatever stands there."""
    everything = b"".join(contents)
    for start in range(0, len(everything), 1000):
        yield everything[start : start + 1000]
