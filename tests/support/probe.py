"""A job type for tests of the engine: counts to a number, leaves a row in a table per unit, fails where it is told to.

Its effects are rows in ``public.probe_effects``: one run of a chunk too many shows as a row too many.
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.job_types.protocol import Assembly, Part, PlannedChunk, Refused

CREATE_EFFECTS = """
CREATE TABLE IF NOT EXISTS public.probe_effects (account_id bigint, unit int);
GRANT SELECT, INSERT ON public.probe_effects TO jobmonitor_worker
"""


class ProbeParams(msgspec.Struct, frozen=True, kw_only=True):
    units: int = 10
    chunk_units: int = 2
    refuse_at: int | None = None
    """The unit at which the job turns out to be impossible."""


class Probe:
    """Counts ``units`` in chunks of ``chunk_units``."""

    slug = "probe"
    title = "Probe"
    unit = "units"
    permission = "export"
    stoppable = True
    params_type = ProbeParams

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        """Raised one by one, each by the next chunk that runs, after its effects."""

    def unit_of(self, params: ProbeParams) -> str:
        return self.unit

    async def count(self, params: ProbeParams, connection: Connection) -> int:
        return params.units

    async def check(self, params: ProbeParams, connection: Connection) -> None:
        if params.units < 0:
            raise Refused("negative", "A job cannot have fewer than 0 units.", parameter="units")

    async def plan(self, params: ProbeParams, connection: Connection) -> AsyncIterator[PlannedChunk]:
        for first in range(0, params.units, params.chunk_units):
            units = list(range(first, min(first + params.chunk_units, params.units)))
            yield PlannedChunk(units=len(units), payload=units)

    async def run_chunk(self, params: ProbeParams, payload: Any, connection: Connection) -> Part:
        await connection.executemany(
            "INSERT INTO public.probe_effects VALUES (current_setting('app.account_id')::bigint, $1)",
            [(unit,) for unit in payload],
        )
        if params.refuse_at in payload:
            raise Refused("impossible", f"Unit {params.refuse_at} cannot be counted.")
        if self.failures:
            raise self.failures.pop(0)
        lines = "".join(f"{unit}\r\n" for unit in payload)
        return Part(content=lines.encode(), outcomes={"counted": len(payload)}, rows=len(payload))

    def assemble(self, params: ProbeParams, parts: AsyncIterator[bytes], connection: Connection) -> Assembly:
        async def content() -> AsyncIterator[bytes]:
            yield b"unit\r\n"
            async for part in parts:
                yield part

        return Assembly(content=content(), media_type="text/csv", extension="csv")
