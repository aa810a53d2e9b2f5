"""One open page: the frames it has yet to get, at most one per job, bounded."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from jobmonitor.crm.users import Viewer

PENDING_AT_MOST = 500
"""Jobs that wait for a slow reader; beyond, the page is told to load its list afresh."""


def frame(event: str, data: bytes) -> bytes:
    """One server-sent event; ``data`` is JSON on one line."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)


RESET = frame("reset", b"{}")
"""Something was missed: load the list again."""
ENDED = frame("ended", b"{}")
"""The session is over: log in again."""


class Stream:
    """What is to be sent to one page, and on whose behalf."""

    def __init__(self, viewer: Viewer, token_sha256: bytes) -> None:
        self.viewer = viewer
        self.token_sha256 = token_sha256
        self._pending: dict[UUID, bytes] = {}
        self._reset = False
        self._ended = False
        self._last_frame: bytes | None = None
        self._wake = asyncio.Event()

    def offer(self, job_id: UUID, data: bytes) -> None:
        """Send this soon. A frame of the same job that was not sent yet is replaced: it is older."""
        self._pending.pop(job_id, None)
        self._pending[job_id] = data
        if len(self._pending) > PENDING_AT_MOST:
            self.offer_reset()
        self._wake.set()

    def offer_reset(self) -> None:
        """Tell the page to load its list; what was pending will be in it."""
        self._pending.clear()
        self._reset = True
        self._wake.set()

    def end(self, last_frame: bytes | None) -> None:
        """End the stream; nothing but the last_frame is sent any more. Repeatable."""
        if not self._ended:
            self._ended, self._last_frame = True, last_frame
        self._wake.set()

    async def frames(self) -> AsyncIterator[bytes]:
        """The frames, as they come, until the end."""
        while not self._ended:
            await self._wake.wait()
            self._wake.clear()
            while not self._ended and (data := self._next()) is not None:
                yield data
        if self._last_frame is not None:
            yield self._last_frame

    def _next(self) -> bytes | None:
        if self._reset:
            self._reset = False
            return RESET
        for job_id in self._pending:
            return self._pending.pop(job_id)
        return None
