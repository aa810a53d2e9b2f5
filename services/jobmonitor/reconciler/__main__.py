"""The reconciler: goes over all duties, again and again."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog

from jobmonitor.database.pool import open_pool
from jobmonitor.ledger import Ledger
from jobmonitor.reconciler.duties import SOURCE, Duties
from jobmonitor.reconciler.metrics import LAST_ROUND, MENDED, ROUND_SECONDS, TIDIED
from jobmonitor.reconciler.settings import ReconcilerSettings
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.monitoring import Check, serve_monitoring
from jobmonitor.runtime.objects import ObjectStore
from jobmonitor.runtime.process import Life, run_process

log = structlog.stdlib.get_logger()

TIDYING = frozenset({"start_due_jobs", "sweep_parts", "expire_results", "purge_results"})
"""Duties that are ordinary work; the others mend a loss, which is worth a line in the log and, where many, an alert."""
LATE_AFTER_ROUNDS = 10

Duty = Callable[[], Awaitable[int]]


class Rounds:
    """Goes over the duties and remembers when it last got through them all."""

    def __init__(self, duties: Duties, every_s: float) -> None:
        self._duties: dict[str, Duty] = {
            "start_due_jobs": duties.start_due_jobs,
            "send_leftover_messages": duties.send_leftover_messages,
            "redispatch_chunks": duties.redispatch_chunks,
            "admit_waiting": duties.admit_waiting,
            "finish_stops": duties.finish_stops,
            "republish_submissions": duties.republish_submissions,
            "republish_stops": duties.republish_stops,
            "expire_results": duties.expire_results,
            "purge_results": duties.purge_results,
            "sweep_parts": duties.sweep_parts,
        }
        self._every_s = every_s
        self._ended_at = time.monotonic()

    async def go_on(self) -> None:
        """Round after round. A temporary failure costs its duty this round, not the others."""
        while True:
            with ROUND_SECONDS.time():
                if all([await self._do(name, duty) for name, duty in self._duties.items()]):
                    self._ended_at = time.monotonic()
                    LAST_ROUND.set_to_current_time()
            await asyncio.sleep(self._every_s)

    async def _do(self, name: str, duty: Duty) -> bool:
        try:
            mended = await duty()
        except Exception as error:
            if not is_temporary(error):
                raise
            log.warning("duty_postponed", duty=name, error=repr(error))
            return False
        if name in TIDYING:
            TIDIED.labels(name).inc(mended)
        else:
            MENDED.labels(name).inc(mended)
            if mended:
                log.info("mended", duty=name, count=mended)
        return True

    def check(self) -> Check:
        """Whether a full round ended lately."""
        ago_s = time.monotonic() - self._ended_at
        return Check(ok=ago_s < LATE_AFTER_ROUNDS * self._every_s, detail=f"last full round {ago_s:.1f} s ago")


async def serve(settings: ReconcilerSettings, life: Life) -> None:
    """Run until the life ends."""
    async with AsyncExitStack() as stack:
        pool = await life.when_reachable(
            lambda: open_pool(settings.database_url, size=settings.database_pool_size, application_name="reconciler")
        )
        stack.push_async_callback(pool.close)
        producer = Producer(settings)
        await life.when_reachable(producer.start)
        stack.push_async_callback(producer.stop)
        ledger = Ledger(pool, producer, SOURCE, settings)
        stack.push_async_callback(ledger.outbox.close)
        duties = Duties(ledger, producer, ObjectStore(settings.object_store_url), settings)
        rounds = Rounds(duties, settings.reconcile_every_s)

        async def checks() -> dict[str, Check]:
            return {"rounds": rounds.check()}

        await stack.enter_async_context(serve_monitoring(settings, checks))
        await life.ended_or_crashed(rounds.go_on())


if __name__ == "__main__":
    sys.exit(run_process("reconciler", ReconcilerSettings, os.environ, serve))
