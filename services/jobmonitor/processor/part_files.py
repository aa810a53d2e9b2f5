"""The parts of a job in the object store, each under a key of the lease it was written under."""

import asyncio

from jobmonitor.ledger import Claim
from jobmonitor.processor.result_files import ResultFiles
from jobmonitor.runtime.failures import FILE_STORE, ServiceAway
from jobmonitor.runtime.objects import ObjectStore

PART_TIMEOUT_LEASES = 2
"""How long storing a part may take. Its transaction says nothing meanwhile, and would be ended after four leases."""


class PartFiles:
    """Stores and discards the parts of chunks at work."""

    def __init__(self, objects: ObjectStore, files: ResultFiles, lease_s: float) -> None:
        self._objects = objects
        self._files = files
        self._timeout_s = PART_TIMEOUT_LEASES * lease_s

    async def store(self, claimed: Claim, content: bytes) -> str | None:
        """Returns the part's key; None where there is no content. Raises ServiceAway."""
        if not content:
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._objects.put(_key(claimed), content)
        except TimeoutError as error:
            raise ServiceAway(FILE_STORE) from error
        return _key(claimed)

    async def discard(self, claimed: Claim) -> None:
        """Delete what this lease has stored, if anything."""
        await self._files.discard(_key(claimed))


def _key(claimed: Claim) -> str:
    return f"parts/{claimed.account_id}/{claimed.job_id}/{claimed.chunk:07}-{claimed.token.hex}"
