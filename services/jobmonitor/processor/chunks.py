"""Running one chunk: claim it, do it, commit; or give it back, or fail its job."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from jobmonitor.job_types.protocol import NO_CPU, Cpu, JobType, Refused, Stopped
from jobmonitor.ledger import Claim, LeaseLost, Ledger
from jobmonitor.ledger.leases import JobStopped
from jobmonitor.ledger.ledger import TOO_LARGE, TOO_LARGE_REASON
from jobmonitor.ledger.transaction import MessageTooLarge
from jobmonitor.processor.chunk_work import ChunkWork
from jobmonitor.processor.counting import BadPart
from jobmonitor.processor.metrics import BUGS, CHUNK_SECONDS, CHUNKS, CHUNKS_IN_FLIGHT
from jobmonitor.processor.retrying import (
    FAULT_OF_SOFTWARE,
    Failure,
    GiveUp,
    TryAgain,
    decide_retry,
    tried_too_often,
)
from jobmonitor.processor.settings import ProcessorSettings
from jobmonitor.processor.type_code import TypeFailed, was_bug
from jobmonitor.runtime.backoff import Backoff
from jobmonitor.runtime.failures import (
    CONNECTION_CUT,
    DATABASE,
    TEMPORARY,
    is_temporary,
    service_away,
)
from jobmonitor.runtime.objects import ObjectStore
from jobmonitor.runtime.retry import until_passed

log = structlog.stdlib.get_logger()

KeepLetter = Callable[[str], Awaitable[None]]
"""Keeps the message that asked for a chunk among the dead letters, with this reason."""

LEDGER_AWAY = "ledger_away"
DATABASE_ANSWERS_WITHIN_S = 3.0
"""A server that ended a connection and answers others so soon was not away: it was that connection's own fault."""


class ChunkRunner:
    """Runs the chunks of one job type, any number at once."""

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
        self._work = ChunkWork(job_type, ledger, objects, settings, cpu)
        self._lease = timedelta(seconds=settings.lease_s)

    def end(self) -> None:
        """The worker ends: chunks under way begin no further effect outside."""
        self._work.end()

    async def run(
        self,
        job_id: UUID,
        chunk: int,
        dead_letter: KeepLetter | None = None,
        on_claim: Callable[[], object] = lambda: None,
    ) -> None:
        """Run the chunk if it still has to be run and nobody else does. ``on_claim`` is called once that is decided.

        A failure that may pass gives it back for a later try, a refusal fails the job. So does the last try, after
        ``dead_letter`` has kept the message that asked for it, with a reason; without it the next to ask gives it up.
        Raises what is none of these: a bug of the engine's own.
        """
        slug = self._job_type.slug
        claimed = await self._ledger.claims.claim(job_id, chunk, job_type=slug, lease=self._lease)
        on_claim()
        if claimed is None:
            return
        with CHUNKS_IN_FLIGHT.labels(slug).track_inprogress(), CHUNK_SECONDS.labels(slug, claimed.kind).time():
            outcome = await self._run_claimed(claimed, dead_letter)
        CHUNKS.labels(slug, claimed.kind, outcome).inc()

    async def _run_claimed(self, claimed: Claim, dead_letter: KeepLetter | None = None) -> str:
        tries_max = self._job_type.retries.tries_max
        try:
            # what is reserved has to be settled, however often a worker was killed over it
            if claimed.tries > tries_max and claimed.reserved is None:
                error = claimed.last_error
                reason = tried_too_often(tries_max, told_an_error=error is not None, is_bug=was_bug(error))
                return await self._give_up(claimed, reason, dead_letter)
            return await self._try(claimed, dead_letter)
        except LeaseLost:
            log.warning("lease_lost", job_id=str(claimed.job_id), chunk=claimed.chunk)
            return "lease_lost"

    async def _try(self, claimed: Claim, dead_letter: KeepLetter | None) -> str:
        try:
            await self._work.do(claimed)
        except LeaseLost:
            raise
        except (JobStopped, Stopped):
            await self._ledger.give_back(claimed)
            return "stopped"
        except asyncio.CancelledError:
            with suppress(*TEMPORARY):
                await asyncio.shield(self._ledger.give_back(claimed))
            raise
        except Refused as refusal:
            await self._ledger.fail_chunk(claimed, refusal.code, str(refusal))
            return "refused"
        except MessageTooLarge as error:
            log.warning("job_too_large", job_id=str(claimed.job_id), chunk=claimed.chunk, error=str(error))
            await self._ledger.fail_chunk(claimed, TOO_LARGE, TOO_LARGE_REASON)
            return "refused"
        except BadPart as bug:
            return await self._fail_for_bad_part(claimed, bug, dead_letter)
        except TypeFailed as bug:
            self._tell_bug(claimed, bug)
            return await self._after_failure(claimed, bug, dead_letter)
        except Exception as error:
            if not is_temporary(error):
                raise
            return await self._after_failure(claimed, error, dead_letter)
        return "done"

    def _tell_bug(self, claimed: Claim, bug: TypeFailed) -> None:
        """To those who can mend the job type; nothing else stops for it."""
        told = {"job_id": str(claimed.job_id), "chunk": claimed.chunk, "attempt": claimed.attempt}
        log.error("job_type_failed", job_type=claimed.job_type, kind=claimed.kind, **told, exc_info=bug.__cause__)
        BUGS.labels(claimed.job_type, claimed.kind).inc()

    async def _fail_for_bad_part(self, claimed: Claim, bug: BadPart, dead_letter: KeepLetter | None) -> str:
        """A bug of the job type that no other try would mend."""
        log.error("bad_part", job_id=str(claimed.job_id), chunk=claimed.chunk, job_type=claimed.job_type, bug=str(bug))
        if dead_letter is not None:
            await dead_letter(f"Chunk {claimed.chunk} of job {claimed.job_id}: {bug}")
        await self._ledger.fail_chunk(claimed, "bad_part", f"{bug} {FAULT_OF_SOFTWARE}")
        return "bad_part"

    async def _after_failure(self, claimed: Claim, error: Exception, dead_letter: KeepLetter | None) -> str:
        """Let somebody try again after a pause, unless this was the last try. A bug is a try, whatever it came from."""
        is_bug = isinstance(error, TypeFailed)
        failure = Failure(
            tries=claimed.tries,
            uncounted=claimed.uncounted,
            service_away=None if is_bug else service_away(error) or await self._database_away(error),
            outage_s=claimed.outage_s,
            is_bug=is_bug,
        )
        told = {"job_id": str(claimed.job_id), "chunk": claimed.chunk, "attempt": claimed.attempt, "error": repr(error)}
        decision = decide_retry(self._job_type.retries, failure)
        if isinstance(decision, GiveUp) and dead_letter is not None:
            log.warning("chunk_failed_again", **told)
            await self._ledger.claims.extend(claimed, lease=self._lease, error=repr(error))
            return await self._give_up(
                msgspec.structs.replace(claimed, last_error=repr(error)), decision.reason, dead_letter
            )
        log.warning("chunk_retried", service_away=failure.service_away, **told)
        again = decision if isinstance(decision, TryAgain) else TryAgain(1, uses_up_a_try=failure.service_away is None)
        await self._release(claimed, again, error)
        if failure.service_away is not None:
            await self._tell_outage(claimed, failure.service_away)
        return "retried" if again.uses_up_a_try else "service_away"

    async def _database_away(self, error: Exception) -> str | None:
        """A connection was cut: because its server went away, or by its own fault?"""
        if not isinstance(error, CONNECTION_CUT):
            return None
        try:
            async with asyncio.timeout(DATABASE_ANSWERS_WITHIN_S):
                await until_passed(lambda: self._ledger.pool.fetchval("SELECT 1"), LEDGER_AWAY)
        except TimeoutError:
            return DATABASE
        return None

    async def _release(self, claimed: Claim, again: TryAgain, error: Exception) -> None:
        """Tell the ledger, however long the database is away: else a try would count that was none."""
        policy = self._job_type.retries
        pause_s = Backoff(policy.pause_first_s, policy.pause_max_s).pause_s(again.failures)
        await until_passed(
            lambda: self._ledger.claims.release(
                claimed,
                retry_in=timedelta(seconds=pause_s),
                error=repr(error),
                outage=not again.uses_up_a_try,
            ),
            LEDGER_AWAY,
        )

    async def _tell_outage(self, claimed: Claim, service: str) -> None:
        await until_passed(lambda: self._ledger.note_waiting(claimed.job_id, service), LEDGER_AWAY)

    async def _give_up(self, claimed: Claim, reason: str, dead_letter: KeepLetter | None) -> str:
        """A poison chunk: no worker gets it done. Its message is kept for operators, its job fails.

        Where that does not work, the chunk may be claimed at once: the same message then gives it up.
        """
        log.error("chunk_gave_up", job_id=str(claimed.job_id), chunk=claimed.chunk, reason=reason)
        try:
            if dead_letter is not None:
                await dead_letter(f"Chunk {claimed.chunk} of job {claimed.job_id}: {reason}")
            await self._ledger.fail_chunk(claimed, "gave_up", reason)
        except LeaseLost:
            raise
        except Exception:
            await self._ledger.claims.release(claimed, retry_in=timedelta(), error=claimed.last_error)
            raise
        return "gave_up"
