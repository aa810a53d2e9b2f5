"""What the kernel knows about a connection: how much of what we sent the client has not received yet.

A response counts as sent only when the client has it; that a transport accepted the bytes says little. Linux tells the
length of a socket's send queue (SIOCOUTQ, tcp(7)), and resets a connection whose other end closed without reading all.
So a connection that the client closed in order, after it had acknowledged everything, was read to its end.
"""

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import termios
from collections.abc import Iterator, Mapping
from typing import Any

EXTENSION = "jobmonitor.connection"
SETTLE_S = 0.5
"""How long after the last byte arrived a client that did not read it may still reset the connection."""
STALL_S = 60.0
"""A client that receives nothing for so long has given up."""
_POLL_AT_MOST_S = 0.25


class ClientConnection:
    """One TCP connection to a client."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._ended = asyncio.Event()
        self._broken = False
        self._client_closed = False
        self._held = False
        self._left_unread = 0
        self._requests = 0
        self._went_on = asyncio.Event()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep the connection while the context lasts, even when the client says that it will send no more."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            if self._client_closed:
                self._transport.close()

    def on_request(self) -> None:
        """The client sends another request: it is done with the answer before."""
        self._requests += 1
        if self._requests > 1:
            self._went_on.set()

    def on_client_closed(self) -> bool:
        """The client sends no more: it closed the connection, or its own direction of it. Whether to keep ours."""
        self._client_closed = True
        self._went_on.set()
        return self._held

    def on_lost(self, error: Exception | None) -> None:
        self._left_unread = self._queued()
        self._broken = error is not None
        self._ended.set()
        self._went_on.set()

    def unread_bytes(self) -> int:
        """Bytes we sent that have not arrived at the client's machine."""
        return self._left_unread if self.ended else self._queued()

    async def received(self, *, is_last: bool) -> bool:
        """Wait until the client has all that was sent; False when it left or stopped reading before.

        Ask as soon as the last byte was sent: who closed before that cannot have read it yet. ``is_last``: nothing else
        is sent on this connection, so that a client may wait for its end.
        """
        closed_early = self._client_closed
        self._went_on.clear()
        if not await self._drained():
            return False
        if is_last:
            self._close_our_direction()
        if closed_early or not self._client_closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_S):
                    await self._went_on.wait()
        return not self._is_broken()

    async def _drained(self) -> bool:
        pause_s, waited_s, unread = 0.005, 0.0, self.unread_bytes()
        while unread and not self.ended and not self._is_broken() and waited_s < STALL_S:
            await asyncio.sleep(pause_s)
            now_unread = self.unread_bytes()
            waited_s = waited_s + pause_s if now_unread == unread else 0.0
            pause_s, unread = min(2 * pause_s, _POLL_AT_MOST_S), now_unread
        return unread == 0

    def _is_broken(self) -> bool:
        """After the client closed its direction nothing is read any more: only asking shows a reset."""
        with contextlib.suppress(OSError), self._socket() as asked:
            # asking forgets the error
            self._broken = asked.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0 or self._broken
        return self._broken

    def _close_our_direction(self) -> None:
        with contextlib.suppress(OSError), self._socket() as closing:
            closing.shutdown(socket.SHUT_WR)

    def _socket(self) -> socket.socket:
        """The same connection once more: the transport's own socket takes no such calls. Raises OSError."""
        return socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno()))

    def _queued(self) -> int:
        try:
            number = self._transport.get_extra_info("socket").fileno()
            answer = fcntl.ioctl(number, termios.TIOCOUTQ, struct.pack("i", 0))
        except OSError:
            return 0  # closed already, or no TCP
        return int(struct.unpack("i", answer)[0]) + self._transport.get_write_buffer_size()


def connection_of(scope: Mapping[str, Any]) -> ClientConnection | None:
    """The connection of a request; None under another server, which then is believed when it accepts bytes."""
    connection: ClientConnection | None = (scope.get("extensions") or {}).get(EXTENSION)
    return connection
