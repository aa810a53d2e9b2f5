"""Stores result files, each under a key that no other try of the same work uses."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from jobmonitor.contract.events import Result
from jobmonitor.job_types.protocol import Assembly
from jobmonitor.processor.type_code import of_type, type_code
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.objects import ObjectStore

log = structlog.stdlib.get_logger()

DISCARD_TIMEOUT_S = 5.0


class ResultFiles:
    """Where results lie in the object store, and for how long."""

    def __init__(self, objects: ObjectStore, retention_days: int) -> None:
        self._objects = objects
        self._retention = timedelta(days=retention_days)

    async def store(self, account_id: int, job_id: UUID, token: UUID, assembly: Assembly) -> Result:
        """Write the file and measure it on the way; its rows are for the caller to tell.

        Raises TypeFailed where the job type that makes its content has a bug.
        """
        with type_code():
            name, content = f"{token.hex}.{assembly.extension}", of_type(assembly.content, bytes)
        key = f"results/{account_id}/{job_id}/{name}"
        try:
            stored = await self._objects.put_stream(key, content)
        except BaseException:
            await self.discard(key)
            raise
        return Result(
            name=name,
            media_type=assembly.media_type,
            extension=assembly.extension,
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            rows=0,
            expires_at=datetime.now(UTC) + self._retention,
        )

    async def discard(self, key: str) -> None:
        """Delete what nobody will ever ask for. Where the store is away, the reconciler sweeps it later."""
        try:
            async with asyncio.timeout(DISCARD_TIMEOUT_S):
                await self._objects.delete([key])
        except Exception as error:
            if not is_temporary(error):
                raise
            log.warning("not_discarded", key=key, error=repr(error))
