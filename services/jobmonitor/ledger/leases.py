"""Heartbeats for the leases of all chunks under way in a process; they also bring news of the chunks' jobs."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from jobmonitor.database.pool import Connection, Pool
from jobmonitor.job.state import State
from jobmonitor.ledger.claims import Claim, LeaseLost, keys_of
from jobmonitor.ledger.runs import SQL
from jobmonitor.runtime.failures import is_temporary

log = structlog.stdlib.get_logger()

LOOK_EVERY_S = 0.3
"""A chunk under way learns of its job's stop within half a second."""
_GOES_ON = {State.QUEUED.value, State.RUNNING.value, State.STOPPING.value}


class JobStopped(Exception):
    """The job of this chunk was asked to stop, and the chunk is one that ends with it."""


class _Held:
    """One lease that is kept, and the task that works under it."""

    def __init__(self, claim: Claim, lease: timedelta, *, stop_within_s: float | None) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - called by coroutines only
        self.claim = claim
        self.lease = lease
        self.stop_requested = asyncio.Event()
        self.seen_at = time.monotonic()
        """When the lease was last seen to hold."""
        self.seen = asyncio.Event()
        self.error: BaseException | None = None
        self._stop_within_s = stop_within_s
        self._stopping: asyncio.TimerHandle | None = None
        self._task = task
        self._cancelling = task.cancelling()

    def note_state(self, state: str | None, looked_at: float, *, is_over: bool) -> None:
        """The job's state; None: the lease is lost. ``is_over``: an assembly has taken too long after a stop."""
        if state not in _GOES_ON:
            self.end(LeaseLost(f"Chunk {self.claim.chunk} of job {self.claim.job_id} was lost, or its job has ended."))
            return
        self.seen_at = looked_at
        self.seen.set()
        if is_over:
            self.end(JobStopped())
        elif state == State.STOPPING.value and not self.stop_requested.is_set():
            self.stop_requested.set()
            if self._stop_within_s is not None:
                self._stopping = asyncio.get_running_loop().call_later(self._stop_within_s, self.end, JobStopped())

    def end(self, error: BaseException) -> None:
        """Cancel the work for this reason. The first one counts."""
        if self.error is None:
            self.error = error
            self._task.cancel()

    def close(self) -> None:
        """The work has ended."""
        if self._stopping is not None:
            self._stopping.cancel()

    def was_ended(self) -> bool:
        """Whether nobody else cancelled the task too. To be asked once."""
        return self._task.uncancel() <= self._cancelling


class Leases:
    """All of a process share one connection, which no amount of other work can take from them while any is held.

    From a pool of their own they have one at any time.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held: dict[UUID, _Held] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    def held(self) -> list[Claim]:
        """The chunks under way. One whose work raised is no more among them."""
        return [each.claim for each in self._held.values()]

    def look_soon(self) -> None:
        """A stop took effect, maybe of a job of these: let the chunks under way learn of it at once."""
        self._news.set()

    async def confirm(self, claim: Claim) -> None:
        """Wait until a lease that is kept was seen to hold less than half of its time ago.

        So a process that was frozen, or has lost the database, first learns whether its lease is lost: its work is then
        cancelled, and it begins nothing new meanwhile. Raises what ended the work, should it have gone on all the same.
        """
        held = self._held[claim.token]
        while held.error is None and time.monotonic() - held.seen_at > held.lease.total_seconds() / 2:
            held.seen.clear()
            await held.seen.wait()
        if held.error is not None:
            raise held.error

    @asynccontextmanager
    async def kept(
        self, claim: Claim, *, lease: timedelta, stop_within_s: float | None = None
    ) -> AsyncIterator[asyncio.Event]:
        """Keep the lease during the body; gives the event that is set when the job is asked to stop.

        The body is cancelled when the lease is lost or the job ends: raises LeaseLost. So it is so long after a stop,
        and an assembly that takes too long after one: raises JobStopped. None: a stop alone cancels nothing.
        """
        held = _Held(claim, lease, stop_within_s=stop_within_s)
        self._held[claim.token] = held
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep())
        try:
            yield held.stop_requested
        except BaseException as error:
            if held.error is not None and held.was_ended():
                raise held.error from error
            raise
        finally:
            held.close()
            del self._held[claim.token]

    async def _keep(self) -> None:
        """Until nothing is held. With the database away the work goes on: its commit will find out."""
        while self._held:
            try:
                async with self._pool.acquire() as connection:
                    while self._held:
                        self._news.clear()
                        await self._look(connection)
                        await self._pause()
            except Exception as error:
                if not is_temporary(error):
                    for held in self._held.values():
                        held.end(error)
                    return
                log.warning("leases_not_kept", chunks=len(self._held), error=repr(error))
                await asyncio.sleep(self._pause_s())

    async def _look(self, connection: Connection) -> None:
        held = list(self._held.values())
        keys = keys_of([each.claim for each in held])
        lease = min(each.lease for each in held)
        timeout_s, looked_at = max(1.0, lease.total_seconds()), time.monotonic()
        async with asyncio.timeout(timeout_s):
            await SQL["extend_leases"].execute(connection, **keys, lease=lease, due_within=lease * 2 / 3)
            rows = await SQL["held_leases"].fetch(connection, **keys)
        found: dict[Any, tuple[str, bool]] = {row["token"]: (row["state"], row["is_over"]) for row in rows}
        for each in held:
            if each.claim.token in self._held:
                state, is_over = found.get(each.claim.token, (None, False))
                each.note_state(state, looked_at, is_over=is_over)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause_s()):
                await self._news.wait()

    def _pause_s(self) -> float:
        leases = [each.lease.total_seconds() for each in self._held.values()]
        return min([LOOK_EVERY_S, *(lease / 6 for lease in leases)])
