"""Queues requests: only so many of a session, and of an address, are answered at once; the others wait.

One process answers all. A client that asks for a hundred things at once then waits a hundred times as long, and nobody
else does.
"""

import asyncio
from collections.abc import Sequence

from starlette.requests import HTTPConnection
from starlette.types import Scope

from jobmonitor.gateway.http.body_limits import UPLOADS
from jobmonitor.gateway.http.clients import client_key
from jobmonitor.gateway.http.cookies import SESSION_COOKIE
from jobmonitor.gateway.http.limits import too_many
from jobmonitor.gateway.keyed_semaphores import KeyedSemaphores
from jobmonitor.gateway.settings import GatewaySettings

NEVER_QUEUED = frozenset({"/healthz", "/readyz", "/metrics"})
RETRY_AFTER_S = 2.0


class Turn:
    """The turn of one request, in all queues it has to wait in."""

    def __init__(self, queues: Sequence[asyncio.Semaphore], timeout_s: float) -> None:
        self._queues = queues
        self._timeout_s = timeout_s
        self._held: list[asyncio.Semaphore] = []

    async def begin(self) -> None:
        """Wait for it. Raises Problem 429: it did not come in time."""
        try:
            async with asyncio.timeout(self._timeout_s):
                for queue in self._queues:
                    await queue.acquire()
                    self._held.append(queue)
        except TimeoutError:
            detail = "Too many of your requests are waiting. Please wait for some answers before you send more."
            raise too_many("requests in line", detail, code="too_many_at_once", retry_after_s=RETRY_AFTER_S) from None

    def end(self) -> None:
        """Let the next one begin. Repeatable."""
        while self._held:
            self._held.pop().release()


class RequestQueue:
    """The queues of this gateway."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._sessions = KeyedSemaphores(settings.requests_at_once_per_session)
        self._addresses = KeyedSemaphores(settings.requests_at_once_per_address)
        self._timeout_s = settings.line_timeout_s

    def turn(self, scope: Scope) -> Turn:
        """To be ended in any case, and as soon as the answer begins: how long an answer takes is limited elsewhere."""
        return Turn(self._queues_of(scope), self._timeout_s)

    def _queues_of(self, scope: Scope) -> list[asyncio.Semaphore]:
        if scope["path"] in NEVER_QUEUED or (scope["path"] == UPLOADS and scope["method"] == "POST"):
            return []
        token = HTTPConnection(scope).cookies.get(SESSION_COOKIE)
        host = scope["client"][0] if scope.get("client") else ""
        return [*([self._sessions.of(token)] if token else []), self._addresses.of(client_key(host))]
