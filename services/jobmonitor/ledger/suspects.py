"""Which messages ended the process that handled them, and how often: kept over the end of the process."""

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

    async def count(self, message: str, error: BaseException) -> Suspect:
        """The message has just failed with what ends the process."""
        words = repr(error).replace("\x00", "")[:ERROR_LENGTH]
        row = await self._pool.fetchrow(SQL["count_end"], self._reader, message, words)
        assert row is not None  # noqa: S101 - the statement always returns the row it wrote
        return Suspect(**row)

    async def put_aside(self, message: str) -> None:
        """Nobody tries it again."""
        await self._pool.execute(SQL["put_aside"], self._reader, message)

    async def went_well(self) -> None:
        """Another message of the reader went well while this one did not."""
        await self._pool.execute(SQL["went_well"], self._reader)
