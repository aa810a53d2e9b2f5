"""A worker process that runs one chunk of an import and stops in the middle of it, for good: to be killed there.

    python -m support.import_worker <database URL> <bootstrap> <object store URL> <job id> <chunk>

It prints ``in the middle`` when it is there: some of a plan is written, or the effects of rows, or part of the result
file, and nothing is committed.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from jobmonitor.database.pool import open_pool
from jobmonitor.job_types.protocol import Assembly, AssemblyContext, Context, Part, PlannedChunk
from jobmonitor.job_types.user_data_import.job_type import UserDataImport
from jobmonitor.job_types.user_data_import.parameters import UserDataImportParameters
from jobmonitor.ledger import Ledger
from jobmonitor.processor.chunks import ChunkRunner
from jobmonitor.processor.settings import ProcessorSettings
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.objects import ObjectStore
from support.brokers import broker_at

CHUNK_ROWS = 3


async def in_the_middle() -> None:
    """Says so, and goes no further."""
    sys.stdout.write("in the middle\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


class HangingImport(UserDataImport):
    """Does half of whatever is asked."""

    def __init__(self) -> None:
        super().__init__(chunk_rows=CHUNK_ROWS, small_bytes_max=0)

    async def plan(self, params: UserDataImportParameters, context: Context) -> AsyncIterator[PlannedChunk]:
        async for chunk in super().plan(params, context):
            yield chunk
            await in_the_middle()

    async def run_chunk(self, params: UserDataImportParameters, payload: Any, context: Context) -> Part:
        await super().run_chunk(params, payload, context)
        await in_the_middle()
        raise AssertionError

    def assemble(
        self, params: UserDataImportParameters, parts: AsyncIterator[bytes], context: AssemblyContext
    ) -> Assembly:
        whole = super().assemble(params, parts, context)

        async def half() -> AsyncIterator[bytes]:
            async for piece in whole.content:
                yield piece
                await in_the_middle()

        return Assembly(content=half(), media_type=whole.media_type, extension=whole.extension)


async def main(database_url: str, bootstrap: str, object_store_url: str, job_id: str, chunk: str) -> None:
    settings = ProcessorSettings(
        database_url=database_url, kafka_bootstrap=bootstrap, object_store_url=object_store_url
    )
    pool = await open_pool(database_url, size=4, application_name="test-worker")
    producer = Producer(broker_at(bootstrap))
    await producer.start()
    ledger = Ledger(pool, producer, "/jobmonitor/test", settings)
    await ChunkRunner(HangingImport(), ledger, ObjectStore(object_store_url), settings).run(UUID(job_id), int(chunk))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
