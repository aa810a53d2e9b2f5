"""One ledger transaction: commands are decided on locked runs; what they come to is written at its end, all at once."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec

from jobmonitor.contract.envelope import Event, encode, type_name
from jobmonitor.contract.events import ChunkDispatched, EventData
from jobmonitor.contract.limits import Refusal
from jobmonitor.contract.topics import jobs_topic, work_topic
from jobmonitor.database.pool import Connection
from jobmonitor.job.commands import Command, RejectRequest
from jobmonitor.job.decide import decide
from jobmonitor.job.evolve import evolve
from jobmonitor.ledger import admission
from jobmonitor.ledger.claims import Kind
from jobmonitor.ledger.runs import SQL, Run, insert_runs, lock_run, save_runs
from jobmonitor.runtime.failures import Temporary
from jobmonitor.runtime.kafka import OWN_BYTES_MAX, Outgoing

PLAN_CHUNK = 0
REJECTIONS_MAX = 20
"""Facts about rejected requests, of one job: a producer that errs without end fills no log."""


class TakenUpMeanwhile(Temporary):
    """Another worker took one of these jobs up; nothing of this transaction may count. Looking again finds it."""


class MessageTooLarge(Exception):
    """A job has more to say than a message may hold. Nothing of this transaction may count; that job fails alone."""

    def __init__(self, job_id: UUID, event_type: str, size: int) -> None:
        super().__init__(f"{event_type} of job {job_id} has {size:,} bytes; {OWN_BYTES_MAX:,} can be sent.")
        self.job_id = job_id


class LedgerTransaction:
    """What a transaction has decided so far. Made by ``Ledger.transaction``, which writes, commits and sends."""

    def __init__(self, connection: Connection, source: str, *, account_jobs_max: int) -> None:
        self.connection = connection
        self.messages: list[Outgoing] = []
        self._source = source
        self._account_jobs_max = account_jobs_max
        self._runs: dict[UUID, Run] = {}
        """As they stand now: all that were locked or made."""
        self._new: set[UUID] = set()
        self._changed: set[UUID] = set()
        self._plans: list[UUID] = []
        self._left: set[int] = set()
        """Accounts that have room for another job."""

    async def find(self, job_id: UUID) -> Run | None:
        """The run, locked; None when no worker took the job up yet."""
        run = self._runs.get(job_id) or await lock_run(self.connection, job_id)
        if run is not None:
            self._runs[job_id] = run
        return run

    async def lock(self, job_id: UUID) -> Run:
        """The run, locked, of a job that is known to be taken up. Raises LookupError otherwise: a bug."""
        run = await self.find(job_id)
        if run is None:
            raise LookupError(f"No run of job {job_id}.")
        return run

    def take_up(self, run: Run) -> Run:
        """Add a job nobody took up before. Should somebody do so meanwhile, the end raises TakenUpMeanwhile."""
        self._new.add(run.job_id)
        return self.save(run)

    def apply(self, run: Run, command: Command) -> Run:
        """Decide the command, let its facts leave, and keep the job they make. A repeat changes nothing."""
        job = run.job
        for fact in decide(command, job):
            self._publish(jobs_topic(job.job_type), run.job_id, f"{run.job_id}:{fact.sequence}", fact)
            job = evolve(job, fact)
        if job.ended and not run.job.ended and run.admitted:
            self._left.add(job.account_id)
        return self.save(msgspec.structs.replace(run, job=job))

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
        """Let a queued job be worked on: its plan may be claimed from the commit on. Without ``hint`` by who knows."""
        self._plans.append(run.job_id)
        if hint:
            self.hint(run.job_id, run.job.account_id, run.job.job_type, PLAN_CHUNK, kind="plan")
        return self.save(msgspec.structs.replace(run, admitted=True))

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
            self.hint(run.job_id, run.job.account_id, run.job.job_type, row["chunk"], kind=row["kind"])
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

    async def write(self) -> None:
        """Write what was decided, and let the queued jobs of accounts that now have room begin.

        Raises TakenUpMeanwhile.
        """
        await self._write_runs()
        await self.admit_waiting(self._left)

    async def admit_waiting(self, accounts: Iterable[int]) -> int:
        """Admit what waits in these accounts, as far as they have room; returns how many jobs."""
        admitted = 0
        for account_id in sorted(accounts):
            async for job_id in admission.next_jobs(self.connection, account_id, self._account_jobs_max):
                self.admit(await self.lock(job_id))
                await self._write_runs()
                admitted += 1
        return admitted

    async def _write_runs(self) -> None:
        new = [self._runs[job_id] for job_id in self._new]
        changed = [self._runs[job_id] for job_id in self._changed - self._new]
        if new and await insert_runs(self.connection, new) < len(new):
            raise TakenUpMeanwhile
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
