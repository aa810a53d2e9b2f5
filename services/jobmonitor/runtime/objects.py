"""The object store: result files, their parts, uploads. A folder, S3, GCS or Azure behind one interface (obstore)."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import obstore
from obstore.store import LocalStore, from_url

READ_CHUNK_BYTES = 1024 * 1024
WRITE_BUFFER_BYTES = 8 * 1024 * 1024
"""Also the least size of a part of a multipart upload; S3 asks for 5 MiB."""
LIST_BATCH = 1_000


class ObjectMissing(Exception):
    """Nothing lies under this key."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What was written: its exact size and SHA-256 (hex), measured while it streamed past."""

    size_bytes: int
    sha256: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An object in a listing."""

    key: str
    modified_at: datetime


class ObjectStore:
    """One place for files, addressed by keys like ``results/1/<job id>/<token>.csv``."""

    def __init__(self, url: str) -> None:
        self._store = _open(url)

    async def put(self, key: str, content: bytes) -> None:
        """Write a small object, replacing what was there."""
        await obstore.put_async(self._store, key, content)

    async def put_stream(self, key: str, content: AsyncIterator[bytes]) -> Stored:
        """Write an object of any size, holding a few megabytes of it. Nothing lies under the key before the end."""
        digest = sha256()
        size_bytes = 0
        async with obstore.open_writer_async(self._store, key, buffer_size=WRITE_BUFFER_BYTES) as writer:
            async for piece in content:
                digest.update(piece)
                size_bytes += len(piece)
                await writer.write(piece)
        return Stored(size_bytes=size_bytes, sha256=digest.hexdigest())

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes ``start`` up to, not including, ``end`` (None: to the last). Raises ObjectMissing."""
        stop = await self.size(key) if end is None else end
        while start < stop:
            until = min(start + READ_CHUNK_BYTES, stop)
            yield await self._range(key, start, until)
            start = until

    async def size(self, key: str) -> int:
        """In bytes. Raises ObjectMissing."""
        try:
            return (await obstore.head_async(self._store, key))["size"]
        except FileNotFoundError as error:
            raise ObjectMissing(key) from error

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove these; those that are gone already do not matter."""
        for key in keys:
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                continue

    async def delete_under(self, folder: str) -> None:
        """Remove everything whose key starts with ``<folder>/``. Nothing there is fine."""
        async for batch in obstore.list(self._store, prefix=f"{folder}/"):
            await self.delete([entry["path"] for entry in batch])

    async def keys_under(self, folder: str) -> AsyncIterator[str]:
        """All keys that start with ``<folder>/``."""
        async for batch in obstore.list(self._store, prefix=f"{folder}/"):
            for entry in batch:
                yield entry["path"]

    async def list_under(self, folder: str) -> AsyncIterator[list[Listed]]:
        """All objects whose key starts with ``<folder>/``, a batch at a time."""
        async for batch in obstore.list(self._store, prefix=f"{folder}/", chunk_size=LIST_BATCH):
            yield [Listed(key=entry["path"], modified_at=entry["last_modified"]) for entry in batch]

    async def _range(self, key: str, start: int, end: int) -> bytes:
        try:
            return bytes(await obstore.get_range_async(self._store, key, start=start, end=end))
        except FileNotFoundError as error:
            raise ObjectMissing(key) from error


def _open(url: str) -> obstore.store.ObjectStore:
    parts = urlsplit(url)
    if parts.scheme != "file":
        return from_url(url)
    folder = Path(unquote(parts.path))
    folder.mkdir(parents=True, exist_ok=True)
    return LocalStore(folder)
