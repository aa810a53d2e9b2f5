"""Probe: a job that does what its parameters say, for measuring the engine and for breaking it on purpose.

Users are not offered it: a processor serves it only where its settings name it. Its effects are rows in
``probe.effects``, one for each unit, so that a chunk that ran once too often shows as a row too many; and calls of a
service outside, whose address is a setting of the process.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import httpx2
import msgspec
from msgspec import Meta

from jobmonitor.database.statement import statements
from jobmonitor.job_types.defaults import JobTypeDefaults
from jobmonitor.job_types.probe.cpu_work import work
from jobmonitor.job_types.protocol import (
    Assembly,
    AssemblyContext,
    Context,
    CpuFailed,
    EffectsCount,
    Part,
    PlannedChunk,
    RefusalKind,
    Refused,
    Stopped,
)
from jobmonitor.job_types.token_ids import TokenId
from jobmonitor.runtime.failures import ServiceAway

SMALL_CHUNKS_MAX = 20
PIECE_BYTES = 1024 * 1024
OUTSIDE = "the outside service"
OUTSIDE_TIMEOUT_S = 5.0
SQL = statements("jobmonitor.job_types.probe.sql")


class ProbeParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much there is to do, and what goes wrong. The defaults do nothing at all."""

    units: Annotated[int, Meta(le=10_000_000, description="How far to count. Fewer than 0 is refused.")] = 0
    chunk_units: Annotated[int, Meta(ge=1, description="Units of a chunk, each one progress.")] = 1
    chunk_s: Annotated[float, Meta(ge=0, le=30, description="How long each chunk takes, in seconds.")] = 0.0
    hears_stop: Annotated[bool, Meta(description="Whether chunks end themselves when their job is stopped.")] = True
    effects: Annotated[bool, Meta(description="Whether each unit leaves a row in the database.")] = True
    file: Annotated[bool, Meta(description="Whether the units are offered as a file.")] = True
    refuse_as: Annotated[
        RefusalKind | None, Meta(description="Refuse the job before it starts, with a refusal of this kind.")
    ] = None
    refuse_at: Annotated[int | None, Meta(description="The unit at which the job turns out to be impossible.")] = None
    away_attempts: Annotated[int, Meta(ge=0, description="So many tries of each chunk fail for what passes.")] = 0
    plan_s: Annotated[float, Meta(ge=0, le=3600, description="How long the plan takes, in seconds.")] = 0.0
    assemble_s: Annotated[float, Meta(ge=0, le=3600, description="How long the assembly takes, in seconds.")] = 0.0
    assemble_bytes: Annotated[
        int, Meta(ge=0, le=10_000_000_000, description="Bytes the assembly adds to the heading of the file.")
    ] = 0
    outside: Annotated[int, Meta(ge=0, le=100, description="Calls of the service outside for each unit.")] = 0
    cpu_s: Annotated[float, Meta(ge=0, le=600, description="CPU work for each unit in another process, in s.")] = 0.0
    cpu_timeout_s: Annotated[float, Meta(gt=0, le=600, description="How much of that is allowed, in seconds.")] = 30.0
    cpu_crash_at: Annotated[
        int | None, Meta(description="The unit whose CPU work ends its process: it counts as failed.")
    ] = None
    children: Annotated[int, Meta(ge=0, le=1_000, description="Probes that each unit submits.")] = 0
    generations: Annotated[
        int, Meta(ge=1, le=1_000, description="How many generations of them: children submit children.")
    ] = 1
    resources: Annotated[tuple[str, ...], Meta(description="What only one job of the account may change.")] = ()
    bug_attempts: Annotated[int, Meta(ge=0, description="So many tries of each chunk fail by a bug.")] = 0
    token_id: TokenId | None = None
    """The token it is asked for with. Over HTTP give ``token``, the token itself."""


class Probe(JobTypeDefaults[ProbeParameters]):
    """Counts ``units`` in chunks of ``chunk_units``."""

    slug = "probe"
    title = "Probe"
    unit = "units"
    permission = "export"
    stoppable = True
    params_type = ProbeParameters
    effects = EffectsCount(statement=statements(__package__)["effects"], by_account=False, switch="effects")

    def __init__(self, outside_url: str = "") -> None:
        self._outside_url = outside_url

    def exclusive_resources(self, params: ProbeParameters) -> frozenset[str]:
        return frozenset(params.resources)

    async def check(self, params: ProbeParameters, context: Context) -> None:
        if params.units < 0:
            raise Refused("negative", "A job cannot have fewer than 0 units.", parameter="units")
        if params.refuse_as is not None:
            raise Refused("asked_to_refuse", "The probe was asked to refuse.", kind=params.refuse_as)
        if params.outside and context.job_id is not None and not self._outside_url:
            raise Refused("no_outside_service", "This worker knows no service outside.", parameter="outside")

    async def count(self, params: ProbeParameters, context: Context) -> int:
        return params.units

    async def is_small(self, params: ProbeParameters, context: Context) -> bool:
        waits = params.chunk_s or params.plan_s or params.assemble_s or params.outside
        lasts = waits or params.cpu_s or params.assemble_bytes
        fails = params.away_attempts or params.bug_attempts or params.cpu_crash_at is not None
        return not lasts and not fails and params.units <= SMALL_CHUNKS_MAX * params.chunk_units

    async def plan(self, params: ProbeParameters, context: Context) -> AsyncIterator[PlannedChunk]:
        """The payload is the first unit and the one after the last. Each takes its share of ``plan_s``."""
        chunks = -(-params.units // params.chunk_units)
        for first in range(0, params.units, params.chunk_units):
            end = min(first + params.chunk_units, params.units)
            await asyncio.sleep(params.plan_s / chunks)
            yield PlannedChunk(units=end - first, payload=[first, end])

    async def run_chunk(self, params: ProbeParameters, payload: Any, context: Context) -> Part:
        """What goes wrong goes wrong after the effects."""
        units = range(*payload)
        await _take(params.chunk_s, context.stop_requested if params.hears_stop else asyncio.Event())
        failed = await _cpu_work(params, units, context)
        if params.effects:
            for some in [range(unit, unit + 1) for unit in units if unit not in failed] if failed else [units]:
                await _leave_effects(some, context)
        _submit_children(params, units, context)
        await self._call_outside(params, units, context)
        self._go_wrong(params, units, context.attempt)
        counted = len(units) - len(failed)
        lines = "".join(f"{unit}\r\n" for unit in units if unit not in failed) if params.file else ""
        outcomes = {"counted": counted, **({"failed": len(failed)} if failed else {})}
        return Part(content=lines.encode(), outcomes=outcomes, rejected=len(failed), rows=counted)

    async def _call_outside(self, params: ProbeParameters, units: range, context: Context) -> None:
        """What reached the service is counted there, also where this chunk fails afterwards. Raises ServiceAway."""
        if not params.outside:
            return
        async with httpx2.AsyncClient(base_url=self._outside_url, timeout=OUTSIDE_TIMEOUT_S) as client:
            for unit in units:
                for call in range(params.outside):
                    told = {"job_id": str(context.job_id), "unit": unit, "call": call, "attempt": context.attempt}
                    await _call(client, told)

    def _go_wrong(self, params: ProbeParameters, units: range, attempt: int) -> None:
        if params.refuse_at in units:
            raise Refused("impossible", f"Unit {params.refuse_at} cannot be counted.")
        if attempt <= params.away_attempts:
            raise OSError("The probe was asked to fail for a while.")
        if attempt <= params.bug_attempts:
            raise ZeroDivisionError("The probe was asked to have a bug.")

    def assemble(
        self, params: ProbeParameters, parts: AsyncIterator[bytes], context: AssemblyContext
    ) -> Assembly | None:
        if not params.file:
            return None
        return Assembly(content=_file(params, parts), media_type="text/csv", extension="csv")


async def _cpu_work(params: ProbeParameters, units: range, context: Context) -> set[int]:
    """Returns the units whose work failed, each for itself."""
    failed: set[int] = set()
    if not params.cpu_s and params.cpu_crash_at not in units:
        return failed
    for unit in units:
        try:
            await context.cpu.run(work, params.cpu_s, unit == params.cpu_crash_at, timeout_s=params.cpu_timeout_s)
        except CpuFailed:
            failed.add(unit)
    return failed


def _submit_children(params: ProbeParameters, units: range, context: Context) -> None:
    """A child has one unit where it has children of its own, else none."""
    generations = params.generations - 1
    more = {"units": 1, "children": params.children, "generations": generations} if generations else {}
    for unit in units:
        for number in range(params.children):
            context.submit("probe", f"{unit}:{number}", {"effects": False, "file": False, **more})


async def _leave_effects(units: range, context: Context) -> None:
    await SQL["leave_effects"].execute(
        context.connection, account_id=context.account_id, job_id=context.job_id, first=units[0], last=units[-1]
    )


async def _call(client: httpx2.AsyncClient, told: dict[str, Any]) -> None:
    try:
        (await client.post("/calls", json=told)).raise_for_status()
    except httpx2.HTTPError as error:
        raise ServiceAway(OUTSIDE) from error


async def _file(params: ProbeParameters, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The bytes asked for are in the heading, so that the rows are the units."""
    yield b"unit"
    for size in _pieces(params.assemble_bytes):
        yield b"." * size
    yield b"\r\n"
    async for part in parts:
        yield part
    await asyncio.sleep(params.assemble_s)


def _pieces(size_bytes: int) -> Iterator[int]:
    for start in range(0, size_bytes, PIECE_BYTES):
        yield min(PIECE_BYTES, size_bytes - start)


async def _take(seconds: float, stop_requested: asyncio.Event) -> None:
    """Let so much time pass. Raises Stopped."""
    try:
        async with asyncio.timeout(seconds):
            await stop_requested.wait()
    except TimeoutError:
        return
    raise Stopped
