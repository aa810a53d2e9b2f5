"""Sends a file and finds out whether the client received it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext

import structlog
from fastapi import Response
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from jobmonitor.gateway import metrics
from jobmonitor.gateway.http.connections import STALL_S, ClientConnection, connection_of

PIECE_BYTES = 64 * 1024

log = structlog.stdlib.get_logger()

OnReceived = Callable[[int], Awaitable[None]]
"""Called at the end with how many bytes, counted from the first, the client has received for certain."""


class Damaged(Exception):
    """The stored file does not match its metadata. The transfer breaks off, so that nobody takes it for complete."""


class Transfer(Response):
    """A response of known length whose end is reported. A HEAD request gets the headers and reports nothing."""

    def __init__(
        self,
        content: AsyncIterator[bytes],
        size_bytes: int,
        *,
        status: int,
        headers: dict[str, str],
        timeout_s: float,
        on_received: OnReceived,
    ) -> None:
        super().__init__(status_code=status, headers={**headers, "content-length": str(size_bytes)})
        self._content = content
        self._size_bytes = size_bytes
        self._timeout_s = timeout_s
        self._on_received = on_received
        self._sent_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        connection = connection_of(scope)
        with connection.held() if connection else nullcontext():
            complete = await self._send_all(scope, receive, send, connection)
            if complete:
                # Only now: with it the server may close the connection, and then nobody knows what arrived.
                await send({"type": "http.response.body", "body": b""})
        await self._report(connection, complete)

    async def _send_all(self, scope: Scope, receive: Receive, send: Send, connection: ClientConnection | None) -> bool:
        """Whether the client has all of it."""
        gone = asyncio.ensure_future(_disconnect(receive))
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                await self._stream(send, lambda: gone.done() or (connection is not None and connection.ended))
        except (Damaged, TimeoutError) as error:
            if limit.expired():
                metrics.LIMITED.labels("time of a download").inc()
            log.warning("transfer_broken", path=scope["path"], sent_bytes=self._sent_bytes, error=repr(error))
        finally:
            gone.cancel()
        if self._sent_bytes < self._size_bytes:
            return False
        return connection is None or await connection.received(is_last=_is_last(scope))

    async def _stream(self, send: Send, gone: Callable[[], bool]) -> None:
        """The server silently accepts bytes for a client that is gone, so each time we ask whether it is."""
        async for piece in self._content:
            for start in range(0, len(piece), PIECE_BYTES):
                body = piece[start : start + PIECE_BYTES]
                async with asyncio.timeout(STALL_S):
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                if gone():
                    return
                self._sent_bytes += len(body)
                metrics.RESULT_BYTES.inc(len(body))

    async def _report(self, connection: ClientConnection | None, complete: bool) -> None:
        if complete:
            metrics.TRANSFERS.labels("complete" if self.status_code == 200 else "partial").inc()
            await self._on_received(self._size_bytes)
            return
        metrics.TRANSFERS.labels("broken").inc()
        arrived_bytes = self._sent_bytes - connection.unread_bytes() if connection else 0
        # where all arrived and the transfer broke even so, nobody knows how much of it was read
        if 0 < arrived_bytes < self._size_bytes:
            await self._on_received(arrived_bytes)


def _is_last(scope: Scope) -> bool:
    """Whether the client wants the connection closed after this answer."""
    header = Headers(scope=scope).get("connection", "").lower()
    return "close" in header or scope["http_version"] == "1.0"


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
