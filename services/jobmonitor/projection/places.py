"""Where the folding of the log stands: in the database, moved in the transaction that folds."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from jobmonitor.database.pool import Connection, Pool


class Fenced(Exception):
    """Another process holds one of these partitions now; nothing was written."""


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


class Place(NamedTuple):
    """Where the folding of a partition stands."""

    epoch: int
    """Of the claim under which it is folded."""
    next_offset: int
    """The first message not yet folded."""


async def claim(pool: Pool, statement: str, partitions: Collection[Partition]) -> dict[Partition, Place]:
    """Take these partitions over from whoever holds them."""
    topics, numbers = zip(*partitions, strict=True)
    rows = await pool.fetch(statement, topics, numbers)
    return {Partition(row["topic"], row["partition"]): Place(row["epoch"], row["next_offset"]) for row in rows}


async def move(connection: Connection, statement: str, places: Mapping[Partition, Place]) -> None:
    """Move these partitions on. Raises Fenced."""
    topics, numbers = zip(*places, strict=True)
    epochs, offsets = zip(*places.values(), strict=True)
    moved = await connection.fetch(statement, topics, numbers, offsets, epochs)
    if len(moved) < len(places):
        lost = set(places) - {Partition(row["topic"], row["partition"]) for row in moved}
        raise Fenced(f"Held by another process now: {sorted(lost)}.")
