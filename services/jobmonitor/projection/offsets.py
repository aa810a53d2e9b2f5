"""Where the folding of the log stands: in the database, moved in the transaction that folds."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from jobmonitor.database.pool import Connection, Pool
from jobmonitor.database.statement import Statement
from jobmonitor.projection.suspects import Trial


class Fenced(Exception):
    """Another process holds one of these partitions now; nothing was written."""


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


class Position(NamedTuple):
    """Where the folding of a partition stands."""

    epoch: int
    """Of the claim under which it is folded."""
    next_offset: int
    """The first message not yet folded."""


class Claim(NamedTuple):
    """A partition that was taken over."""

    epoch: int
    next_offset: int
    claims: int
    """How many there were since one ended well, this one included."""
    trial: Trial
    """The last one begun."""

    @property
    def position(self) -> Position:
        """Where it stands."""
        return Position(self.epoch, self.next_offset)


async def claim(pool: Pool, statement: Statement, partitions: Collection[Partition]) -> dict[Partition, Claim]:
    """Take these partitions over from whoever holds them."""
    topics, numbers = zip(*partitions, strict=True)
    rows = await statement.fetch(pool, topics=topics, partitions=numbers)
    return {
        Partition(row["topic"], row["partition"]): Claim(
            row["epoch"],
            row["next_offset"],
            row["claims"],
            Trial(row["tried_from"], row["tried_until"], row["tries"], row["alone_until"]),
        )
        for row in rows
    }


async def release(pool: Pool, statement: Statement, positions: Mapping[Partition, Position]) -> None:
    """These claims end well."""
    topics, numbers = zip(*positions, strict=True)
    epochs = [position.epoch for position in positions.values()]
    await statement.execute(pool, topics=topics, partitions=numbers, epochs=epochs)


async def begin_trial(pool: Pool, statement: Statement, partition: Partition, epoch: int, trial: Trial) -> None:
    """Write down what is about to be tried. Raises Fenced."""
    if not await statement.fetch(pool, **partition._asdict(), epoch=epoch, **trial._asdict()):
        raise Fenced(f"Held by another process now: {partition}.")


async def move(connection: Connection, statement: Statement, positions: Mapping[Partition, Position]) -> None:
    """Move these partitions on. Raises Fenced."""
    topics, numbers = zip(*positions, strict=True)
    epochs, offsets = zip(*positions.values(), strict=True)
    moved = await statement.fetch(connection, topics=topics, partitions=numbers, offsets=offsets, epochs=epochs)
    if len(moved) < len(positions):
        lost = set(positions) - {Partition(row["topic"], row["partition"]) for row in moved}
        raise Fenced(f"Held by another process now: {sorted(lost)}.")
