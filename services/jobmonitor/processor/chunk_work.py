"""What a claimed chunk comes to, by its kind: a plan, a piece of work, or the assembly of the parts."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from itertools import count
from typing import Any

import asyncpg
import msgspec

from jobmonitor.contract.events import Result, result_key
from jobmonitor.database.pool import Connection, account_snapshot, account_transaction, see_account
from jobmonitor.job_types.children import Children
from jobmonitor.job_types.outside import Outside
from jobmonitor.job_types.protocol import (
    NO_CPU,
    Assembly,
    AssemblyContext,
    Context,
    Cpu,
    JobType,
    Part,
    PlannedChunk,
    Stopped,
)
from jobmonitor.job_types.submit import NO_SUBMIT, Submit
from jobmonitor.ledger import Claim, LeaseLost, Ledger
from jobmonitor.ledger.claims import LeftChunk
from jobmonitor.ledger.leases import JobStopped
from jobmonitor.processor.counting import must_add_up
from jobmonitor.processor.cpu_in_transaction import CpuInTransaction
from jobmonitor.processor.outside_work import OutsideWork
from jobmonitor.processor.part_files import PartFiles
from jobmonitor.processor.result_files import ResultFiles
from jobmonitor.processor.settings import ProcessorSettings
from jobmonitor.processor.settling import settle_left
from jobmonitor.processor.type_code import TypeFailed, of_type, type_code
from jobmonitor.runtime.objects import ObjectStore

PLAN_BATCH_CHUNKS = 50
"""Chunks written to the ledger at a time while a plan streams by."""
BUSY_AFTER_STOP_S = 0.5
"""So long after it was told of its job's stop, work is cancelled: about a second after the stop took effect."""


class ChunkWork:
    """Does the chunks of one job type. No transaction is open while anything slow goes on, but that of a piece of work.

    A chunk is cancelled when its lease is lost or its job ends; what it had stored is then deleted.
    """

    def __init__(
        self,
        job_type: JobType[Any],
        ledger: Ledger,
        objects: ObjectStore,
        settings: ProcessorSettings,
        cpu: Cpu = NO_CPU,
    ) -> None:
        self._job_type = job_type
        self._ledger = ledger
        self._objects = objects
        self._cpu = cpu
        self._files = ResultFiles(objects, settings.result_retention_days)
        self._lease = timedelta(seconds=settings.lease_s)
        self._part_files = PartFiles(objects, self._files, settings.lease_s)
        self._outside = None if job_type.outside is None else self._outside_work(job_type.outside)

    def _outside_work(self, outside: Outside[Any]) -> OutsideWork:
        return OutsideWork(
            outside,
            self._job_type.retries,
            self._ledger,
            self._objects,
            self._part_files,
            lease=self._lease,
            stop_within_s=BUSY_AFTER_STOP_S,
            context=self._context,
            cpu=self._cpu,
        )

    def end(self) -> None:
        """The worker ends: no chunk begins another effect outside."""
        if self._outside is not None:
            self._outside.end()

    async def do(self, claimed: Claim) -> None:
        """Do the chunk and commit it.

        Raises LeaseLost; JobStopped or Stopped where the stop of the job ended it; Refused; BadPart; TypeFailed where
        the job type has a bug; and a temporary error.
        """
        with type_code():
            params = msgspec.convert(claimed.parameters, self._job_type.params_type)
        match claimed.kind:
            case "plan":
                await self._plan(claimed, params)
            case "work" if self._outside is not None:
                await self._outside.do(claimed, params)
            case "work":
                await self._work(claimed, params)
            case "assemble":
                await self._assemble(claimed, params)

    def _kept(self, claimed: Claim) -> AbstractAsyncContextManager[asyncio.Event]:
        """After a stop work is cancelled, and an assembly goes on where its file is wanted. It ends a plan's job."""
        within_s = BUSY_AFTER_STOP_S if claimed.kind == "work" else None
        if claimed.kind == "assemble" and not self._job_type.result_when_stopped:
            within_s = 0.0
        return self._ledger.leases.kept(claimed, lease=self._lease, stop_within_s=within_s)

    async def _plan(self, claimed: Claim, params: Any) -> None:
        """Read in one snapshot on one connection, while its chunks are written on others, a batch at a time."""
        await self._ledger.begin_plan(claimed)
        async with self._kept(claimed) as stop, account_snapshot(self._ledger.pool, claimed.account_id) as snapshot:
            context = self._context(claimed, snapshot, stop)
            with type_code():
                await self._job_type.check(params, context)
                planned, unit = self._job_type.plan(params, context), self._job_type.unit_of(params)
            chunks, total = await self._write_plan(claimed, planned)
        window = 1 if self._job_type.in_order else self._job_type.capacity.chunks_in_flight
        await self._ledger.start(claimed, unit=unit, chunks=chunks, total=total, window=window)

    async def _write_plan(self, claimed: Claim, planned: AsyncIterator[PlannedChunk]) -> tuple[int, int]:
        """Write the chunks, numbered from 1; returns how many and their units together."""
        numbers, total, batch = count(1), 0, []
        async for chunk in of_type(planned, PlannedChunk):
            batch.append((next(numbers), chunk.units, chunk.payload))
            total += chunk.units
            if len(batch) == PLAN_BATCH_CHUNKS:
                await self._add_planned(claimed, batch)
                batch = []
        if batch:
            await self._add_planned(claimed, batch)
        return next(numbers) - 1, total

    async def _add_planned(self, claimed: Claim, batch: Sequence[tuple[int, int, Any]]) -> None:
        try:
            await self._ledger.add_planned(claimed, batch)
        except asyncpg.DataError as error:  # a NUL in a payload, for instance
            raise TypeFailed(repr(error)) from error

    async def _work(self, claimed: Claim, params: Any) -> None:
        """Effects, part and mark commit together; the part lies under a key of this lease alone."""
        try:
            await self._work_in_transaction(claimed, params)
        except (LeaseLost, JobStopped, Stopped):
            await self._part_files.discard(claimed)
            raise

    async def _work_in_transaction(self, claimed: Claim, params: Any) -> None:
        async with self._ledger.transaction() as transaction:
            await see_account(transaction.connection, claimed.account_id)
            async with self._kept(claimed) as stop:
                context = self._context(claimed, transaction.connection, stop, Children(transaction, claimed))
                every_s = self._lease.total_seconds()
                cpu = CpuInTransaction(self._cpu, transaction.connection, every_s=every_s)
                context = dataclasses.replace(context, cpu=cpu)
                with type_code():
                    part = await self._job_type.run_chunk(params, claimed.payload, context)
                    part, left = self._settle_left(claimed, part)
                    must_add_up(part, units=claimed.units - sum(each.units for each in left))
                part_key = await self._part_files.store(claimed, part.content)
            await transaction.finish_chunk(claimed, part, part_key=part_key, left=left)

    def _settle_left(self, claimed: Claim, part: Part) -> tuple[Part, list[LeftChunk]]:
        later_max, in_order = self._job_type.retries.later_max, self._job_type.in_order
        part, left = settle_left(part, times_left=claimed.times_left, later_max=later_max, in_order=in_order)
        if left is None:
            return part, []
        pause = timedelta(seconds=left.after_s)
        return part, [LeftChunk(left.units, left.payload, pause, claimed.times_left + 1)]

    async def _assemble(self, claimed: Claim, params: Any) -> None:
        if claimed.stopped and not self._job_type.result_when_stopped:
            await self._ledger.complete(claimed, None)
            return
        async with self._kept(claimed):
            keys = await self._ledger.part_keys(claimed.job_id)
            with type_code():
                assembly = self._job_type.assemble(params, self._parts(keys), self._assembly_context(claimed))
            result = await self._store(claimed, assembly)
        try:
            await self._ledger.complete(claimed, result)
        except LeaseLost:
            if result is not None:
                await self._files.discard(result_key(claimed.account_id, claimed.job_id, result))
            raise

    async def _store(self, claimed: Claim, assembly: Assembly | None) -> Result | None:
        if assembly is None:
            return None
        return await self._files.store(claimed.account_id, claimed.job_id, claimed.token, assembly)

    def _context(
        self, claimed: Claim, connection: Connection, stop_requested: asyncio.Event, submit: Submit = NO_SUBMIT
    ) -> Context:
        return Context(
            connection=connection,
            objects=self._objects,
            account_id=claimed.account_id,
            owner_id=claimed.owner_id,
            job_id=claimed.job_id,
            attempt=claimed.attempt,
            times_left=claimed.times_left,
            stop_requested=stop_requested,
            cpu=self._cpu,
            submit=submit,
        )

    def _assembly_context(self, claimed: Claim) -> AssemblyContext:
        return AssemblyContext(
            reading=lambda: account_transaction(self._ledger.pool, claimed.account_id, readonly=True),
            objects=self._objects,
            account_id=claimed.account_id,
            owner_id=claimed.owner_id,
            job_id=claimed.job_id,
            attempt=claimed.attempt,
            stopped=claimed.stopped,
            cpu=self._cpu,
        )

    async def _parts(self, keys: list[str]) -> AsyncIterator[bytes]:
        for key in keys:
            async for piece in self._objects.stream(key):
                yield piece
