"""Pushes changes of jobs to open pages: NOTIFY -> one read per batch -> the same bytes to all who may see them.

While a batch is read the next one gathers, so a burst of changes costs few reads; a slow reader gets a job's newest
state only. Whether a page may still see what it gets is
checked every two seconds: the session, the user, the role.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import msgspec
import structlog

from jobmonitor.crm.users import Viewer, load_viewers
from jobmonitor.database.statement import statements
from jobmonitor.gateway import metrics
from jobmonitor.gateway.access.job_types import JobTypesBySlug
from jobmonitor.gateway.access.policy import may_look, may_see
from jobmonitor.gateway.adapters.changes import Change, JobChanges
from jobmonitor.gateway.adapters.database import Database, DatabaseUnavailable
from jobmonitor.gateway.jobs.items import item
from jobmonitor.gateway.jobs.reading import jobs_by_id, readable
from jobmonitor.gateway.jobs.records import JobRecord
from jobmonitor.gateway.live.streams import ENDED, Stream, frame

_SQL = statements("jobmonitor.gateway.live.sql")
RECHECK_EVERY_S = 2.0
CHECKED_AT_MOST_AGO_S = 4.0
"""No frame is sent on the strength of an older check: 5 s after a log-out none is (invariant 26)."""
BATCH_AT_MOST = 500
"""Jobs read with one query."""

log = structlog.stdlib.get_logger()


class Hub:
    """All open pages of this process, and what is sent to them."""

    def __init__(
        self, database: Database, changes: JobChanges, job_types: JobTypesBySlug, permissions: frozenset[str]
    ) -> None:
        """``permissions`` are those there are."""
        changes.subscribe(self._on_change, self._on_gap)
        self._database = database
        self._job_types = job_types
        self._permissions = permissions
        self._streams: dict[int, set[Stream]] = defaultdict(set)
        self._changed: dict[int, set[UUID]] = defaultdict(set)
        self._something_changed = asyncio.Event()
        self._closed = False
        self._checked_at_s = 0.0

    @property
    def open_streams(self) -> int:
        return sum(len(streams) for streams in self._streams.values())

    @contextmanager
    def opened(self, stream: Stream) -> Iterator[None]:
        """The stream gets what its viewer may see while the context lasts."""
        streams = self._streams[stream.viewer.account_id]
        streams.add(stream)
        metrics.OPEN_STREAMS.set(self.open_streams)
        if self._closed:
            stream.end(None)
        try:
            yield
        finally:
            streams.discard(stream)
            metrics.OPEN_STREAMS.set(self.open_streams)

    def end_session(self, token_sha256: bytes) -> None:
        """Somebody logged out here: end their streams at once."""
        for stream in self._all():
            if stream.token_sha256 == token_sha256:
                stream.end(ENDED)

    def close(self) -> None:
        """The process is stopping: all streams end, and their pages connect again elsewhere."""
        self._closed = True
        for stream in self._all():
            stream.end(None)

    async def run(self) -> None:
        """Push and check until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._push())
            group.create_task(self._recheck_all_the_time())

    def _all(self) -> list[Stream]:
        return [stream for streams in self._streams.values() for stream in streams]

    # Changes -----------------------------------------------------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        if self._streams.get(change.account_id):
            self._changed[change.account_id].update(change.job_ids)
            self._something_changed.set()

    def _on_gap(self) -> None:
        """Changes may have been missed: every page starts from a fresh list."""
        for stream in self._all():
            stream.offer_reset()

    # Pushing -----------------------------------------------------------------------------------------------------

    async def _push(self) -> None:
        while True:
            await self._something_changed.wait()
            self._something_changed.clear()
            changed, self._changed = self._changed, defaultdict(set)
            for account_id, job_ids in changed.items():
                try:
                    with metrics.PUSH_SECONDS.time():
                        await self._push_account(account_id, list(job_ids))
                except DatabaseUnavailable:
                    for stream in self._streams[account_id]:
                        stream.offer_reset()

    async def _push_account(self, account_id: int, job_ids: list[UUID]) -> None:
        if asyncio.get_running_loop().time() - self._checked_at_s > CHECKED_AT_MOST_AGO_S:
            await self._recheck()
        for start in range(0, len(job_ids), BATCH_AT_MOST):
            async with self._database.as_account(account_id) as connection:
                jobs = await jobs_by_id(connection, job_ids[start : start + BATCH_AT_MOST])
            now = datetime.now(UTC)
            for job, data in readable(partial(self._framed, now), jobs):
                for stream in self._streams[account_id]:
                    if may_see(stream.viewer, job):
                        stream.offer(job.job_id, data)
                metrics.PUSHED_AGE_SECONDS.observe((now - job.updated_at).total_seconds())

    def _framed(self, now: datetime, job: JobRecord) -> tuple[JobRecord, bytes]:
        return job, frame("job", msgspec.json.encode(item(job, self._job_types, now)))

    # Checking ----------------------------------------------------------------------------------------------------

    async def _recheck_all_the_time(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_EVERY_S)
            try:
                await self._recheck()
            except DatabaseUnavailable:
                continue  # nothing can be pushed meanwhile either

    async def _recheck(self) -> None:
        """End the streams whose session or user is gone; let the others see what their viewer may see now."""
        asked_at_s = asyncio.get_running_loop().time()
        streams = self._all()
        if streams:
            alive, viewers = await self._alive([stream.token_sha256 for stream in streams]), await self._viewers()
            for stream in streams:
                viewer = viewers.get(stream.viewer.user_id)
                if stream.token_sha256 not in alive or viewer is None or not may_look(viewer):
                    stream.end(ENDED)
                elif viewer != stream.viewer:
                    stream.viewer = viewer
                    stream.offer_reset()
        self._checked_at_s = asked_at_s

    async def _alive(self, tokens: list[bytes]) -> set[bytes]:
        async with self._database.connection() as connection:
            return {row["token_sha256"] for row in await _SQL["live_sessions"].fetch(connection, tokens=tokens)}

    async def _viewers(self) -> dict[int, Viewer]:
        viewers: dict[int, Viewer] = {}
        for account_id, streams in list(self._streams.items()):
            users = {stream.viewer.user_id for stream in streams}
            if users:
                async with self._database.connection() as connection:
                    viewers |= await load_viewers(connection, account_id, users, self._permissions)
        return viewers


async def frames_of(hub: Hub, stream: Stream) -> AsyncIterator[bytes]:
    """What the page gets: ``ready`` once it is subscribed, then changes, until the stream ends."""
    with hub.opened(stream):
        yield frame("ready", b"{}")
        async for data in stream.frames():
            metrics.FRAMES.inc()
            yield data
