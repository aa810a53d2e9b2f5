"""What the kernel knows about a connection: how much of what we sent the client has not taken yet.

A response counts as sent only when the client has it; that a transport accepted the bytes says little. Linux tells the
length of a socket's send queue (SIOCOUTQ, tcp(7)), and resets a connection whose other end closed without reading all.
"""

import asyncio
import contextlib
import fcntl
import struct
import termios
from collections.abc import Mapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

EXTENSION = "jobmonitor.connection"
SETTLE_S = 0.5
"""How long after the last byte arrived a client that did not read it may still show so, by a reset."""
STALL_S = 60.0
"""A client that takes nothing for so long has given up."""
_POLL_AT_MOST_S = 0.25


class Connection:
    """One TCP connection to a client."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._ended = asyncio.Event()
        self._broken = False
        self._left_unread = 0
        self._requests = 0
        self._went_on = asyncio.Event()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def on_request(self) -> None:
        """The client sends another request: it is done with the answer before."""
        self._requests += 1
        if self._requests > 1:
            self._went_on.set()

    def on_lost(self, error: Exception | None) -> None:
        self._left_unread = self._queued()
        self._broken = error is not None
        self._ended.set()
        self._went_on.set()

    def unread_bytes(self) -> int:
        """Bytes we sent that have not arrived at the client's machine."""
        return self._left_unread if self.ended else self._queued()

    async def taken(self) -> bool:
        """Wait until the client has all that was sent; False when it left or stopped reading before."""
        self._went_on.clear()
        if not await self._drained():
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self._went_on.wait()
        return not self._broken

    async def _drained(self) -> bool:
        pause_s, waited_s, unread = 0.005, 0.0, self.unread_bytes()
        while unread and not self.ended and waited_s < STALL_S:
            await asyncio.sleep(pause_s)
            now_unread = self.unread_bytes()
            waited_s = waited_s + pause_s if now_unread == unread else 0.0
            pause_s, unread = min(2 * pause_s, _POLL_AT_MOST_S), now_unread
        return unread == 0

    def _queued(self) -> int:
        socket = self._transport.get_extra_info("socket")
        try:
            answer = fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
        except OSError:
            return 0  # closed already, or no TCP
        return int(struct.unpack("i", answer)[0]) + self._transport.get_write_buffer_size()


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that shows applications their connection, as an ASGI extension."""

    connection: Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.connection = Connection(transport)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.connection.on_request()
        self.scope["extensions"] = {EXTENSION: self.connection}  # type: ignore[dict-item]

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.on_lost(exc)
        super().connection_lost(exc)


def connection_of(scope: Mapping[str, Any]) -> Connection | None:
    """The connection of a request; None under another server, which then is believed when it accepts bytes."""
    connection: Connection | None = (scope.get("extensions") or {}).get(EXTENSION)
    return connection
