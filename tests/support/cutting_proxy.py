"""Stands between a browser and the gateway and breaks downloads off, as a bad network does."""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

RESULT = re.compile(rb"^GET /api/v1/jobs/\d+/result ")
ANSWER = b"HTTP/1.1 %d X\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends a reset."""


@dataclass
class CuttingProxy:
    """Passes everything on, but for results: those it cuts or answers itself, as told."""

    upstream: str
    cut_after_bytes: int | None = None
    """Results break off after so many bytes of the answer."""
    refuse_with: tuple[int, bytes] | None = None
    """Results are answered with this status and body."""
    asked: list[bytes] = field(default_factory=list)
    """The heads of the requests for results."""
    port: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = urlsplit(self.upstream)
        up_reader, up_writer = await asyncio.open_connection(upstream.hostname, upstream.port)
        self._writers |= {writer, up_writer}
        back = asyncio.ensure_future(_pump(up_reader, writer))
        try:
            while head := await reader.read(65_536):
                if RESULT.match(head):
                    self.asked.append(head)
                    if self.refuse_with is not None:
                        status, body = self.refuse_with
                        writer.write(ANSWER % (status, len(body), body))
                        await writer.drain()
                        return
                    if self.cut_after_bytes is not None:
                        back.cancel()
                        await asyncio.wait([back])
                        await self._cut(head, up_reader, up_writer, writer, self.cut_after_bytes)
                        return
                up_writer.write(head)
                await up_writer.drain()
        except OSError:
            pass
        finally:
            back.cancel()
            for each in (writer, up_writer):
                self._writers.discard(each)
                each.close()

    async def _cut(
        self,
        head: bytes,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
        left: int,
    ) -> None:
        up_writer.write(head)
        while left > 0 and (piece := await up_reader.read(min(left, 16_384))):
            writer.write(piece)
            await writer.drain()
            left -= len(piece)
        for each in (writer, up_writer):
            each.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def close(self) -> None:
        for writer in list(self._writers):
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def cutting_proxy(upstream: str) -> AsyncIterator[CuttingProxy]:
    """A proxy on a free port in front of this address."""
    proxy = CuttingProxy(upstream)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.close()
