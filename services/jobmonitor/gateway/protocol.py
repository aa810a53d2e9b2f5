"""uvicorn's HTTP protocol as this gateway runs it: it shows the application its connection."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from jobmonitor.gateway.connections import EXTENSION, Connection


class Protocol(HttpToolsProtocol):
    """One connection; applications find it in the scope, as an ASGI extension."""

    connection: Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.connection = Connection(transport)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.connection.on_request()
        self.scope["extensions"] = {EXTENSION: self.connection}  # type: ignore[dict-item]

    def eof_received(self) -> bool:  # type: ignore[override]
        return self.connection.on_client_closed()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.on_lost(exc)
        super().connection_lost(exc)
