"""Running one chunk: claim it, do what its kind asks, commit; or give it back, or fail its job."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import msgspec
import structlog

from jobmonitor.database.pool import Connection, account_transaction, see_account
from jobmonitor.job_types.protocol import Context, JobType, PlannedChunk, Refused
from jobmonitor.ledger import Claim, LeaseLost, Ledger
from jobmonitor.ledger.claims import claim, extend, release
from jobmonitor.ledger.ledger import TOO_LARGE, TOO_LARGE_REASON
from jobmonitor.ledger.transaction import LedgerTransaction, MessageTooLarge
from jobmonitor.processor.counting import finished
from jobmonitor.processor.metrics import CHUNK_SECONDS, CHUNKS, CHUNKS_IN_FLIGHT
from jobmonitor.processor.result_files import ResultFiles
from jobmonitor.processor.settings import ProcessorSettings
from jobmonitor.runtime.failures import backoff_s, is_temporary
from jobmonitor.runtime.objects import ObjectStore

log = structlog.stdlib.get_logger()

Bury = Callable[[str], Awaitable[None]]
"""Keeps the message that asked for a chunk among the dead letters, with this reason."""

_STOPPED = "each time its worker stopped before it could finish"
_NO_ANSWER = "and a service it needs did not answer"

PLAN_BATCH_CHUNKS = 50
"""Chunks written to the ledger at a time while a plan streams by."""


class ChunkRunner:
    """Runs the chunks of one job type, any number at once."""

    def __init__(
        self, job_type: JobType[Any], ledger: Ledger, objects: ObjectStore, settings: ProcessorSettings
    ) -> None:
        self._job_type = job_type
        self._ledger = ledger
        self._objects = objects
        self._settings = settings
        self._files = ResultFiles(objects, settings.result_retention_days)
        self._lease = timedelta(seconds=settings.lease_s)

    async def run(self, job_id: UUID, chunk: int, bury: Bury | None = None) -> None:
        """Run the chunk if it still needs to be and nobody else does.

        A temporary failure gives it back for a later try, a refusal fails the job. So does the last try, after ``bury``
        has kept the message that asked for it, with a reason; without ``bury`` the next to ask gives it up.
        Raises what is none of these: a bug.
        """
        claimed = await claim(self._ledger.pool, job_id, chunk, lease=self._lease)
        if claimed is None:
            return
        if claimed.attempt > self._settings.max_attempts:
            await self._give_up(claimed, bury)
            return
        slug = self._job_type.slug
        with CHUNKS_IN_FLIGHT.labels(slug).track_inprogress(), CHUNK_SECONDS.labels(slug, claimed.kind).time():
            outcome = await self._run_claimed(claimed, bury)
        CHUNKS.labels(slug, claimed.kind, outcome).inc()

    async def _run_claimed(self, claimed: Claim, bury: Bury | None = None) -> str:
        try:
            async with self._kept_lease(claimed):
                await self._do(claimed)
        except LeaseLost:
            log.warning("lease_lost", job_id=str(claimed.job_id), chunk=claimed.chunk)
            return "lease_lost"
        except Refused as refusal:
            await self._ledger.fail(claimed.job_id, refusal.code, str(refusal))
            return "refused"
        except MessageTooLarge as error:
            log.warning("job_too_large", job_id=str(claimed.job_id), chunk=claimed.chunk, error=str(error))
            await self._ledger.fail(claimed.job_id, TOO_LARGE, TOO_LARGE_REASON)
            return "refused"
        except Exception as error:
            if not is_temporary(error):
                raise
            return await self._give_back(claimed, error, bury)
        return "done"

    async def _do(self, claimed: Claim) -> None:
        params = msgspec.convert(claimed.parameters, self._job_type.params_type)
        match claimed.kind:
            case "plan":
                await self._plan(claimed, params)
            case "work":
                await self._work(claimed, params)
            case "assemble":
                await self._assemble(claimed, params)

    async def _plan(self, claimed: Claim, params: Any) -> None:
        """The plan is read in one snapshot on one connection while its chunks are written on another."""
        pool = self._ledger.pool
        async with (
            self._ledger.planning,
            account_transaction(pool, claimed.account_id, isolation="repeatable_read") as snapshot,
        ):
            context = self._context(claimed, snapshot)
            await self._job_type.check(params, context)
            async with self._ledger.transaction() as ledger:
                planned = self._job_type.plan(params, context)
                chunks, total = await _write_plan(ledger, claimed.job_id, planned)
                unit, in_order = self._job_type.unit_of(params), self._job_type.in_order
                await self._ledger.start(ledger, claimed, unit=unit, chunks=chunks, total=total, in_order=in_order)

    async def _work(self, claimed: Claim, params: Any) -> None:
        """Effects, part and mark commit together; the part lies under a key of this lease alone."""
        async with self._ledger.working, self._ledger.transaction() as ledger:
            await see_account(ledger.connection, claimed.account_id)
            context = self._context(claimed, ledger.connection)
            part = await self._job_type.run_chunk(params, claimed.payload, context)
            key = await self._store_part(claimed, part.content)
            await self._ledger.finish_chunk(ledger, claimed, finished(part, units=claimed.units, part_key=key))

    async def _store_part(self, claimed: Claim, content: bytes) -> str | None:
        if not content:
            return None
        key = f"parts/{claimed.account_id}/{claimed.job_id}/{claimed.chunk:07}-{claimed.token.hex}"
        await self._objects.put(key, content)
        return key

    async def _assemble(self, claimed: Claim, params: Any) -> None:
        keys = await self._ledger.part_keys(claimed.job_id)
        async with self._ledger.working, account_transaction(self._ledger.pool, claimed.account_id) as connection:
            assembly = self._job_type.assemble(params, self._parts(keys), self._context(claimed, connection))
            result = None
            if assembly is not None:
                result = await self._files.store(claimed.account_id, claimed.job_id, claimed.token, assembly)
        await self._ledger.complete(claimed, result)

    def _context(self, claimed: Claim, connection: Connection) -> Context:
        return Context(
            connection=connection,
            objects=self._objects,
            account_id=claimed.account_id,
            owner_id=claimed.owner_id,
            job_id=claimed.job_id,
            attempt=claimed.attempt,
        )

    async def _parts(self, keys: list[str]) -> AsyncIterator[bytes]:
        for key in keys:
            async for piece in self._objects.stream(key):
                yield piece

    async def _give_back(self, claimed: Claim, error: Exception, bury: Bury | None) -> str:
        """Let somebody try again after a pause, unless this was the last try."""
        told = {"job_id": str(claimed.job_id), "chunk": claimed.chunk, "attempt": claimed.attempt}
        if claimed.attempt >= self._settings.max_attempts and bury is not None:
            log.warning("chunk_failed_again", **told, error=repr(error))
            try:
                await extend(self._ledger.pool, claimed, lease=self._lease, error=repr(error))
            except LeaseLost:
                return "lease_lost"
            await self._give_up(msgspec.structs.replace(claimed, last_error=repr(error)), bury)
            return "gave_up"
        log.warning("chunk_retried", **told, error=repr(error))
        pause = timedelta(seconds=backoff_s(claimed.attempt))
        await release(self._ledger.pool, claimed, retry_in=pause, error=repr(error))
        return "retried"

    async def _give_up(self, claimed: Claim, bury: Bury | None) -> None:
        """A poison chunk: no worker gets it done. Its message is kept for operators, its job fails.

        Where that does not work, the chunk may be claimed at once: the same message then gives it up.
        """
        tries = _times(min(claimed.attempt, self._settings.max_attempts))
        cause = _STOPPED if claimed.last_error is None else _NO_ANSWER
        log.error("chunk_gave_up", job_id=str(claimed.job_id), chunk=claimed.chunk, tries=tries, cause=cause)
        try:
            if bury is not None:
                await bury(f"Chunk {claimed.chunk} of job {claimed.job_id} was tried {tries}, {cause}.")
            await self._ledger.fail(claimed.job_id, "gave_up", f"A part of the work was tried {tries}, {cause}.")
        except Exception:
            await release(self._ledger.pool, claimed, retry_in=timedelta(), error=claimed.last_error)
            raise

    @asynccontextmanager
    async def _kept_lease(self, claimed: Claim) -> AsyncIterator[None]:
        keeper = asyncio.create_task(self._keep(claimed))
        try:
            yield
        finally:
            keeper.cancel()

    async def _keep(self, claimed: Claim) -> None:
        """Give signs of life. A lost lease needs no alarm here: the commit will find out and roll back."""
        while True:
            await asyncio.sleep(self._settings.lease_s / 3)
            try:
                await extend(self._ledger.pool, claimed, lease=self._lease)
            except LeaseLost:
                return
            except Exception as error:
                if not is_temporary(error):
                    raise
                log.warning("lease_not_extended", job_id=str(claimed.job_id), chunk=claimed.chunk, error=repr(error))


async def _write_plan(ledger: LedgerTransaction, job_id: UUID, planned: AsyncIterator[PlannedChunk]) -> tuple[int, int]:
    """Write the chunks, numbered from 1, a batch at a time; returns how many and their units together."""
    numbers, total, batch = count(1), 0, []
    async for chunk in planned:
        batch.append((next(numbers), chunk.units, chunk.payload))
        total += chunk.units
        if len(batch) == PLAN_BATCH_CHUNKS:
            await ledger.add_chunks(job_id, "work", batch)
            batch = []
    if batch:
        await ledger.add_chunks(job_id, "work", batch)
    return next(numbers) - 1, total


def _times(times: int) -> str:
    return "once" if times == 1 else f"{times} times"
