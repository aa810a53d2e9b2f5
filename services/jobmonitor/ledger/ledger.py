"""What the processes do with the ledger, each as one transaction that may be repeated safely."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from jobmonitor.contract.events import JobStopRequested, Result
from jobmonitor.contract.limits import Refusal
from jobmonitor.database.pool import Pool
from jobmonitor.job.commands import (
    CompleteJob,
    ExpireResult,
    FailJob,
    NoteWaiting,
    QueueJob,
    StartJob,
    StopJob,
)
from jobmonitor.job.state import Job, State
from jobmonitor.ledger.backlog import Backlog, load_backlogs
from jobmonitor.ledger.claims import Claim, Claims, give_back, hold_plan, mark_done
from jobmonitor.ledger.cleanup import Cleanup
from jobmonitor.ledger.kept_results import KeptResults
from jobmonitor.ledger.leases import Leases
from jobmonitor.ledger.outbox import Outbox
from jobmonitor.ledger.runs import SQL, Run
from jobmonitor.ledger.transaction import Hooks, LedgerTransaction, NoHooks
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
        hooks: Hooks = NoHooks(),  # noqa: B008
        leases_pool: Pool | None = None,
    ) -> None:
        """``leases_pool`` is for signs of life only, which then never wait for work to give a connection back."""
        self.pool = pool
        self.outbox = Outbox(pool, producer)
        self.claims = Claims(pool)
        self.leases = Leases(leases_pool or pool)
        self.cleanup = Cleanup(pool)
        self._source = source
        self._fairness = fairness
        self._hooks = hooks
        self._kept_results = KeptResults(fairness.result_bytes_per_account)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[LedgerTransaction]:
        """A transaction whose facts leave after its commit, and never without it."""
        row_id = None
        async with self.pool.acquire() as connection, connection.transaction():
            transaction = LedgerTransaction(connection, self._source, self._fairness, self._kept_results, self._hooks)
            yield transaction
            await transaction.flush()
            if transaction.messages:
                row_id = await self.outbox.put(connection, transaction.messages)
        # Only now, with the pool's connection given back: whoever holds one and waits for another stops everybody.
        if row_id is not None:
            await self.outbox.send(row_id, transaction.messages)

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
        async with self.transaction() as transaction:
            rows = await SQL["due_runs"].fetch(transaction.connection, limit=limit)
            runs = [transaction.apply(await transaction.lock(row["job_id"]), QueueJob()) for row in rows]
            for account_id in sorted({run.account_id for run in runs}):
                capacity = await transaction.capacity(account_id)
                await transaction.heed_waiting(account_id, capacity)
                for run in runs:
                    if run.account_id == account_id:
                        transaction.admit_or_wait(run, capacity)
        return len(rows)

    async def admit_waiting(self) -> int:
        """Let queued jobs begin where their account has capacity. Who ends a job does so already; this repairs a loss.

        Each account in a transaction of its own: nobody waits for the lock of another.
        """
        admitted = 0
        for row in await SQL["accounts_waiting"].fetch(self.pool, account_jobs_max=self._fairness.account_jobs_max):
            async with self.transaction() as transaction:
                admitted += await transaction.admit_waiting([row["account_id"]])
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
        nothing. One for a job that no worker accepted yet is kept for a day, and obeyed when the job comes.
        """
        async with self.transaction() as transaction:
            run = await transaction.find(job_id) or await self._find_being_accepted(
                transaction, job_id, request.account_id
            )
            if run is None:
                await SQL["keep_early_stop"].execute(
                    transaction.connection,
                    job_id=job_id,
                    account_id=request.account_id,
                    requested_by=request.requested_by,
                    requested_at=at,
                )
                return
            if run.account_id != request.account_id or (at, request.requested_by) == _stop_of(run):
                return
            run = transaction.save(msgspec.structs.replace(run, stop_heard_at=max(at, run.stop_heard_at or at)))
            if refusal := _stop_impossible(run, stoppable=stoppable) or refused(run):
                transaction.reject(run, "stop", request_id or f"{job_id}:stop:{at.isoformat()}", at, refusal)
                return
            await self._obey_stop(transaction, run, request.requested_by, at)

    async def _find_being_accepted(self, transaction: LedgerTransaction, job_id: UUID, account_id: int) -> Run | None:
        """The job, if somebody is accepting it at this moment; None is then true until the transaction ends."""
        await SQL["await_acceptance"].execute(transaction.connection, account_id=account_id)
        return await transaction.find(job_id)

    async def _obey_stop(self, transaction: LedgerTransaction, run: Run, requested_by: int, at: datetime) -> None:
        if run.stop_requested_at is None:
            run = msgspec.structs.replace(run, stop_requested_by=requested_by, stop_requested_at=at)
        transaction.apply(run, StopJob(requested_by=requested_by, requested_at=at))
        await transaction.finish_stop(run.job_id)

    async def finish_stops(self, limit: int = 100) -> int:
        """Go on with stopping jobs whose worker has died, or whose assembly takes too long; returns how many."""
        async with self.transaction() as transaction:
            rows = await SQL["stopping_runs"].fetch(transaction.connection, limit=limit)
            for row in rows:
                await transaction.finish_stop(row["job_id"])
        return len(rows)

    async def fail(self, job_id: UUID, code: str, reason: str) -> None:
        """End a job that cannot be done, with a reason its owner understands."""
        async with self.transaction() as transaction:
            run = await transaction.find(job_id)
            if run is not None:
                transaction.apply(run, FailJob(code=code, reason=reason))

    async def begin_plan(self, claim: Claim) -> None:
        """Forget what an earlier attempt at this plan has written. Raises LeaseLost."""
        async with self.transaction() as transaction:
            await hold_plan(transaction.connection, claim)
            await SQL["delete_planned"].execute(transaction.connection, job_id=claim.job_id)

    async def add_planned(self, claim: Claim, planned: Sequence[tuple[int, int, object]]) -> None:
        """Add some (chunk, units, payload) of the plan, which nobody may claim before the start. Raises LeaseLost."""
        async with self.transaction() as transaction:
            await hold_plan(transaction.connection, claim)
            await transaction.add_chunks(claim.job_id, "work", planned)

    async def start(self, claim: Claim, *, unit: str, chunks: int, total: int, window: int) -> None:
        """The plan's chunks are in the ledger: mark it done, start the job, dispatch a window of so many chunks.

        Raises LeaseLost.
        """
        async with self.transaction() as transaction:
            run = await transaction.lock(claim.job_id)
            await mark_done(transaction.connection, claim, None, units=claim.units)
            run = transaction.apply(run, StartJob(total=total, unit=unit))
            if run.state is State.RUNNING:
                await self._hooks.began(transaction, run)
            await transaction.start_chunks(run, chunks=chunks, window=window)

    async def complete(self, claim: Claim, result: Result | None) -> None:
        """The result, if there is one, is stored (its ``rows`` are counted here): the job ends, complete or stopped.

        Raises LeaseLost.
        """
        async with self.transaction() as transaction:
            run = await transaction.lock(claim.job_id)
            await mark_done(transaction.connection, claim, None, units=claim.units)
            counted = msgspec.structs.replace(result, rows=run.rows) if result else None
            if run.state is State.STOPPING:
                transaction.cancel(run, counted)
            else:
                transaction.apply(run, CompleteJob(rejected=run.rejected, outcomes=run.outcomes, result=counted))

    async def fail_chunk(self, claim: Claim, code: str, reason: str) -> None:
        """End the job whose chunk turned out to be impossible, with a reason its owner understands.

        A stop that took effect wins: work that failed is then work that was not done, and an assembly leaves no file.
        Raises LeaseLost: only who holds the chunk may say so.
        """
        async with self.transaction() as transaction:
            run = await transaction.lock(claim.job_id)
            if run.state is State.STOPPING and claim.kind == "work":
                await give_back(transaction.connection, claim)
                await transaction.finish_stop(claim.job_id)
                return
            await mark_done(transaction.connection, claim, None, units=claim.units)
            if run.state is State.STOPPING:
                transaction.cancel(run, None)
            else:
                transaction.apply(run, FailJob(code=code, reason=reason))

    async def note_waiting(self, job_id: UUID, waits_for: str) -> None:
        """Tell what the job waits for; it waits until it makes progress. Repeatable."""
        async with self.transaction() as transaction:
            run = await transaction.find(job_id)
            if run is not None and run.waits_for != waits_for:
                transaction.apply(run, NoteWaiting(waits_for=waits_for))

    async def give_back(self, claim: Claim) -> None:
        """A chunk that was not tried to its end: the workers are told, anybody may claim it, and a stop need not wait.

        Repeatable.
        """
        async with self.transaction() as transaction:
            run = await transaction.lock(claim.job_id)
            if await give_back(transaction.connection, claim) and run.state in {State.QUEUED, State.RUNNING}:
                attempt = claim.attempt + 1
                transaction.hint(
                    run.job_id, run.account_id, run.job_type, claim.chunk, kind=claim.kind, attempt=attempt
                )
            await transaction.finish_stop(claim.job_id)

    async def hint_open_chunks(self, *, unclaimed_after: timedelta, limit: int = 100) -> int:
        """Tell the workers again of chunks that nobody runs; returns of how many.

        One that nobody claims is told of after ``unclaimed_after``, then after ever longer pauses.
        """
        async with self.transaction() as transaction:
            rows = await SQL["open_chunks"].fetch(transaction.connection, unclaimed_after=unclaimed_after, limit=limit)
            for row in rows:
                await SQL["touch_chunk"].execute(transaction.connection, job_id=row["job_id"], chunk=row["chunk"])
                transaction.hint(
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
        async with self.transaction() as transaction:
            rows = await SQL["expired_runs"].fetch(transaction.connection, reports_after=reports_after, limit=limit)
            runs = [await transaction.lock(row["job_id"]) for row in rows]
            for run in runs:
                transaction.apply(run, ExpireResult())
        return len(runs)

    async def part_keys(self, job_id: UUID) -> list[str]:
        """Where the job's parts lie, in plan order."""
        return [row["part_key"] for row in await SQL["part_keys"].fetch(self.pool, job_id=job_id)]

    async def standing_still_s(self) -> dict[str, float]:
        """By job type: the longest for which no job at work of an account changed, while others of it wait."""
        return {row["job_type"]: row["longest_s"] for row in await SQL["standing_still"].fetch(self.pool)}

    async def backlogs(self) -> Mapping[str, Backlog]:
        """What there still is to do, of the types that have any."""
        return await load_backlogs(self.pool)

    async def known(self, job_ids: Collection[UUID]) -> set[UUID]:
        """Those of these jobs that were accepted, however long ago."""
        rows = await SQL["known_runs"].fetch(self.pool, job_ids=list(job_ids)) if job_ids else []
        return {row["job_id"] for row in rows}


def _stop_of(run: Run) -> tuple[datetime | None, int | None]:
    """The stop that took effect: told again it changes nothing."""
    return run.stop_requested_at, run.stop_requested_by


def _stop_impossible(job: Job, *, stoppable: bool) -> Refusal | None:
    if not stoppable:
        return Refusal("not_stoppable", "Jobs of this type cannot be stopped; they end by themselves.")
    if job.ended:
        return Refusal("already_ended", "The job had already ended when its stop was asked for.")
    return None
