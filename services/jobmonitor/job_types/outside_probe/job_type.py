"""Outside probe: a job whose units are calls of a service outside, once each at most, as mails would be.

For measuring the engine and for breaking it on purpose; users are not offered it. The service counts what reached it;
what the job knows of it are rows in ``probe.outside_units``. The address of the service is a setting of the process;
without one a call is only the time it takes.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Annotated
from uuid import UUID

import httpx2
import msgspec
from msgspec import Meta

from jobmonitor.database.statement import statements
from jobmonitor.job.state import State
from jobmonitor.job_types.defaults import OutsideJobTypeDefaults
from jobmonitor.job_types.outside import UNKNOWN, Effect, Later, Outside, OutsideContext, Recorded, Settled
from jobmonitor.job_types.protocol import (
    Assembly,
    AssemblyContext,
    Context,
    EffectsCount,
    Ending,
    PlannedChunk,
    Refused,
)
from jobmonitor.runtime.failures import ServiceAway

SERVICE = "the outside service"
TIMEOUT_S = 5.0
SQL = statements("jobmonitor.job_types.outside_probe.sql")

Every = Annotated[int, Meta(ge=0)]
"""Each n-th unit, the first one being number 0; 0 means none."""


class OutsideProbeParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many calls there are, and what comes of them. By default each is answered well."""

    units: Annotated[int, Meta(le=1_000_000, description="How many calls. Fewer than 0 is refused.")] = 0
    chunk_units: Annotated[int, Meta(ge=1, le=1000, description="Calls of a chunk.")] = 1
    call_s: Annotated[float, Meta(ge=0, le=30, description="How long each call takes beforehand, in seconds.")] = 0.0
    refuse_every: Annotated[Every, Meta(description="The service refuses each n-th unit; 0: none.")] = 0
    skip_every: Annotated[Every, Meta(description="For each n-th unit nothing is to be done; 0: for all there is.")] = 0
    later_every: Annotated[Every, Meta(description="Each n-th unit is left for later; 0: none.")] = 0
    later_times: Annotated[int, Meta(ge=0, description="How often.")] = 1
    later_after_s: Annotated[float, Meta(ge=0, le=3600, description="For how long each time, in seconds.")] = 0.0
    away_attempts: Annotated[int, Meta(ge=0, description="So many tries of each chunk find the service away.")] = 0
    fail_at: Annotated[int | None, Meta(description="The unit whose call fails in the middle each time.")] = None
    file: Annotated[bool, Meta(description="Whether what became of the units is offered as a file.")] = True


class OutsideProbe(OutsideJobTypeDefaults[OutsideProbeParameters]):
    """Calls the service once for each of ``units``, in chunks of ``chunk_units``."""

    slug = "outside-probe"
    title = "Outside probe"
    unit = "calls"
    permission = "export"
    stoppable = True
    params_type = OutsideProbeParameters
    effects = EffectsCount(statement=statements(__package__)["effects"], by_account=False, invariant="I36")

    def __init__(self, outside_url: str = "") -> None:
        self.outside = Calls(outside_url)

    async def check(self, params: OutsideProbeParameters, context: Context) -> None:
        if params.units < 0:
            raise Refused("negative", "A job cannot have fewer than 0 units.", parameter="units")

    async def count(self, params: OutsideProbeParameters, context: Context) -> int:
        return params.units

    async def began(self, params: OutsideProbeParameters, context: Context) -> None:
        await _leave_hook("began", Ending(State.RUNNING, {}, 0, 0, params.units), context)

    async def ended(self, params: OutsideProbeParameters, ending: Ending, context: Context) -> None:
        await _leave_hook("ended", ending, context)

    async def plan(self, params: OutsideProbeParameters, context: Context) -> AsyncIterator[PlannedChunk]:
        """The payload is the numbers of the units."""
        for first in range(0, params.units, params.chunk_units):
            units = range(first, min(first + params.chunk_units, params.units))
            yield PlannedChunk(units=len(units), payload=list(units))

    def assemble(
        self, params: OutsideProbeParameters, parts: AsyncIterator[bytes], context: AssemblyContext
    ) -> Assembly | None:
        if not params.file:
            return None
        return Assembly(content=_file(parts), media_type="text/csv", extension="csv")


async def _leave_hook(hook: str, ending: Ending, context: Context) -> None:
    await SQL["leave_hook"].execute(
        context.connection,
        account_id=context.account_id,
        job_id=context.job_id,
        hook=hook,
        state=ending.state,
        done=ending.done,
        total=ending.total,
    )


class Calls(Outside[OutsideProbeParameters]):
    """What the outside probe does with its units."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def reserve(
        self, params: OutsideProbeParameters, units: Sequence[int], context: Context
    ) -> Sequence[Effect | Settled]:
        return [Settled("skipped") if _is_one(unit, params.skip_every) else Effect(unit) for unit in units]

    async def act(
        self, params: OutsideProbeParameters, effects: Sequence[Effect], context: OutsideContext
    ) -> AsyncGenerator[Settled | Later, None]:
        """A unit that is left for later does not call the service: so whatever reaches it twice was done twice."""
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(_client(self._url)) if self._url else None
            for effect in effects:
                await asyncio.sleep(params.call_s)
                yield await _answer(params, effect.data, client, context)

    async def record(
        self, params: OutsideProbeParameters, settled: Sequence[tuple[int, Settled]], context: Context
    ) -> Recorded:
        units, outcomes = [unit for unit, _ in settled], [each.outcome for _, each in settled]
        await SQL["record_units"].execute(
            context.connection, account_id=context.account_id, job_id=context.job_id, units=units, outcomes=outcomes
        )
        lines = "".join(f"{unit},{each.outcome}\r\n" for unit, each in settled)
        return Recorded(content=lines.encode(), rows=len(settled)) if params.file else Recorded()


def _client(url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, timeout=TIMEOUT_S)


async def _answer(
    params: OutsideProbeParameters, unit: int, client: httpx2.AsyncClient | None, context: OutsideContext
) -> Settled | Later:
    if context.attempt <= params.away_attempts:
        raise ServiceAway(SERVICE)
    if _is_one(unit, params.later_every) and context.times_left < params.later_times:
        return Later("busy", params.later_after_s)
    reached = await _call(client, context.job_id, unit) if client is not None else True
    if unit == params.fail_at:
        raise OSError("The probe was asked to fail in the middle.")
    if not reached:
        return Settled(UNKNOWN, rejected=True)
    return Settled("refused", rejected=True) if _is_one(unit, params.refuse_every) else Settled("done")


async def _call(client: httpx2.AsyncClient, job_id: UUID, unit: int) -> bool:
    """Whether the call is known to have arrived. Raises ServiceAway where it surely did not."""
    try:
        answer = await client.post("/calls", json={"job_id": str(job_id), "unit": unit, "call": 0})
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise ServiceAway(SERVICE) from error
    except httpx2.HTTPError:
        return False
    if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
        raise ServiceAway(SERVICE)
    return True


def _is_one(unit: int, every: int) -> bool:
    return bool(every) and unit % every == 0


async def _file(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield b"unit,outcome\r\n"
    async for part in parts:
        yield part
