"""A file on its way in: taken from the request piece by piece, onto the disk, so that slow senders hold no memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

from fastapi import Request

from jobmonitor.gateway.connections import STALL_S
from jobmonitor.gateway.problems import Problem

BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class ReceivedFile:
    """A whole body, in a file without a name: gone with the process, however that ends."""

    file: IO[bytes]
    size_bytes: int
    sha256: str

    async def content(self) -> bytes:
        """All of it, in memory."""
        return await asyncio.to_thread(_read_all, self.file)


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[ReceivedFile]:
    """The request's body. Raises Problem 408 when the sender falls silent, and ClientDisconnect when it leaves."""
    with TemporaryFile(prefix="jobmonitor-upload-") as file:
        digest, size_bytes = hashlib.sha256(), 0
        async for piece in _pieces(request):
            digest.update(piece)
            size_bytes += len(piece)
            await asyncio.to_thread(file.write, piece)
        yield ReceivedFile(file, size_bytes, digest.hexdigest())


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in blocks of about a megabyte."""
    held, stream = bytearray(), aiter(request.stream())
    while True:
        try:
            piece = await asyncio.wait_for(anext(stream, None), STALL_S)
        except TimeoutError:
            detail = f"Nothing arrived for {STALL_S:g} s; nothing was kept. Please try again."
            raise Problem(408, detail, code="stalled", headers={"connection": "close"}) from None
        held += piece or b""
        if held and (piece is None or len(held) >= BLOCK_BYTES):
            yield bytes(held)
            held.clear()
        if piece is None:
            return


def _read_all(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
