"""A file on its way in: taken from the request piece by piece, onto the disk, so that slow senders hold no memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

from fastapi import Request

from jobmonitor.crm.users import Viewer
from jobmonitor.gateway import metrics
from jobmonitor.gateway.http.body_limits import file_too_large
from jobmonitor.gateway.http.connections import STALL_S
from jobmonitor.gateway.http.limits import Slots, slots_held
from jobmonitor.gateway.http.problems import Problem, unavailable
from jobmonitor.gateway.keyed_semaphores import KeyedSemaphores
from jobmonitor.gateway.settings import GatewaySettings

BLOCK_BYTES = 1024 * 1024
INSPECTED_AT_ONCE = 2
"""Looking through 20 MB takes a second or two of a core, and some ten times as much memory."""


class UploadSlots:
    """How many files one process takes in, and looks through, at once: of a user, of an account, in all.

    An account's files are looked through one after the other, so that it holds up itself only.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._users = Slots("uploads at once per user", settings.uploads_at_once_per_user)
        self._accounts = Slots("uploads at once per account", settings.uploads_at_once_per_account)
        self._all = Slots("uploads at once", settings.uploads_at_once)
        self._looking = asyncio.Semaphore(INSPECTED_AT_ONCE)
        self._turns = KeyedSemaphores(1)

    @contextmanager
    def slot(self, viewer: Viewer) -> Iterator[None]:
        """A slot for a file that is arriving. Raises Problem: 429 the viewer or their account has no slot free, 503."""
        of_user = f"You are sending {self._users.at_most} files already. Wait until one has arrived."
        of_account = f"Your account is sending {self._accounts.at_most} files already. Wait until one has arrived."
        with slots_held(
            (self._users, viewer.user_id, _wait(of_user)),
            (self._accounts, viewer.account_id, _wait(of_account)),
            (self._all, None, unavailable("Too many files are arriving at the moment.")),
        ):
            yield

    @asynccontextmanager
    async def inspecting(self, viewer: Viewer) -> AsyncIterator[None]:
        """A turn to look through a file."""
        async with self._turns.of(viewer.account_id), self._looking:
            yield


def _wait(detail: str) -> Problem:
    return Problem(429, detail, code="too_many_at_once", headers={"retry-after": "5"})


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
async def received(request: Request, bytes_max: int, within_s: float) -> AsyncIterator[ReceivedFile]:
    """The request's body.

    Raises Problem: 413 it is larger, 408 the sender falls silent or takes longer in all. Raises ClientDisconnect when
    it leaves.
    """
    _refuse_large(int(request.headers.get("content-length", 0)), bytes_max)
    with TemporaryFile(prefix="jobmonitor-upload-") as file:
        digest, size_bytes = hashlib.sha256(), 0
        try:
            async with asyncio.timeout(within_s):
                async for piece in _pieces(request):
                    digest.update(piece)
                    size_bytes += len(piece)
                    _refuse_large(size_bytes, bytes_max)
                    await asyncio.to_thread(file.write, piece)
        except TimeoutError:
            raise _too_slow(f"The file did not arrive within {within_s:g} s") from None
        yield ReceivedFile(file, size_bytes, digest.hexdigest())


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in blocks of about a megabyte."""
    held, stream = bytearray(), aiter(request.stream())
    while True:
        try:
            piece = await asyncio.wait_for(anext(stream, None), STALL_S)
        except TimeoutError:
            raise _too_slow(f"Nothing arrived for {STALL_S:g} s") from None
        held += piece or b""
        if held and (piece is None or len(held) >= BLOCK_BYTES):
            yield bytes(held)
            held.clear()
        if piece is None:
            return


def _refuse_large(size_bytes: int, bytes_max: int) -> None:
    if size_bytes > bytes_max:
        raise file_too_large(bytes_max)


def _too_slow(what: str) -> Problem:
    metrics.LIMITED.labels("time of an upload").inc()
    return Problem(408, f"{what}; nothing was kept. Please try again.", code="stalled", headers={"connection": "close"})


def _read_all(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
