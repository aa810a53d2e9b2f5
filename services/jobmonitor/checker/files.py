"""Reads the object store: whether each result is what its description says, and which jobs still have parts there."""

import hashlib
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from uuid import UUID

from jobmonitor.checker.report import CouldNotLook
from jobmonitor.checker.snapshot import StoredFile, StoredRun
from jobmonitor.contract.events import result_key
from jobmonitor.runtime.objects import ObjectMissing, ObjectStore


class CountsCsv:
    """Counts the records of a CSV file (RFC 4180) whatever its delimiter: a line break within quotes ends none."""

    def __init__(self) -> None:
        self.records = 0
        self._quoted = False
        self._rest = False

    def add(self, piece: bytes) -> None:
        """Take the next bytes, cut anywhere."""
        lines = piece.split(b"\n")
        for number, line in enumerate(lines):
            self._quoted ^= line.count(b'"') % 2 == 1
            self._rest = self._rest or bool(line)
            if number < len(lines) - 1 and not self._quoted:
                self.records += 1
                self._rest = False

    def rows(self) -> int:
        """Data rows: all records but the heading."""
        return max(0, self.records + self._rest - 1)


async def read_results(objects: ObjectStore, runs: Iterable[StoredRun], now: datetime) -> dict[str, StoredFile | None]:
    """What lies under the key of each result that has not expired; streamed, one after the other."""
    found: dict[str, StoredFile | None] = {}
    for run in runs:
        result = run.result
        if result is None or run.expired or result.expires_at <= now:
            continue
        key = result_key(run.account_id, run.job_id, result)
        try:
            found[key] = await _read_file(objects.stream(key), result.extension)
        except ObjectMissing:
            found[key] = None
    return found


async def _read_file(content: AsyncIterator[bytes], extension: str) -> StoredFile:
    digest, size_bytes, counted = hashlib.sha256(), 0, CountsCsv()
    async for piece in content:
        digest.update(piece)
        size_bytes += len(piece)
        if extension == "csv":
            counted.add(piece)
    rows = counted.rows() if extension == "csv" else None
    return StoredFile(size_bytes=size_bytes, sha256=digest.hexdigest(), rows=rows)


async def jobs_with_parts(objects: ObjectStore) -> frozenset[UUID]:
    """The jobs of which parts lie there. Raises CouldNotLook."""
    found = set()
    try:
        async for key in objects.keys_under("parts"):
            found.add(UUID(key.split("/")[2]))
    except OSError as error:
        raise CouldNotLook(f"The object store cannot be read ({error}).") from error
    return frozenset(found)
