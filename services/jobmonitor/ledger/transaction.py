"""One ledger transaction: commands are decided on locked runs; what they come to is flushed just before the commit."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

import msgspec

from jobmonitor.contract.envelope import Event, encode, type_name
from jobmonitor.contract.events import ChunkDispatched, EventData, JobSubmitted, Result
from jobmonitor.contract.limits import Refusal
from jobmonitor.contract.topics import jobs_topic, requests_topic, work_topic
from jobmonitor.database.pool import Connection
from jobmonitor.job.commands import Command, FinishStop, NoteWaiting, RecordProgress, RejectRequest
from jobmonitor.job.decide import decide
from jobmonitor.job.evolve import evolve
from jobmonitor.job.state import State
from jobmonitor.ledger import admission
from jobmonitor.ledger.admission import Capacity
from jobmonitor.ledger.claims import Claim, Kind, LeftChunk, mark_done
from jobmonitor.ledger.kept_results import Kept, KeptResults
from jobmonitor.ledger.runs import SQL, ChunkCounts, Run, counted, insert_runs, lock_run, save_runs
from jobmonitor.runtime.failures import Temporary
from jobmonitor.runtime.kafka import OWN_BYTES_MAX, Outgoing
from jobmonitor.runtime.settings import FairnessSettings

PLAN_CHUNK = 0
GENERATIONS_MAX = 10
"""Jobs each of which was submitted by the one before: a job type that submits itself comes to an end."""
REJECTIONS_MAX = 20
"""Facts about rejected requests, of one job: a producer that errs without end fills no log."""


class AcceptedMeanwhile(Temporary):
    """Another worker accepted one of these jobs; nothing of this transaction may count. Looking again finds it."""


class MessageTooLarge(Exception):
    """A job has more to say than a message may hold. Nothing of this transaction may count; that job fails alone."""

    def __init__(self, job_id: UUID, event_type: str, size: int) -> None:
        super().__init__(f"{event_type} of job {job_id} has {size:,} bytes; {OWN_BYTES_MAX:,} can be sent.")
        self.job_id = job_id


class KnownRun(NamedTuple):
    """What a repeated submission is compared with."""

    account_id: int
    request_sha256: str | None
    """None where the run is no longer kept, or is older than this was written down."""


class Parent(NamedTuple):
    """A job that submits another."""

    account_id: int
    ancestors: int
    """Its own, as far as their runs are kept."""


class EarlyStop(NamedTuple):
    """A stop that came before its job."""

    account_id: int
    requested_by: int
    requested_at: datetime


class Hooks(Protocol):
    """What else is done when jobs begin and end, in the same transaction."""

    async def began(self, transaction: "LedgerTransaction", run: Run) -> None:
        """The job starts. Whatever this raises keeps it from starting."""
        ...

    async def ended(self, transaction: "LedgerTransaction", run: Run) -> None:
        """A job that had begun ends. Raises temporary errors only."""
        ...


class NoHooks(Hooks):
    """Nothing else is done."""

    async def began(self, transaction: "LedgerTransaction", run: Run) -> None: ...
    async def ended(self, transaction: "LedgerTransaction", run: Run) -> None: ...


class LedgerTransaction:
    """What a transaction has decided so far. Made by ``Ledger.transaction``, which flushes, commits and sends."""

    def __init__(
        self,
        connection: Connection,
        source: str,
        fairness: FairnessSettings,
        kept_results: KeptResults,
        hooks: Hooks,
    ) -> None:
        self.connection = connection
        self.hooks = hooks
        self.messages: list[Outgoing] = []
        self._source = source
        self._fairness = fairness
        self._kept_results = kept_results
        self._runs: dict[UUID, Run] = {}
        """As they stand now: all that were locked or made."""
        self._new: set[UUID] = set()
        self._changed: set[UUID] = set()
        self._plans: list[UUID] = []
        self._ended: list[UUID] = []
        """Those that had begun."""
        self._left: set[int] = set()
        """Accounts that have capacity for another job."""

    async def find(self, job_id: UUID) -> Run | None:
        """The run, locked; None when no worker accepted the job yet."""
        run = self._runs.get(job_id) or await lock_run(self.connection, job_id)
        if run is not None:
            self._runs[job_id] = run
        return run

    async def lock(self, job_id: UUID) -> Run:
        """The run, locked, of a job that is known to be accepted. Raises LookupError otherwise: a bug."""
        run = await self.find(job_id)
        if run is None:
            raise LookupError(f"No run of job {job_id}.")
        return run

    def accept(self, run: Run) -> Run:
        """Add a job nobody accepted before. Should somebody do so meanwhile, ``flush`` raises AcceptedMeanwhile."""
        self._new.add(run.job_id)
        return self.save(run)

    def apply(self, run: Run, command: Command) -> Run:
        """Decide the command, let its facts leave, and keep the job they make. A repeat changes nothing."""
        after = run
        for fact in decide(command, run):
            self._publish(jobs_topic(run.job_type), run.job_id, f"{run.job_id}:{fact.sequence}", fact)
            after = evolve(after, fact)
        if after.ended and not run.ended and run.admitted:
            self._left.add(run.account_id)
        if after.ended and run.state in (State.RUNNING, State.STOPPING):
            self._ended.append(run.job_id)
        return self.save(after)

    def submit(self, job_id: UUID, submission: JobSubmitted) -> None:
        """Let this submission leave with the transaction. Once more with the same job id it changes nothing."""
        self._publish(requests_topic(submission.job_type), job_id, f"{job_id}:submit", submission)

    def reject(self, run: Run, request: Literal["submit", "stop"], request_id: str, at: datetime, why: Refusal) -> None:
        """Tell that this request about the job cannot be granted: once, and of one job not more than 20."""
        if request_id in run.rejected_requests or len(run.rejected_requests) >= REJECTIONS_MAX:
            return
        run = msgspec.structs.replace(run, rejected_requests=(*run.rejected_requests, request_id))
        self.apply(
            run,
            RejectRequest(request=request, request_id=request_id, requested_at=at, code=why.code, reason=why.reason),
        )

    def save(self, run: Run) -> Run:
        """Keep this as the state of the run."""
        self._runs[run.job_id] = run
        self._changed.add(run.job_id)
        return run

    def admit(self, run: Run, *, hint: bool = True) -> Run:
        """Let a queued job be worked on: its plan may be claimed from the commit on.

        Without ``hint`` no worker is told: the caller has to see to the plan.
        """
        if run.waits_for is not None:
            run = self.apply(run, NoteWaiting(waits_for=None))
        self._plans.append(run.job_id)
        if hint:
            self.hint(run.job_id, run.account_id, run.job_type, PLAN_CHUNK, kind="plan")
        return self.save(msgspec.structs.replace(run, admitted=True))

    def admit_or_wait(self, run: Run, capacity: Capacity, *, hint: bool = True) -> bool:
        """Let a queued job be worked on, if its account has capacity for it; else tell which resource it waits for.

        ``hint`` as in ``admit``.
        """
        waits_for = capacity.words_for(run.exclusive_resources)
        if capacity.take(run.job_type, run.exclusive_resources):
            self.admit(run, hint=hint)
            return True
        self.apply(run, NoteWaiting(waits_for=waits_for))
        return False

    async def add_chunks(self, job_id: UUID, kind: str, planned: Sequence[tuple[int, int, object]]) -> None:
        """Add (chunk, units, payload) to the job, waiting."""
        rows = [
            {"job_id": job_id, "kind": kind, "chunk": chunk, "units": units, "payload": payload}
            for chunk, units, payload in planned
        ]
        await SQL["insert_chunk"].executemany(self.connection, rows)

    async def dispatch(self, run: Run, first: int, last: int) -> int:
        """Hand the job's waiting chunks ``first..last`` to the workers; returns how many there were."""
        rows = await SQL["dispatch_chunks"].fetch(self.connection, job_id=run.job_id, first=first, last=last)
        for row in rows:
            self.hint(run.job_id, run.account_id, run.job_type, row["chunk"], kind=row["kind"])
        return len(rows)

    def hint(
        self, job_id: UUID, account_id: int, job_type: str, chunk: int, *, kind: Kind, attempt: int = 1, hints: int = 0
    ) -> None:
        """Tell the workers that this chunk may be claimed, after ``hints`` that nobody followed.

        Each hint has a key of its own: where one waited behind others, the next may find a worker that is free.
        """
        data = ChunkDispatched(account_id=account_id, job_type=job_type, chunk=chunk, kind=kind, attempt=attempt)
        key = f"{job_id}:{chunk}:{attempt}" + (f":{hints}" if hints else "")
        self._publish(work_topic(job_type), job_id, key, data, key=key)

    async def capacity(self, account_id: int) -> Capacity:
        """How many more jobs of this account may begin. Ask for accounts in ascending order: else two may block."""
        return await admission.lock_capacity(self.connection, account_id, self._fairness.account_jobs_max)

    async def heed_waiting(self, account_id: int, capacity: Capacity) -> None:
        """Let no other job take the resources for which jobs of the account wait already."""
        if not capacity.heeds_waiting:
            capacity.heed(await admission.first_waiting(self.connection, account_id))

    async def kept_results(self, account_ids: Collection[int]) -> dict[int, Kept]:
        """What the results of each of these accounts take of the object store."""

        async def load(asked: Collection[int]) -> dict[int, int]:
            rows = await SQL["kept_result_bytes"].fetch(self.connection, account_ids=list(asked))
            return {row["account_id"]: row["size_bytes"] for row in rows}

        return await self._kept_results.of(account_ids, load)

    async def known_runs(self, job_ids: Collection[UUID]) -> dict[UUID, KnownRun]:
        """Those of these jobs that were accepted before, however long ago."""
        rows = await SQL["known_runs"].fetch(self.connection, job_ids=list(job_ids))
        return {row["job_id"]: KnownRun(row["account_id"], row["request_sha256"]) for row in rows}

    async def parents(self, job_ids: Collection[UUID]) -> dict[UUID, Parent]:
        """Those of these jobs that were accepted."""
        rows = await SQL["parents"].fetch(self.connection, job_ids=list(job_ids), ancestors_max=GENERATIONS_MAX)
        return {row["job_id"]: Parent(row["account_id"], row["ancestors"]) for row in rows}

    async def hold_off_early_stops(self, account_ids: Collection[int]) -> None:
        """Until the commit no stop decides that a job of these accounts is not accepted yet."""
        await SQL["hold_off_early_stops"].execute(self.connection, account_ids=sorted(account_ids))

    async def early_stops(self, job_ids: Collection[UUID]) -> dict[UUID, list[EarlyStop]]:
        """The stops that came before these jobs did, by job, the first asked for last."""
        found: dict[UUID, list[EarlyStop]] = {}
        for row in await SQL["early_stops"].fetch(self.connection, job_ids=list(job_ids)):
            stop = EarlyStop(row["account_id"], row["requested_by"], row["requested_at"])
            found.setdefault(row["job_id"], []).append(stop)
        return found

    async def forget_early_stops(self, job_ids: Collection[UUID]) -> None:
        """These jobs are accepted."""
        await SQL["forget_early_stops"].execute(self.connection, job_ids=list(job_ids))

    async def start_chunks(self, run: Run, *, chunks: int, window: int) -> None:
        """Dispatch the first window of a started job; a plan without chunks goes straight to its assembly.

        No more than a window is ever in flight: each chunk that ends lets the next one go. So a job of a million rows
        does not starve a job of ten, and a stop takes effect within one window.
        """
        if run.state is not State.RUNNING:
            return
        run = msgspec.structs.replace(run, chunks_total=chunks)
        if chunks == 0:
            await self._dispatch_assembly(self.save(run))
            return
        sent = await self.dispatch(run, 1, min(window, chunks))
        self.save(msgspec.structs.replace(run, chunks_dispatched=sent))

    async def finish_chunk(
        self, claim: Claim, counts: ChunkCounts, *, part_key: str | None, left: Sequence[LeftChunk] = ()
    ) -> None:
        """Mark a work chunk done with its effects, tell the progress, and dispatch the next chunk, or the assembly.

        ``part_key``: where its part was stored, if it has one. Units that are ``left`` count when they are done; those
        of a stopping job are handed out to nobody. Raises LeaseLost.
        """
        run, units = await self.lock(claim.job_id), sum(counts.outcomes.values())
        await mark_done(self.connection, claim, part_key, units=units)
        run = self.count_chunk(run, counts, units=units)
        if left:
            run = await self._leave_chunks(run, left, left_by=claim.chunk)
        if run.state is not State.RUNNING:
            await self.finish_stop(run.job_id)
        elif run.chunks_done == run.chunks_total:
            await self._dispatch_assembly(run)
        elif run.chunks_dispatched < run.chunks_total:
            following = run.chunks_dispatched + 1
            await self.dispatch(run, following, following)
            self.save(msgspec.structs.replace(run, chunks_dispatched=following))

    async def _leave_chunks(self, run: Run, left: Sequence[LeftChunk], *, left_by: int) -> Run:
        """Add chunks behind all others. They are handed out at once, as their pause is what they wait for."""
        common = {"job_id": run.job_id, "left_by": left_by, "handed_out": run.state is State.RUNNING}
        rows = [{"chunk": number, **common, **each._asdict()} for number, each in enumerate(left, run.chunks_total + 1)]
        await SQL["leave_chunk"].executemany(self.connection, rows)
        return self.save(msgspec.structs.replace(run, chunks_total=run.chunks_total + len(left)))

    def count_chunk(self, run: Run, counts: ChunkCounts, *, units: int) -> Run:
        """Count a chunk of so many units that ended, and tell the progress."""
        return self.apply(counted(run, counts), RecordProgress(units=units))

    async def _dispatch_assembly(self, run: Run) -> None:
        assembly = run.chunks_total + 1
        await self.add_chunks(run.job_id, "assemble", [(assembly, 0, None)])
        await self.dispatch(run, assembly, assembly)

    async def finish_stop(self, job_id: UUID) -> None:
        """Have a stopping job assembled of which nobody runs a piece of work; cancel it where that took too long.

        What is done by then is all that counts: a worker that was silent until now commits nothing any more.
        """
        run = await self.lock(job_id)
        if run.state is not State.STOPPING or await SQL["live_work"].fetchval(self.connection, job_id=job_id):
            return
        chunk, within = run.chunks_total + 1, timedelta(seconds=self._fairness.stop_assembly_s)
        await SQL["revoke_work"].execute(self.connection, job_id=job_id)
        assembly = await SQL["assemble_stopped"].fetchrow(self.connection, job_id=job_id, chunk=chunk, within=within)
        assert assembly is not None  # noqa: S101 - it is inserted or updated
        if assembly["is_over"]:
            self.cancel(run, None)
        elif not assembly["is_running"]:
            attempt = assembly["attempt"] + 1
            self.hint(job_id, run.account_id, run.job_type, chunk, kind="assemble", attempt=attempt)

    def cancel(self, run: Run, result: Result | None) -> Run:
        """End a stopping job, with the file that holds what was done, if there is one."""
        requested_by, requested_at = run.stop_requested_by or run.owner_id, run.stop_requested_at
        return self.apply(
            run,
            FinishStop(requested_by=requested_by, requested_at=requested_at or datetime.now(UTC), result=result),
        )

    async def flush(self) -> None:
        """Write what was decided, and let the queued jobs of accounts that now have capacity begin.

        Raises AcceptedMeanwhile.
        """
        for job_id in self._ended:
            await self.hooks.ended(self, self._runs[job_id])
        await self._write_runs()
        await self.admit_waiting(self._left)

    async def admit_waiting(self, accounts: Iterable[int]) -> int:
        """Admit what waits in these accounts, as far as they have capacity; returns how many jobs."""
        admitted = 0
        for account_id in sorted(accounts):
            async for job_id in admission.next_jobs(self.connection, account_id, self._fairness.account_jobs_max):
                self.admit(await self.lock(job_id))
                await self._write_runs()
                admitted += 1
        return admitted

    async def _write_runs(self) -> None:
        new = [self._runs[job_id] for job_id in self._new]
        changed = [self._runs[job_id] for job_id in self._changed - self._new]
        if new and await insert_runs(self.connection, new) < len(new):
            raise AcceptedMeanwhile
        if changed:
            await save_runs(self.connection, changed)
        if self._plans:
            await SQL["insert_plans"].execute(self.connection, job_ids=self._plans)
        self._new, self._changed, self._plans = set(), set(), []

    def _publish(self, topic: str, job_id: UUID, event_id: str, data: EventData, key: str | None = None) -> None:
        event = Event(id=event_id, source=self._source, job_id=job_id, time=datetime.now(UTC), data=data)
        message = Outgoing(topic, (key or str(job_id)).encode(), encode(event), type_name(data))
        size = len(message.key) + len(message.value)
        if size > OWN_BYTES_MAX:
            raise MessageTooLarge(job_id, message.type, size)
        self.messages.append(message)
