"""CPU work of a chunk while the chunk's transaction is open: it waits for the work, and is not silent meanwhile.

The server ends a transaction that says nothing for some leases, as its process may be frozen. Waiting for a free
process of the pool and for the work itself can take longer than that; a frozen process says nothing all the same.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from jobmonitor.database.pool import Connection
from jobmonitor.job_types.protocol import CPU_MEMORY_BYTES_MAX, CPU_TIMEOUT_S, Answer, Arguments, Cpu
from jobmonitor.runtime.failures import is_temporary


class CpuInTransaction(Cpu):
    """The pool as a chunk with this connection sees it, which must not use the connection while a call goes on."""

    def __init__(self, cpu: Cpu, connection: Connection, *, every_s: float) -> None:
        self._cpu = cpu
        self._connection = connection
        self._every_s = every_s
        self._calls = 0
        self._over = asyncio.Event()
        self._speaking: asyncio.Task[None] | None = None

    async def run(
        self,
        function: Callable[[*Arguments], Answer],
        *arguments: *Arguments,
        timeout_s: float = CPU_TIMEOUT_S,
        memory_bytes_max: int = CPU_MEMORY_BYTES_MAX,
    ) -> Answer:
        async with self._not_silent():
            return await self._cpu.run(function, *arguments, timeout_s=timeout_s, memory_bytes_max=memory_bytes_max)

    @asynccontextmanager
    async def _not_silent(self) -> AsyncIterator[None]:
        self._calls += 1
        if self._speaking is None:
            self._over.clear()
            self._speaking = asyncio.create_task(self._speak())
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                speaking, self._speaking = self._speaking, None
                self._over.set()
                await speaking

    async def _speak(self) -> None:
        """Where the connection is lost the chunk finds out at its commit."""
        while not self._over.is_set():
            try:
                async with asyncio.timeout(self._every_s):
                    await self._over.wait()
            except TimeoutError:
                try:
                    await self._connection.fetchval("SELECT 1")
                except Exception as error:
                    if not is_temporary(error):
                        raise
                    return
