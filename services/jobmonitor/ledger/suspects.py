"""Which messages ended the process that handled them, and how often: kept over the end of the process."""

from collections.abc import Collection
from typing import NamedTuple

from jobmonitor.database.pool import Pool
from jobmonitor.ledger.runs import SQL

ERROR_LENGTH = 500
"""Characters of an error that are kept."""


class Suspect(NamedTuple):
    """A message that ended a process."""

    ends: int
    """How often, this time included."""
    is_put_aside: bool
    """It was before: this is a copy of it."""
    put_aside_in_a_row: int
    """How many of its reader were, since a message went well."""


class Suspects:
    """The suspects of one reader. ``message`` is what all copies of a message have in common."""

    def __init__(self, pool: Pool, reader: str) -> None:
        self._pool = pool
        self._reader = reader

    async def begin(self, messages: Collection[str]) -> set[str]:
        """These are handled now. Returns those that were under way already: a worker may have been killed over them."""
        rows = await SQL["begin_requests"].fetch(self._pool, reader=self._reader, messages=sorted({*messages}))
        return {*messages} - {row["message"] for row in rows}

    async def begin_alone(self, message: str) -> int:
        """This one is handled now, apart from all others; how often it was, this time included, and never ended."""
        alone: int = await SQL["begin_alone"].fetchval(self._pool, reader=self._reader, message=message)
        return alone

    async def end(self, messages: Collection[str]) -> None:
        """These are handled, or failed in a way that did not kill us."""
        await SQL["end_requests"].execute(self._pool, reader=self._reader, messages=list(messages))

    async def forget_old(self) -> None:
        """Forget what was begun so long ago that it must have ended."""
        await SQL["forget_begun_requests"].execute(self._pool, reader=self._reader)

    async def count(self, message: str, error: BaseException) -> Suspect:
        """The message has just failed with what ends the process."""
        words = repr(error).replace("\x00", "")[:ERROR_LENGTH]
        row = await SQL["count_end"].fetchrow(self._pool, reader=self._reader, message=message, error=words)
        assert row is not None  # noqa: S101 - the statement always returns the row it wrote
        return Suspect(**row)

    async def put_aside(self, message: str) -> None:
        """Nobody tries it again."""
        await SQL["put_aside"].execute(self._pool, reader=self._reader, message=message)

    async def went_well(self) -> None:
        """Another message of the reader went well while this one did not."""
        await SQL["went_well"].execute(self._pool, reader=self._reader)
