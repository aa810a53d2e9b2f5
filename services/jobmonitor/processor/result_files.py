"""Stores result files, each under a key that no other try of the same work uses."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from jobmonitor.contract.events import Result
from jobmonitor.job_types.protocol import Assembly
from jobmonitor.runtime.objects import ObjectStore


class ResultFiles:
    """Where results lie in the object store, and for how long."""

    def __init__(self, objects: ObjectStore, retention_days: int) -> None:
        self._objects = objects
        self._retention = timedelta(days=retention_days)

    async def store(self, account_id: int, job_id: UUID, token: UUID, assembly: Assembly) -> Result:
        """Write the file and measure it on the way; its rows are for the caller to tell."""
        key = f"results/{account_id}/{job_id}/{token.hex}.{assembly.extension}"
        stored = await self._objects.put_stream(key, assembly.content)
        return Result(
            key=key,
            media_type=assembly.media_type,
            extension=assembly.extension,
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            rows=0,
            expires_at=datetime.now(UTC) + self._retention,
        )
