"""The views in PostgreSQL: a batch's rows, timeline, notices and offsets are written in one transaction, or not at all.

The offsets in the database are the truth. Each partition is claimed under an epoch, which a flush has to show: a
process that lost its partition without noticing (a zombie) can then change nothing.

Several processes may meet at one job, because producers of different make choose different partitions for one key. So
the rows are locked before they are read, and a job seen for the first time is locked by its Job#.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import NamedTuple
from uuid import UUID

import msgspec

from jobmonitor.database.pool import Connection, Pool
from jobmonitor.database.sql import statements
from jobmonitor.projection.batch import Batch, Changes, Rejected, fold_batch
from jobmonitor.projection.fold import JobRow, in_monitor

SCHEMA = "projection"
NOTICE_JOBS = 150
"""Most job ids in one notice: PostgreSQL limits its payload to 8,000 bytes."""

_rows_decoder = msgspec.json.Decoder(list[JobRow])


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


class Registered(NamedTuple):
    """What the registry keeps of a job, for ever."""

    number: int
    month: date


class Store:
    """The views of one schema. ``keep`` puts messages among the dead letters, and returns when they are safe there."""

    def __init__(
        self, pool: Pool, keep: Callable[[Sequence[Rejected]], Awaitable[None]], *, schema: str = SCHEMA
    ) -> None:
        self._pool = pool
        self._keep = keep
        self._schema = schema
        self._sql = {
            name: text.replace(f"{SCHEMA}.", f"{schema}.")
            for name, text in statements("jobmonitor.projection.sql").items()
        }

    async def claim(self, partitions: Collection[Partition]) -> dict[Partition, Place]:
        """Take these partitions over from whoever holds them."""
        topics, numbers = zip(*partitions, strict=True)
        rows = await self._pool.fetch(self._sql["claim_partitions"], topics, numbers)
        return {Partition(row["topic"], row["partition"]): Place(row["epoch"], row["next_offset"]) for row in rows}

    async def flush(self, batch: Batch, places: Mapping[Partition, Place]) -> Changes:
        """Fold the batch into the views and move its partitions to these places. Repeatable after any error.

        Raises Fenced.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await self._move_offsets(connection, places)
            known, registered = await self._lock_jobs(connection, batch)
            changes = fold_batch(known, batch)
            await self._keep([*batch.undecodable, *changes.inapplicable])
            await self._save_jobs(connection, changes, registered)
            await self._add_points(connection, changes)
            await self._notify(connection, changes)
        return changes

    async def _move_offsets(self, connection: Connection, places: Mapping[Partition, Place]) -> None:
        topics, numbers = zip(*places, strict=True)
        epochs, offsets = zip(*places.values(), strict=True)
        moved = await connection.fetch(self._sql["move_offsets"], topics, numbers, offsets, epochs)
        if len(moved) < len(places):
            lost = set(places) - {Partition(row["topic"], row["partition"]) for row in moved}
            raise Fenced(f"Held by another process now: {sorted(lost)}.")

    async def _lock_jobs(
        self, connection: Connection, batch: Batch
    ) -> tuple[dict[UUID, JobRow], dict[UUID, Registered]]:
        """The rows the batch's jobs have, and what the registry has of those without."""
        rows = await self._read_jobs(connection, batch.jobs())
        introduced = batch.jobs_introduced()
        new = [job_id for job_id in batch.jobs() if job_id not in rows and job_id in introduced]
        if not new:
            return rows, {}
        await connection.execute(self._sql["number_jobs"], new)
        found = await connection.fetch(self._sql["lock_numbers"], new)
        registered = {row["job_id"]: Registered(row["number"], row["month"]) for row in found}
        # Whoever held these numbers until just now may have given the jobs their first rows.
        return rows | await self._read_jobs(connection, new), registered

    async def _read_jobs(self, connection: Connection, job_ids: Sequence[UUID]) -> dict[UUID, JobRow]:
        if not job_ids:
            return {}
        found = _rows_decoder.decode(await connection.fetchval(self._sql["lock_jobs"], job_ids))
        return {row.job_id: row for row in found}

    async def _save_jobs(self, connection: Connection, changes: Changes, registered: Mapping[UUID, Registered]) -> None:
        monitor: list[JobRow] = []
        history: list[JobRow] = []
        for row in changes.rows.values():
            whole = row if row.number else msgspec.structs.replace(row, **registered[row.job_id]._asdict())
            (monitor if in_monitor(row) else history).append(whole)
        if monitor:
            await connection.execute(self._sql["save_jobs"], _json(monitor))
        if history:
            await self._add_months(connection, history)
            save_history = self._sql["save_jobs"].replace(".job_monitor", ".job_history")
            save_history = save_history.replace("(job_id) DO UPDATE", "(job_id, month) DO UPDATE")
            await connection.execute(save_history, _json(history))
            await connection.execute(self._sql["leave_monitor"], [row.job_id for row in history])

    async def _add_months(self, connection: Connection, history: Iterable[JobRow]) -> None:
        """The partitions these rows need; what is there already costs a look into the catalogue."""
        for month in sorted({row.month for row in history if row.month}):
            await connection.execute(self._sql["add_month"], self._schema, month)

    async def _add_points(self, connection: Connection, changes: Changes) -> None:
        if changes.points:
            await connection.execute(self._sql["add_points"], _json(list(changes.points.values())))

    async def _notify(self, connection: Connection, changes: Changes) -> None:
        if changes.rows:
            await connection.execute(self._sql["notify"], list(notices(changes.rows.values())))


def notices(rows: Iterable[JobRow]) -> Iterable[str]:
    """The payloads that tell which jobs changed: JSON, of one account each, of limited size."""
    by_account: dict[int, list[UUID]] = defaultdict(list)
    for row in rows:
        by_account[row.account_id].append(row.job_id)
    for account_id, job_ids in by_account.items():
        rest = iter(job_ids)
        while some := list(islice(rest, NOTICE_JOBS)):
            yield _json({"account_id": account_id, "job_ids": some})


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
