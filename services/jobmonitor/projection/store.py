"""The views in PostgreSQL: a batch's rows, timeline, notices and offsets are written in one transaction, or not at all.

The offsets in the database are the truth. Each partition is claimed under an epoch, which a flush has to show: a
process that lost its partition without noticing (a zombie) can then change nothing.

Several processes may meet at one job, because producers of different make choose different partitions for one key. So
whoever reads a job's row to fold into it holds the job's lock, the row of its Job#, from before: only under it do rows
come into being, change their view, or get values that were made from what was read. Plain progress needs no lock: it
goes into the monitor by a statement that only ever raises values, whatever stands there by then.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from itertools import chain, islice
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from jobmonitor.database.pool import Connection, Pool
from jobmonitor.database.statement import Statement, statements
from jobmonitor.job.row import JobRow
from jobmonitor.projection import offsets
from jobmonitor.projection.batch import (
    Arrival,
    Batch,
    PlainPoint,
    Rejected,
    ViewChanges,
    fold_arrivals,
    jobs_introduced,
    read,
)
from jobmonitor.projection.fold import in_monitor
from jobmonitor.projection.offsets import Claim, Fenced, Partition, Position
from jobmonitor.projection.rehearsal import made_up_life
from jobmonitor.projection.row_source import FEW, PROGRESS_COLUMNS, RowSource, columns_of, send
from jobmonitor.projection.suspects import Trial
from jobmonitor.projection.timeline import TimelinePoint, second_of

__all__ = ["SCHEMA", "Claim", "Fenced", "Partition", "Position", "Store", "notices"]

SCHEMA = "projection"
NOTICE_JOBS = 150
"""Most job ids in one notice: PostgreSQL limits its payload to 8,000 bytes."""

JOB_COLUMNS = columns_of(JobRow)
"""Of the monitor and the history, but for those that PostgreSQL makes."""
FIXED_COLUMNS = {"job_id", "number", "account_id", "owner_id", "job_type", "month"}
"""They never change."""
POINT_COLUMNS = columns_of(TimelinePoint)
"""Of the timeline."""
SAME_ROW = {"monitor": "j.job_id = s.job_id", "history": "j.job_id = s.job_id AND j.month = s.month"}
"""In the history the month finds the partition."""

_rows_decoder = msgspec.json.Decoder(list[JobRow])
_each_row_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_row_decoder = msgspec.json.Decoder(JobRow)


class _OnlyId(msgspec.Struct):
    job_id: UUID


class _RollBack(Exception):
    """What was rehearsed is rolled back."""


class Registered(NamedTuple):
    """What the registry keeps of a job, for ever."""

    number: int
    month: date
    is_dropped: bool
    """Whether the month is not kept any more: the job has no row, and gets none."""


class Store:
    """The views of one schema. ``keep`` puts messages among the dead letters, and returns when they are safe there."""

    def __init__(
        self,
        pool: Pool,
        keep: Callable[[Sequence[Rejected]], Awaitable[None]],
        *,
        schema: str = SCHEMA,
        few: int = FEW,
    ) -> None:
        """More than ``few`` rows for one table go there by COPY."""
        self._pool = pool
        self._keep = keep
        self._few = few
        self._sql = {
            name: statement.fill(schema=schema) for name, statement in statements("jobmonitor.projection.sql").items()
        }
        self._months: set[date] = set()
        """Those whose partitions are known to be there."""
        self._saving = {view: _saving(self._sql["save_jobs"], view, same) for view, same in SAME_ROW.items()}

    async def claim(self, partitions: Collection[Partition]) -> dict[Partition, Position]:
        """Take these partitions over from whoever holds them."""
        return {partition: claim.position for partition, claim in (await self.take_over(partitions)).items()}

    async def take_over(self, partitions: Collection[Partition]) -> dict[Partition, Claim]:
        """The same, with what is known of the claims before."""
        return await offsets.claim(self._pool, self._sql["claim_partitions"], partitions)

    async def release(self, positions: Mapping[Partition, Position]) -> None:
        """These claims end well: nobody died of what is in them."""
        if positions:
            await offsets.release(self._pool, self._sql["release_partitions"], positions)

    async def clear_suspicion(self, partition: Partition, epoch: int) -> None:
        """Whatever may have ended processes in this partition is folded or put aside."""
        await self._sql["clear_suspicion"].execute(
            self._pool, topic=partition.topic, partition=partition.partition, epoch=epoch
        )

    async def begin_trial(self, partition: Partition, epoch: int, trial: Trial) -> None:
        """Write down what is about to be tried, in case it ends this process. Raises Fenced."""
        await offsets.begin_trial(self._pool, self._sql["begin_trial"], partition, epoch, trial)

    async def note_skipped(self, partition: Partition, first_offset: int, next_offset: int) -> None:
        """Messages from the one offset to before the other are not in the log any more and were never folded."""
        await self._sql["note_skipped"].execute(
            self._pool,
            topic=partition.topic,
            partition=partition.partition,
            first_offset=first_offset,
            next_offset=next_offset,
        )

    async def rehearse(self, job_type: str) -> None:
        """Fold the life of a made-up job and roll it back. Raises what stands in the way of any job."""
        with suppress(_RollBack):
            async with self._pool.acquire() as connection, connection.transaction():
                for messages in made_up_life(job_type):
                    batch = read(messages)
                    _, others = await self._fold_progress(connection, batch)
                    if others:
                        await self._fold_others(connection, batch.of_jobs(others))
                raise _RollBack

    async def flush(self, batch: Batch, positions: Mapping[Partition, Position]) -> ViewChanges:
        """Fold the batch into the views and move its partitions to these positions. Repeatable after any error.

        Returns what was folded one by one. Raises Fenced.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await offsets.move(connection, self._sql["move_offsets"], positions)
            plain, others = await self._fold_progress(connection, batch)
            changes = await self._fold_others(connection, batch.of_jobs(others)) if others else ViewChanges()
            await self._keep([*batch.undecodable, *changes.inapplicable])
            moved = ((event.data.account_id, event.job_id) for event, newest in plain if newest)
            changed = ((row.account_id, row.job_id) for row in changes.rows.values())
            await self._notify(connection, chain(moved, changed))
        return changes

    async def _fold_progress(self, connection: Connection, batch: Batch) -> tuple[list[PlainPoint], set[UUID]]:
        """The plain progress that is in the views now, and the jobs of which all is yet to be folded one by one."""
        points = batch.plain_points()
        if not points:
            return [], batch.mixed
        progress = await self._send_progress(connection, points)
        others = set()
        advanced = await self._sql["advance_jobs"].fill(progress=progress.text).fetch(connection, **progress.values)
        if sum(row["jobs"] for row in advanced) != sum(newest for _, newest in points):
            left = await self._sql["not_advanced"].fill(progress=progress.text).fetch(connection, **progress.values)
            others = {row["job_id"] for row in left}
            points = [point for point in points if point[0].job_id not in others]
            progress = await self._without(connection, progress, points, others)
        if points:
            month = advanced[0]["month"] if len(advanced) == 1 else None
            adding = self._sql["add_progress_points"].fill(progress=progress.text)
            await adding.execute(connection, **progress.values, month=month)
        return points, batch.mixed | others

    async def _send_progress(self, connection: Connection, points: Sequence[PlainPoint]) -> RowSource:
        rows = [
            (
                e.job_id,
                second_of(at),
                newest,
                e.id,
                d.account_id,
                d.owner_id,
                d.job_type,
                at,
                d.sequence,
                d.done,
                d.total,
            )
            for e, newest in points
            for d, at in ((e.data, e.time),)
        ]
        return await send(connection, "progress", PROGRESS_COLUMNS, rows, few=self._few)

    async def _without(
        self, connection: Connection, progress: RowSource, points: Sequence[PlainPoint], others: Iterable[UUID]
    ) -> RowSource:
        """What was sent, but for these jobs: ``points`` is the rest."""
        if progress.values:
            return await self._send_progress(connection, points)
        await self._sql["forget_progress"].execute(connection, job_ids=list(others))
        return progress

    async def _fold_others(self, connection: Connection, arrivals: Sequence[Arrival]) -> ViewChanges:
        known, broken, registered = await self._lock_jobs(connection, arrivals)
        dropped = {job_id for job_id, job in registered.items() if job.is_dropped}
        passed_over = broken.keys() | dropped
        changes = fold_arrivals(known, [arrival for arrival in arrivals if arrival[1].job_id not in passed_over])
        changes.inapplicable.extend(
            Rejected(message, broken[event.job_id]) for message, event in arrivals if event.job_id in broken
        )
        await self._make_months(connection, {job.month for job in registered.values() if not job.is_dropped})
        await self._save_jobs(connection, changes, registered)
        await self._add_points(connection, changes.points.values())
        return changes

    async def _lock_jobs(
        self, connection: Connection, arrivals: Sequence[Arrival]
    ) -> tuple[dict[UUID, JobRow], dict[UUID, str], dict[UUID, Registered]]:
        """The rows these jobs have, why some cannot be read, and what the registry has of them.

        Until we commit nobody makes or moves one.
        """
        jobs = list(dict.fromkeys(event.job_id for _, event in arrivals))
        registered = await self._lock_numbers(connection, jobs)
        introduced = jobs_introduced(arrivals)
        new = [job_id for job_id in jobs if job_id not in registered and job_id in introduced]
        if new:
            await self._sql["number_jobs"].execute(connection, job_ids=new)
            registered |= await self._lock_numbers(connection, new)
        rows, broken = _decoded_rows(await self._sql["lock_jobs"].fetchval(connection, job_ids=list(registered)))
        return rows, broken, registered

    async def _lock_numbers(self, connection: Connection, jobs: Sequence[UUID]) -> dict[UUID, Registered]:
        found = await self._sql["lock_numbers"].fetch(connection, job_ids=jobs)
        return {row["job_id"]: Registered(row["number"], row["month"], row["is_dropped"]) for row in found}

    async def _make_months(self, connection: Connection, months: Iterable[date]) -> None:
        """Partitions that this transaction makes are asked for again by the next: it may be rolled back."""
        for month in sorted({*months} - self._months):
            if await self._sql["add_month"].fetchval(connection, month=month):
                self._months.add(month)

    async def _save_jobs(
        self, connection: Connection, changes: ViewChanges, registered: Mapping[UUID, Registered]
    ) -> None:
        monitor: list[JobRow] = []
        history: list[JobRow] = []
        for row in changes.rows.values():
            job = registered[row.job_id]
            whole = row if row.number else msgspec.structs.replace(row, number=job.number, month=job.month)
            (monitor if in_monitor(row) else history).append(whole)
        if monitor:
            await self._save(connection, "monitor", monitor)
        if history:
            await self._save(connection, "history", history)
            await self._sql["leave_monitor"].execute(connection, job_ids=[row.job_id for row in history])

    async def _save(self, connection: Connection, view: str, rows: Sequence[JobRow]) -> None:
        sent = await send(connection, view, JOB_COLUMNS, list(map(astuple, rows)), few=self._few)
        await self._saving[view].fill(jobs=sent.text).execute(connection, **sent.values)

    async def _add_points(self, connection: Connection, points: Collection[TimelinePoint]) -> None:
        if points:
            sent = await send(connection, "points", POINT_COLUMNS, list(map(astuple, points)), few=self._few)
            await self._sql["add_points"].fill(points=sent.text).execute(connection, **sent.values)

    async def _notify(self, connection: Connection, changed: Iterable[tuple[int, UUID]]) -> None:
        payloads = list(notices(changed))
        if payloads:
            await self._sql["notify"].execute(connection, payloads=payloads)


def _saving(statement: Statement, view: str, same_row: str) -> Statement:
    return statement.fill(
        view=view,
        same_row=same_row,
        columns=", ".join(JOB_COLUMNS),
        values=", ".join(f"s.{column}" for column in JOB_COLUMNS),
        changes=", ".join(f"{column} = s.{column}" for column in JOB_COLUMNS if column not in FIXED_COLUMNS),
    )


def _decoded_rows(document: str) -> tuple[dict[UUID, JobRow], dict[UUID, str]]:
    """The rows by job, and of those that somebody broke why they cannot be read."""
    try:
        return {row.job_id: row for row in _rows_decoder.decode(document)}, {}
    except msgspec.DecodeError:
        rows, broken = {}, {}
        for raw in _each_row_decoder.decode(document):
            try:
                row = _row_decoder.decode(raw)
                rows[row.job_id] = row
            except msgspec.DecodeError as error:
                broken[msgspec.json.decode(raw, type=_OnlyId).job_id] = f"The row of its job cannot be read: {error}."
        return rows, broken


def notices(changed: Iterable[tuple[int, UUID]]) -> Iterable[str]:
    """The payloads that tell which jobs (account, job id) changed: JSON, of one account each, of limited size."""
    by_account: dict[int, list[UUID]] = defaultdict(list)
    for account_id, job_id in changed:
        by_account[account_id].append(job_id)
    for account_id, job_ids in by_account.items():
        rest = iter(job_ids)
        while some := list(islice(rest, NOTICE_JOBS)):
            yield msgspec.json.encode({"account_id": account_id, "job_ids": some}).decode()
