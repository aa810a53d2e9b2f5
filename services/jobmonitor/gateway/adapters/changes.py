"""Tells which jobs changed, as PostgreSQL notifies it. One connection listens for the whole process."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import asyncpg
import msgspec
import structlog

from jobmonitor.gateway.adapters.database import Database, DatabaseUnavailable
from jobmonitor.runtime.backoff import Backoff
from jobmonitor.runtime.monitoring import Check

CHANNEL = "jobs_changed"
RELISTEN = Backoff(most_s=2.0)
PING_S = 5.0

log = structlog.stdlib.get_logger()


class Change(msgspec.Struct):
    """Jobs of one account that changed."""

    account_id: int
    job_ids: list[UUID]


class Watch:
    """Wakes somebody who waits for a change of one job."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def wake(self) -> None:
        self._changed.set()

    async def changed(self, timeout_s: float) -> bool:
        """Whether the job changed since the last call, or does so in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True


class JobChanges:
    """The notifications, for those who watch one job and for those who want to know of all."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches: dict[UUID, set[Watch]] = defaultdict(set)
        self._subscribers: list[tuple[Callable[[Change], None], Callable[[], None]]] = []
        self._lost = asyncio.Event()
        self._listening = False

    def check(self) -> Check:
        """Whether notifications arrive."""
        detail = "listening for changes" if self._listening else "no connection to listen on"
        return Check(ok=self._listening, detail=detail)

    def subscribe(self, on_change: Callable[[Change], None], on_gap: Callable[[], None]) -> None:
        """Call ``on_change`` for each change, and ``on_gap`` when some may have been missed."""
        self._subscribers.append((on_change, on_gap))

    @contextmanager
    def watching(self, job_id: UUID) -> Iterator[Watch]:
        """Hear of changes of one job while the context lasts."""
        watch = Watch()
        self._watches[job_id].add(watch)
        try:
            yield watch
        finally:
            self._watches[job_id].discard(watch)
            if not self._watches[job_id]:
                del self._watches[job_id]

    async def run(self) -> None:
        """Listen until cancelled."""
        attempt = 1
        while True:
            try:
                async with self._database.listener() as connection:
                    connection.add_termination_listener(self._on_lost)
                    await connection.add_listener(CHANNEL, self._on_notify)
                    log.info("listening")
                    attempt = 1
                    await self._while_connected(connection)
            except DatabaseUnavailable as error:
                log.warning("listener_lost", attempt=attempt, error=str(error))
            await asyncio.sleep(RELISTEN.pause_s(attempt))
            attempt += 1

    async def _while_connected(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._lost.clear()
        self._listening = True
        self._on_gap()
        try:
            while not self._lost.is_set():
                try:
                    async with asyncio.timeout(PING_S):
                        await self._lost.wait()
                except TimeoutError:
                    await connection.execute("SELECT 1", timeout=PING_S)
        finally:
            self._listening = False

    def _on_gap(self) -> None:
        """What was notified while nobody listened is unknown."""
        for _, on_gap in self._subscribers:
            on_gap()
        for watches in self._watches.values():
            for watch in watches:
                watch.wake()

    def _on_lost(self, _: object) -> None:
        self._lost.set()

    def _on_notify(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        try:
            change = msgspec.json.decode(str(payload), type=Change)
        except msgspec.DecodeError:
            log.warning("notification_unreadable", payload=str(payload)[:200])
            return
        for job_id in change.job_ids:
            for watch in self._watches.get(job_id, ()):
                watch.wake()
        for on_change, _ in self._subscribers:
            on_change(change)
