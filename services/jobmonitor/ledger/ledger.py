"""What the processes do with the ledger, each as one transaction that may be repeated safely."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from jobmonitor.contract.events import JobStopRequested, Result
from jobmonitor.contract.limits import Refusal
from jobmonitor.database.pool import Pool
from jobmonitor.job.commands import (
    CompleteJob,
    ExpireResult,
    FailJob,
    FinishStop,
    QueueJob,
    StartJob,
    StopJob,
)
from jobmonitor.job.state import Job, State
from jobmonitor.ledger.admission import Room, find_room
from jobmonitor.ledger.chunk_flow import Finished, finish_chunk, start_chunks
from jobmonitor.ledger.claims import Claim, give_back, hold_plan, mark_done
from jobmonitor.ledger.kept_results import Kept, KeptResults
from jobmonitor.ledger.leases import Leases
from jobmonitor.ledger.outbox import Outbox
from jobmonitor.ledger.runs import SQL, Run
from jobmonitor.ledger.transaction import LedgerTransaction
from jobmonitor.runtime.kafka import Producer, Sender
from jobmonitor.runtime.settings import FairnessSettings

UUID_LENGTH = 36
"""Every message's key begins with its job id."""
TOO_LARGE = "message_too_large"
TOO_LARGE_REASON = "What this job has to say is too large to be passed on. Ask for less at a time."


class Ledger:
    """The ledger of all jobs, spoken to in commands. ``source`` names the process in the facts it makes."""

    def __init__(
        self,
        pool: Pool,
        producer: Sender,
        source: str,
        fairness: FairnessSettings = FairnessSettings(),  # noqa: B008
    ) -> None:
        self.pool = pool
        self.outbox = Outbox(pool, producer)
        self.leases = Leases(pool)
        connections = pool.get_max_size()
        self.working = asyncio.Semaphore(max(1, connections // 2))
        """Chunks that hold a connection while they work. The others wait, unclaimed, so that requests, plans and signs
        of life always find one."""
        self.planning = asyncio.Semaphore(max(1, connections // 4))
        """Plans under way. Each holds a connection all the time."""
        self._source = source
        self._fairness = fairness
        self._kept_results = KeptResults(fairness.result_bytes_per_account)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[LedgerTransaction]:
        """A transaction whose facts leave after its commit, and never without it."""
        place = None
        async with self.pool.acquire() as connection, connection.transaction():
            ledger = LedgerTransaction(connection, self._source, account_jobs_max=self._fairness.account_jobs_max)
            yield ledger
            await ledger.write()
            if ledger.messages:
                place = await self.outbox.put(connection, ledger.messages)
        # Only now, with the pool's connection given back: whoever holds one and waits for another stops everybody.
        if place is not None:
            await self.outbox.send(place, ledger.messages)

    async def send_leftovers(self, producer: Producer, *, older_than: timedelta) -> int:
        """Send the messages of processes that died before they could; returns how many went out.

        The job of a message that is too large to be sent fails, unless it has ended. Raises KafkaUnavailable when no
        broker answers.
        """
        leftovers = await self.outbox.send_leftovers(producer, older_than=older_than)
        for message in leftovers.too_large:
            await self.fail(UUID(message.key[:UUID_LENGTH].decode()), TOO_LARGE, TOO_LARGE_REASON)
        return leftovers.sent

    async def queue_due(self, limit: int = 100) -> int:
        """Start scheduled jobs whose time has come; returns how many. Any number of callers start each job once."""
        async with self.transaction() as ledger:
            rows = await SQL["due_runs"].fetch(ledger.connection, limit=limit)
            runs = [ledger.apply(await ledger.lock(row["job_id"]), QueueJob()) for row in rows]
            for account_id in sorted({run.job.account_id for run in runs}):
                room = await self.find_room(ledger, account_id)
                for run in runs:
                    if run.job.account_id == account_id and room.take(run.job.job_type, run.writes):
                        ledger.admit(run)
        return len(rows)

    async def find_room(self, ledger: LedgerTransaction, account_id: int) -> Room:
        """How many more jobs of this account may begin. Accounts are asked for in ascending order, lest two block."""
        return await find_room(ledger.connection, account_id, self._fairness.account_jobs_max)

    async def kept_results(self, ledger: LedgerTransaction, account_ids: Collection[int]) -> dict[int, Kept]:
        """What the results of each of these accounts take of the object store."""

        async def load(asked: Collection[int]) -> dict[int, int]:
            rows = await SQL["kept_result_bytes"].fetch(ledger.connection, account_ids=list(asked))
            return {row["account_id"]: row["size_bytes"] for row in rows}

        return await self._kept_results.of(account_ids, load)

    async def admit_waiting(self) -> int:
        """Let queued jobs begin where their account has room. Who ends a job does so already; this mends a loss.

        Each account in a transaction of its own: nobody waits for the lock of another.
        """
        admitted = 0
        for row in await SQL["accounts_waiting"].fetch(self.pool, account_jobs_max=self._fairness.account_jobs_max):
            async with self.transaction() as ledger:
                admitted += await ledger.admit_waiting([row["account_id"]])
        return admitted

    async def stop(
        self,
        job_id: UUID,
        request: JobStopRequested,
        at: datetime,
        *,
        stoppable: bool,
        request_id: str = "",
        refused: Callable[[Job], Refusal | None] = lambda _: None,
    ) -> None:
        """Let a job's stop, asked for ``at`` this time, take effect, or tell why it does not.

        ``refused`` says why whoever asks may not stop this job. A request in the name of another account changes
        nothing. One for a job that no worker took up yet is kept for a day, and obeyed when the job comes.
        """
        async with self.transaction() as ledger:
            run = await ledger.find(job_id) or await self._find_taken_up_now(ledger, job_id, request.account_id)
            if run is None:
                await SQL["keep_early_stop"].execute(
                    ledger.connection,
                    job_id=job_id,
                    account_id=request.account_id,
                    requested_by=request.requested_by,
                    requested_at=at,
                )
                return
            if run.job.account_id != request.account_id or (at, request.requested_by) == _stop_of(run):
                return
            run = ledger.save(msgspec.structs.replace(run, stop_heard_at=max(at, run.stop_heard_at or at)))
            if refusal := _stop_impossible(run.job, stoppable=stoppable) or refused(run.job):
                ledger.reject(run, "stop", request_id or f"{job_id}:stop:{at.isoformat()}", at, refusal)
                return
            await self._obey_stop(ledger, run, request.requested_by, at)

    async def _find_taken_up_now(self, ledger: LedgerTransaction, job_id: UUID, account_id: int) -> Run | None:
        """The job, if somebody is taking it up at this moment; None is then true until the transaction ends."""
        await SQL["await_taking_up"].execute(ledger.connection, account_id=account_id)
        return await ledger.find(job_id)

    async def _obey_stop(self, ledger: LedgerTransaction, run: Run, requested_by: int, at: datetime) -> None:
        if run.stop_requested_at is None:
            run = msgspec.structs.replace(run, stop_requested_by=requested_by, stop_requested_at=at)
        ledger.apply(run, StopJob(requested_by=requested_by, requested_at=at))
        await self._finish_stop(ledger, run.job_id)

    async def finish_stops(self, limit: int = 100) -> int:
        """End stopping jobs whose last chunk has ended, or whose worker has died; returns how many."""
        async with self.transaction() as ledger:
            rows = await SQL["stopping_runs"].fetch(ledger.connection, limit=limit)
            for row in rows:
                await self._finish_stop(ledger, row["job_id"])
        return len(rows)

    async def fail(self, job_id: UUID, code: str, reason: str) -> None:
        """End a job that cannot be done, with a reason its owner understands."""
        async with self.transaction() as ledger:
            run = await ledger.find(job_id)
            if run is not None:
                ledger.apply(run, FailJob(code=code, reason=reason))

    async def begin_plan(self, claim: Claim) -> None:
        """Forget what an earlier attempt at this plan has written. Raises LeaseLost."""
        async with self.transaction() as ledger:
            await hold_plan(ledger.connection, claim)
            await SQL["delete_planned"].execute(ledger.connection, job_id=claim.job_id)

    async def add_planned(self, claim: Claim, planned: Sequence[tuple[int, int, object]]) -> None:
        """Add some (chunk, units, payload) of the plan, which nobody may claim before the start. Raises LeaseLost."""
        async with self.transaction() as ledger:
            await hold_plan(ledger.connection, claim)
            await ledger.add_chunks(claim.job_id, "work", planned)

    async def start(self, claim: Claim, *, unit: str, chunks: int, total: int, in_order: bool) -> None:
        """The plan's chunks are in the ledger: mark it done, start the job, dispatch the first window.

        Raises LeaseLost.
        """
        async with self.transaction() as ledger:
            run = await ledger.lock(claim.job_id)
            await mark_done(ledger.connection, claim, None)
            run = ledger.apply(run, StartJob(total=total, unit=unit))
            window = 1 if in_order else self._fairness.chunks_in_flight
            await start_chunks(ledger, run, chunks=chunks, window=window)

    async def finish_chunk(self, ledger: LedgerTransaction, claim: Claim, finished: Finished) -> None:
        """Mark a work chunk done with its effects, and dispatch what comes next. Raises LeaseLost."""
        run = await ledger.lock(claim.job_id)
        await mark_done(ledger.connection, claim, finished.part_key)
        await finish_chunk(ledger, run, finished)
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
            ledger.apply(run, command)
            await self._finish_stop(ledger, claim.job_id)

    async def fail_chunk(self, claim: Claim, code: str, reason: str) -> None:
        """End the job whose chunk turned out to be impossible, with a reason its owner understands.

        Raises LeaseLost: only who holds the chunk may say so.
        """
        async with self.transaction() as ledger:
            run = await ledger.lock(claim.job_id)
            await mark_done(ledger.connection, claim, None)
            ledger.apply(run, FailJob(code=code, reason=reason))
            await self._finish_stop(ledger, claim.job_id)

    async def give_back(self, claim: Claim) -> None:
        """A chunk that was not tried to its end: anybody may claim it, and a stop need not wait for it. Repeatable."""
        async with self.transaction() as ledger:
            await ledger.lock(claim.job_id)
            await give_back(ledger.connection, claim)
            await self._finish_stop(ledger, claim.job_id)

    async def hint_open_chunks(self, *, unclaimed_after: timedelta, limit: int = 100) -> int:
        """Tell the workers again of chunks that nobody runs; returns of how many.

        One that nobody claims is told of after ``unclaimed_after``, then after ever longer pauses.
        """
        async with self.transaction() as ledger:
            rows = await SQL["open_chunks"].fetch(ledger.connection, unclaimed_after=unclaimed_after, limit=limit)
            for row in rows:
                await SQL["touch_chunk"].execute(ledger.connection, job_id=row["job_id"], chunk=row["chunk"])
                ledger.hint(
                    row["job_id"],
                    row["account_id"],
                    row["job_type"],
                    row["chunk"],
                    kind=row["kind"],
                    attempt=row["attempt"] + 1,
                    hints=row["hints"] + 1,
                )
        return len(rows)

    async def expire_results(self, reports_after: timedelta, limit: int = 100) -> int:
        """Mark results past their time as expired, and reports of failures so old; returns how many.

        A result says itself when it expires; its file may go then.
        """
        async with self.transaction() as ledger:
            rows = await SQL["expired_runs"].fetch(ledger.connection, reports_after=reports_after, limit=limit)
            runs = [await ledger.lock(row["job_id"]) for row in rows]
            for run in runs:
                ledger.apply(run, ExpireResult())
        return len(runs)

    async def part_keys(self, job_id: UUID) -> list[str]:
        """Where the job's parts lie, in plan order."""
        return [row["part_key"] for row in await SQL["part_keys"].fetch(self.pool, job_id=job_id)]

    async def forget_chunks(self, job_id: UUID) -> None:
        """Drop an ended job's chunks, its parts being gone from the object store."""
        async with self.pool.acquire() as connection, connection.transaction():
            await SQL["await_planner"].execute(connection, job_id=job_id)
            await SQL["forget_chunks"].execute(connection, job_id=job_id)

    async def _finish_stop(self, ledger: LedgerTransaction, job_id: UUID) -> None:
        """Cancel the job if it is stopping and nobody runs a chunk of it."""
        run = await ledger.lock(job_id)
        if run.job.state is State.STOPPING and not await SQL["live_leases"].fetchval(ledger.connection, job_id=job_id):
            requested_by, requested_at = run.stop_requested_by or run.job.owner_id, run.stop_requested_at
            ledger.apply(run, FinishStop(requested_by=requested_by, requested_at=requested_at or datetime.now(UTC)))


def _stop_of(run: Run) -> tuple[datetime | None, int | None]:
    """The stop that took effect: told again it changes nothing."""
    return run.stop_requested_at, run.stop_requested_by


def _stop_impossible(job: Job, *, stoppable: bool) -> Refusal | None:
    if not stoppable:
        return Refusal("not_stoppable", "Jobs of this type cannot be stopped; they end by themselves.")
    if job.ended:
        return Refusal("already_ended", "The job had already ended when its stop was asked for.")
    return None
