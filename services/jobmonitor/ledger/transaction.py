"""One ledger transaction: commands are decided under the run's lock, facts and work leave through the outbox."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec

from jobmonitor.contract.envelope import Event, encode
from jobmonitor.contract.events import ChunkDispatched, EventData
from jobmonitor.contract.topics import jobs_topic, work_topic
from jobmonitor.database.pool import Connection
from jobmonitor.job.commands import Command
from jobmonitor.job.decide import decide
from jobmonitor.job.evolve import evolve
from jobmonitor.ledger.claims import LeaseLost
from jobmonitor.ledger.outbox import Message
from jobmonitor.ledger.runs import SQL, Run, lock_run, save_run


class LedgerTransaction:
    """What a transaction has decided so far. Made by ``Ledger.transaction``, which commits and sends."""

    def __init__(self, connection: Connection, source: str) -> None:
        self.connection = connection
        self.messages: list[Message] = []
        self._source = source

    async def find(self, job_id: UUID) -> Run | None:
        """The run, locked; None when no worker took the job up yet."""
        return await lock_run(self.connection, job_id)

    async def lock(self, job_id: UUID) -> Run:
        """The run, locked, of a job that is known to be taken up. Raises LookupError otherwise: a bug."""
        run = await self.find(job_id)
        if run is None:
            raise LookupError(f"No run of job {job_id}.")
        return run

    async def apply(self, run: Run, command: Command) -> Run:
        """Decide the command, let its facts leave, and store the job they make. A repeat changes nothing."""
        job = run.job
        for fact in decide(command, job):
            self._publish(jobs_topic(job.job_type), run.job_id, f"{run.job_id}:{fact.sequence}", fact)
            job = evolve(job, fact)
        return await self.save(msgspec.structs.replace(run, job=job))

    async def save(self, run: Run) -> Run:
        await save_run(self.connection, run)
        return run

    async def add_chunks(self, job_id: UUID, kind: str, planned: Sequence[tuple[int, int, object]]) -> None:
        """Add (chunk, units, payload) to the job, waiting. Raises LeaseLost when another worker planned it first."""
        try:
            await self.connection.executemany(SQL["insert_chunk"], [(job_id, kind, *chunk) for chunk in planned])
        except asyncpg.UniqueViolationError as error:
            raise LeaseLost(f"The chunks of job {job_id} were planned by another worker.") from error

    async def dispatch(self, run: Run, first: int, last: int) -> int:
        """Hand the job's waiting chunks ``first..last`` to the workers; returns how many there were."""
        rows = await self.connection.fetch(SQL["dispatch_chunks"], run.job_id, first, last)
        for row in rows:
            self.hint(run.job_id, run.job.account_id, run.job.job_type, row["chunk"], attempt=1)
        return len(rows)

    def hint(self, job_id: UUID, account_id: int, job_type: str, chunk: int, *, attempt: int) -> None:
        """Tell the workers that this chunk may be claimed."""
        data = ChunkDispatched(account_id=account_id, job_type=job_type, chunk=chunk, attempt=attempt)
        key = f"{job_id}:{chunk}"
        self._publish(work_topic(job_type), job_id, f"{key}:{attempt}", data, key=key)

    def _publish(self, topic: str, job_id: UUID, event_id: str, data: EventData, key: str | None = None) -> None:
        event = Event(id=event_id, source=self._source, job_id=job_id, time=datetime.now(UTC), data=data)
        self.messages.append(Message(topic, (key or str(job_id)).encode(), encode(event)))
