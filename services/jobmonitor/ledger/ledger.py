"""What the processes do with the ledger, each as one transaction that may be repeated safely."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from jobmonitor.contract.events import JobStopRequested, JobSubmitted, Result
from jobmonitor.database.pool import Connection, Pool
from jobmonitor.job.commands import (
    AcceptJob,
    CompleteJob,
    ExpireResult,
    FailJob,
    FinishStop,
    QueueJob,
    RecordDownload,
    StartJob,
    StopJob,
)
from jobmonitor.job.state import Job, State
from jobmonitor.ledger.chunk_flow import Finished, finish_chunk, start_chunks
from jobmonitor.ledger.claims import Claim, mark_done
from jobmonitor.ledger.outbox import Outbox
from jobmonitor.ledger.runs import SQL, Run, insert_run
from jobmonitor.ledger.transaction import LedgerTransaction
from jobmonitor.runtime.kafka import Sender

PLAN_CHUNK = 0


class Ledger:
    """The ledger of all jobs, spoken to in commands. ``source`` names the process in the facts it makes."""

    def __init__(self, pool: Pool, producer: Sender, source: str, *, window: int = 4) -> None:
        self.pool = pool
        self.outbox = Outbox(pool, producer)
        self.planning = asyncio.Semaphore(max(1, pool.get_max_size() // 2))
        """Plans under way. Each holds two connections at once; with a plan on every one of the pool all would wait."""
        self._source = source
        self._window = window

    @asynccontextmanager
    async def transaction(self, connection: Connection | None = None) -> AsyncIterator[LedgerTransaction]:
        """A transaction whose facts leave after its commit, and never without it.

        ``connection`` (not yet in a transaction) is used where the caller goes on using it; else one of the pool.
        """
        async with AsyncExitStack() as stack:
            own = await stack.enter_async_context(self.pool.acquire()) if connection is None else connection
            await stack.enter_async_context(own.transaction())
            ledger = LedgerTransaction(own, self._source)
            yield ledger
            ids = await self.outbox.put(own, ledger.messages)
        # Only now, with the pool's connection given back: whoever holds one and waits for another stops everybody.
        await self.outbox.send(ids, ledger.messages)

    async def accept(self, job_id: UUID, submission: JobSubmitted, refusal: FailJob | None = None) -> None:
        """Take a submission up: scheduled, or queued with its plan dispatched; failed at once with a ``refusal``."""
        job = Job(account_id=submission.account_id, owner_id=submission.owner_id, job_type=submission.job_type)
        async with self.transaction() as ledger:
            if not await insert_run(ledger.connection, job_id, job, submission.parameters, submission.run_at):
                return
            run = await ledger.lock(job_id)
            run = await ledger.apply(run, AcceptJob(run_at=submission.run_at, now=datetime.now(UTC)))
            if refusal is not None:
                await ledger.apply(run, refusal)
                return
            await ledger.add_chunks(job_id, "plan", [(PLAN_CHUNK, 0, None)])
            if run.job.state is State.QUEUED:
                await ledger.dispatch(run, PLAN_CHUNK, PLAN_CHUNK)

    async def queue_due(self, limit: int = 100) -> int:
        """Start scheduled jobs whose time has come; returns how many. Any number of callers start each job once."""
        async with self.transaction() as ledger:
            rows = await ledger.connection.fetch(SQL["due_runs"], limit)
            for row in rows:
                run = await ledger.lock(row["job_id"])
                run = await ledger.apply(run, QueueJob())
                await ledger.dispatch(run, PLAN_CHUNK, PLAN_CHUNK)
        return len(rows)

    async def stop(self, job_id: UUID, request: JobStopRequested, *, stoppable: bool) -> bool:
        """Let a job's stop take effect; a type that cannot be stopped only notes that it was asked.

        A request in the name of another account changes nothing. False when no worker took the job up yet: the request
        has to come again.
        """
        async with self.transaction() as ledger:
            run = await ledger.find(job_id)
            if run is None or run.job.account_id != request.account_id:
                return run is not None
            requested_by = request.requested_by
            run = msgspec.structs.replace(run, stop_requested_by=run.stop_requested_by or requested_by)
            if stoppable:
                await ledger.apply(run, StopJob(requested_by=requested_by))
                await self._finish_stop(ledger, job_id)
            else:
                await ledger.save(run)
        return True

    async def finish_stops(self, limit: int = 100) -> int:
        """End stopping jobs whose last chunk has ended, or whose worker has died; returns how many."""
        async with self.transaction() as ledger:
            rows = await ledger.connection.fetch(SQL["stopping_runs"], limit)
            for row in rows:
                await self._finish_stop(ledger, row["job_id"])
        return len(rows)

    async def fail(self, job_id: UUID, code: str, reason: str) -> None:
        """End a job that cannot be done, with a reason its owner understands."""
        async with self.transaction() as ledger:
            run = await ledger.find(job_id)
            if run is not None:
                await ledger.apply(run, FailJob(code=code, reason=reason))

    async def start(self, ledger: LedgerTransaction, claim: Claim, *, unit: str, chunks: int, total: int) -> None:
        """The plan's chunks are in the ledger: mark it done, start the job, dispatch the first window."""
        run = await ledger.lock(claim.job_id)
        await mark_done(ledger.connection, claim, None)
        run = await ledger.apply(run, StartJob(total=total, unit=unit))
        await start_chunks(ledger, run, chunks=chunks, window=self._window)

    async def finish_chunk(self, ledger: LedgerTransaction, claim: Claim, finished: Finished) -> None:
        """Mark a work chunk done with its effects, and dispatch what comes next. Raises LeaseLost."""
        run = await ledger.lock(claim.job_id)
        await mark_done(ledger.connection, claim, finished.part_key)
        await finish_chunk(ledger, run, finished)
        if run.job.state is State.STOPPING:
            await self._finish_stop(ledger, run.job_id)

    async def complete(self, claim: Claim, result: Result | None) -> None:
        """The result, if there is one, is stored (its ``rows`` are counted here): the job is complete.

        Raises LeaseLost.
        """
        async with self.transaction() as ledger:
            run = await ledger.lock(claim.job_id)
            await mark_done(ledger.connection, claim, None)
            counted = msgspec.structs.replace(result, rows=run.rows) if result else None
            command = CompleteJob(rejected=run.rejected, outcomes=run.outcomes, result=counted)
            run = await ledger.apply(run, command)
            if run.job.state is State.STOPPING:
                await self._finish_stop(ledger, run.job_id)

    async def record_download(self, job_id: UUID, downloaded_by: int) -> None:
        """Somebody who may have the result has received all of it. Only the first time makes a fact."""
        async with self.transaction() as ledger:
            run = await ledger.find(job_id)
            if run is not None:
                await ledger.apply(run, RecordDownload(downloaded_by=downloaded_by))

    async def expire_results(self, reports_after: timedelta, limit: int = 100) -> list[Run]:
        """Mark results past their time as expired, and reports of failures so old; returns their runs.

        A result says itself when it expires; its file may go now.
        """
        async with self.transaction() as ledger:
            rows = await ledger.connection.fetch(SQL["expired_runs"], reports_after, limit)
            runs = [await ledger.lock(row["job_id"]) for row in rows]
            for run in runs:
                await ledger.apply(run, ExpireResult())
        return runs

    async def part_keys(self, job_id: UUID) -> list[str]:
        """Where the job's parts lie, in plan order."""
        return [row["part_key"] for row in await self.pool.fetch(SQL["part_keys"], job_id)]

    async def forget_chunks(self, job_id: UUID) -> None:
        """Drop an ended job's chunks, its parts being gone from the object store."""
        await self.pool.execute(SQL["forget_chunks"], job_id)

    async def _finish_stop(self, ledger: LedgerTransaction, job_id: UUID) -> None:
        run = await ledger.lock(job_id)
        live = await ledger.connection.fetchval(SQL["live_leases"], job_id)
        if run.job.state is State.STOPPING and not live:
            await ledger.apply(run, FinishStop(requested_by=run.stop_requested_by or run.job.owner_id))
