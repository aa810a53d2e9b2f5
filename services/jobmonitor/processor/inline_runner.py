"""A small job done at once: planned, worked and assembled inside the transaction that accepts it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from uuid import uuid4

import msgspec

from jobmonitor.contract.events import Result
from jobmonitor.job.commands import CompleteJob, FailJob, StartJob
from jobmonitor.job_types.children import Children
from jobmonitor.job_types.protocol import NO_CPU, AssemblyContext, Context, Cpu, JobType, PlannedChunk, Refused
from jobmonitor.ledger.runs import Run
from jobmonitor.ledger.transaction import LedgerTransaction
from jobmonitor.processor.counting import must_add_up
from jobmonitor.processor.result_files import ResultFiles
from jobmonitor.processor.type_code import of_type, type_code
from jobmonitor.runtime.objects import ObjectStore


class LeavesUnits(Exception):
    """The job turns out not to be done in one step."""


class InlineRunner:
    """Does the small jobs of one type."""

    def __init__(self, job_type: JobType[Any], objects: ObjectStore, files: ResultFiles, cpu: Cpu = NO_CPU) -> None:
        self._job_type = job_type
        self._objects = objects
        self._files = files
        self._cpu = cpu

    async def do(self, transaction: LedgerTransaction, run: Run, params: Any) -> bool:
        """Bring a queued job to its end, if it is small; False when it is not, and nothing was done.

        The connection sees the job's account. Whatever the job type raises after its first chunk began is raised here
        too, its bugs as TypeFailed: its effects have to be rolled back.
        """
        context = Context(
            transaction.connection, self._objects, run.account_id, run.owner_id, run.job_id, cpu=self._cpu
        )
        if self._job_type.outside is not None:
            return False
        with type_code():
            if not await self._job_type.is_small(params, context):
                return False
            unit = self._job_type.unit_of(params)
        try:
            planned = await self._plan(params, context)
        except Refused as refusal:
            transaction.apply(run, FailJob(code=refusal.code, reason=str(refusal)))
            return True
        run = transaction.apply(run, StartJob(total=sum(chunk.units for chunk in planned), unit=unit))
        await transaction.hooks.began(transaction, run)
        working = replace(context, submit=Children(transaction, run))
        run, contents = await self._work(transaction, run, params, planned, working)
        result = await self._assemble(transaction, run, params, contents)
        transaction.apply(run, CompleteJob(rejected=run.rejected, outcomes=run.outcomes, result=result))
        return True

    async def _plan(self, params: Any, context: Context) -> list[PlannedChunk]:
        with type_code():
            await self._job_type.check(params, context)
            planned = self._job_type.plan(params, context)
        return [chunk async for chunk in of_type(planned, PlannedChunk)]

    async def _work(
        self, transaction: LedgerTransaction, run: Run, params: Any, planned: Sequence[PlannedChunk], context: Context
    ) -> tuple[Run, list[bytes]]:
        run = msgspec.structs.replace(run, chunks_total=len(planned), chunks_dispatched=len(planned))
        contents = []
        for chunk in planned:
            payload = msgspec.json.decode(msgspec.json.encode(chunk.payload))  # as the ledger would give it back
            with type_code():
                part = await self._job_type.run_chunk(params, payload, context)
                must_add_up(part, units=chunk.units - (part.left.units if part.left else 0))
            if part.left is not None:
                raise LeavesUnits
            contents.append(part.content)
            run = transaction.count_chunk(run, part, units=chunk.units)
        return run, contents

    async def _assemble(
        self, transaction: LedgerTransaction, run: Run, params: Any, contents: list[bytes]
    ) -> Result | None:
        context = AssemblyContext(
            reading=lambda: nullcontext(transaction.connection),
            objects=self._objects,
            account_id=run.account_id,
            owner_id=run.owner_id,
            job_id=run.job_id,
            cpu=self._cpu,
        )
        with type_code():
            assembly = self._job_type.assemble(params, _pieces(contents), context)
        if assembly is None:
            return None
        stored = await self._files.store(run.account_id, run.job_id, uuid4(), assembly)
        return msgspec.structs.replace(stored, rows=run.rows)


async def _pieces(contents: list[bytes]) -> AsyncIterator[bytes]:
    for content in contents:
        yield content
