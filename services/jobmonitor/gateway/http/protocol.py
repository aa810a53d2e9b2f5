"""uvicorn's HTTP protocol with limits for clients that are not known yet, and with access to its connection.

uvicorn and httptools bound neither the size of a request's head nor the time it takes to come, nor how many connections
an address has. All of it is done here, before any of the application runs.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import httptools
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from jobmonitor.gateway import metrics
from jobmonitor.gateway.http.clients import client_key
from jobmonitor.gateway.http.connections import EXTENSION, ClientConnection
from jobmonitor.gateway.http.problems import Problem, problem_response
from jobmonitor.gateway.settings import GatewaySettings

BODY_GRACE_S = 30.0
"""The application has its own, shorter deadlines for bodies it reads; this one is for bodies that nobody reads."""
LINGER_S = 1.0
CUT_AT = 2
"""Connections of an address beyond its limit get 429; beyond so many times the limit they are cut."""
_RESPONSES = {
    408: b"HTTP/1.1 408 Request Timeout\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
}


@dataclass
class Connections:
    """The open connections of this process, and their limits."""

    settings: GatewaySettings
    trusted: frozenset[str] = frozenset()
    """Proxies, which have no limit of their own: the clients behind them are many."""
    all: int = 0
    by_client: Counter[str] = field(default_factory=Counter)

    def is_exempt(self, client: str) -> bool:
        return client in self.trusted


class Protocol(HttpToolsProtocol):
    """One connection; applications find it in the scope, as an ASGI extension."""

    limits: Connections
    """Set on a class of the process's own: see ``bounded_protocol``."""
    connection: ClientConnection
    _address = ""
    _counted = False
    _too_many = False
    _head_bytes = 0
    _headers_bytes = 0
    _in_body = False
    _lingering = False
    """The answer was sent; what still comes in is discarded."""
    _deadline: asyncio.TimerHandle | None = None
    _refusal: tuple[int, str] | None = None

    # Connections -------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.connection = ClientConnection(transport)
        self._address = client_key(self.client[0] if self.client else "")
        self._count()
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        if self._counted:
            self.limits.all -= 1
            self.limits.by_client[self._address] -= 1
            if not self.limits.by_client[self._address]:
                del self.limits.by_client[self._address]
            metrics.CONNECTIONS.set(self.limits.all)
        self.connection.on_lost(exc)
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        return self.connection.on_client_closed()

    def _count(self) -> None:
        limits, settings = self.limits, self.limits.settings
        self._counted = True
        limits.all += 1
        limits.by_client[self._address] += 1
        metrics.CONNECTIONS.set(limits.all)
        held = 0 if limits.is_exempt(self._address) else limits.by_client[self._address]
        self._too_many = held > settings.connections_per_address
        if limits.all > settings.connections or held > CUT_AT * settings.connections_per_address:
            metrics.LIMITED.labels("connections").inc()
            self.transport.abort()

    # Heads -------------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            return
        if not self._in_body:
            self._head_bytes += len(data)
            self._expect_head()
        super().data_received(data)
        answered = self._lingering or self.transport.is_closing()
        if not self._in_body and self._head_bytes > self._head_bytes_at_most and not answered:
            self._refuse_head()

    @property
    def _head_bytes_at_most(self) -> int:
        return self.limits.settings.head_bytes

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        # a head may come in one piece with its body
        self._headers_bytes += len(name) + len(value) + len(": \r\n")
        if self._headers_bytes > self._head_bytes_at_most:
            self._refusal = (431, self._too_large)
            raise ValueError(self._too_large)  # ends the parsing; answered by send_400_response

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._headers_bytes = 0
        self.connection.on_request()
        self.scope["extensions"] = {EXTENSION: self.connection}  # type: ignore[dict-item]

    def on_headers_complete(self) -> None:
        self._in_body, self._head_bytes = True, 0
        self._start_deadline(self.limits.settings.upload_timeout_s + BODY_GRACE_S)
        if not self._too_many:
            super().on_headers_complete()
            return
        application, self.app = self.app, _too_many_connections
        super().on_headers_complete()
        self.app = application

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_body = False
        self._stop_deadline()

    def send_400_response(self, msg: str) -> None:
        """Also where the head was refused, which httptools reports as a request it cannot parse."""
        if self._refusal is None:
            super().send_400_response(msg)
        else:
            self._answer(*self._refusal)

    @property
    def _too_large(self) -> str:
        return f"The headers are larger than {self._head_bytes_at_most // 1024} KiB."

    def _refuse_head(self) -> None:
        self._answer(431, self._too_large)

    # Deadlines ---------------------------------------------------------------------------------------------------

    def _expect_head(self) -> None:
        if self._deadline is None:
            self._start_deadline(self.limits.settings.head_timeout_s)

    def _start_deadline(self, after_s: float) -> None:
        self._stop_deadline()
        self._deadline = self.loop.call_later(after_s, self._on_deadline)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_deadline(self) -> None:
        self._deadline = None
        if self._in_body or self._head_bytes == 0:
            metrics.LIMITED.labels("time of a request").inc()
            self.transport.close()
        else:
            self._answer(408, f"The headers did not arrive within {self.limits.settings.head_timeout_s:g} s.")

    def _answer(self, status: int, words: str) -> None:
        """Answer without the application; not while an earlier request is being answered."""
        metrics.LIMITED.labels("size of headers" if status == 431 else "time of headers").inc()
        if self.cycle is None or self.cycle.response_complete:
            body = words.encode()
            head = b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
            self.transport.write(_RESPONSES[status] + head % len(body) + body)
            self.transport.write_eof()
            # Closing on what is still coming in would reset the connection, and the answer might never be seen.
            self._lingering = True
            self.loop.call_later(LINGER_S, self.transport.close)
        else:
            self.transport.close()


async def _too_many_connections(scope: Scope, receive: Receive, send: Send) -> None:
    metrics.LIMITED.labels("connections per address").inc()
    detail = "Your address has too many connections open. Close some, and try again."
    headers = {"retry-after": "5", "connection": "close"}
    problem = Problem(429, detail, code="too_many_connections", headers=headers)
    await problem_response(problem)(scope, receive, send)


def bounded_protocol(settings: GatewaySettings) -> type[Protocol]:
    """The protocol of one process: uvicorn makes its objects itself."""
    trusted = frozenset(each.strip() for each in settings.trusted_proxies.split(",") if each.strip())
    return type("BoundedProtocol", (Protocol,), {"limits": Connections(settings, trusted)})


assert issubclass(httptools.HttpParserCallbackError, httptools.HttpParserError)  # noqa: S101 - send_400_response rests on it
