"""Measures an export of any size: seconds and memory of plan, chunks and assembly, as one worker would spend them.

    PYTHONPATH=services:tests python -m support.measure_export WORKER_URL [--format user] [--chunk-rows N]

The database is filled beforehand, for instance with a million supporters by the demo generator. Parts and result go to
an object store in a temporary folder, the plan to a file there: memory holds what a worker's memory would hold.
"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import msgspec

from jobmonitor.database.pool import Pool, account_transaction, open_pool
from jobmonitor.job_types.user_data_export.job_type import UserDataExport
from jobmonitor.job_types.user_data_export.parameters import UserDataExportParameters
from jobmonitor.runtime.objects import ObjectStore
from support.run_job_type import assembly_context_of, context_of


async def plan(export: UserDataExport, params: UserDataExportParameters, pool: Pool, to: Path) -> int:
    """Writes the payloads to a file, one a line; returns the units."""
    units = 0
    with to.open("wb") as file:
        async with account_transaction(pool, 1, isolation="repeatable_read") as connection:
            await export.check(params, context_of(connection))
            async for chunk in export.plan(params, context_of(connection)):
                units += chunk.units
                file.write(msgspec.json.encode(chunk.payload) + b"\n")
    return units


async def run_chunks(
    export: UserDataExport, params: UserDataExportParameters, pool: Pool, planned: Path, objects: ObjectStore
) -> list[float]:
    """Runs every chunk, one after the other; returns the seconds of each."""
    seconds = []
    with planned.open("rb") as file:
        for number, line in enumerate(file):
            began = time.perf_counter()
            async with account_transaction(pool, 1) as connection:
                part = await export.run_chunk(params, msgspec.json.decode(line), context_of(connection))
            await objects.put(f"parts/{number:07}", part.content)
            seconds.append(time.perf_counter() - began)
    return seconds


async def parts(objects: ObjectStore, chunks: int) -> AsyncIterator[bytes]:
    for number in range(chunks):
        async for piece in objects.stream(f"parts/{number:07}"):
            yield piece


async def measure(options: argparse.Namespace, folder: Path) -> None:
    export = UserDataExport(chunk_rows_max=options.chunk_rows)
    params = msgspec.convert({"format": options.format, "file_type": options.file_type}, UserDataExportParameters)
    objects, planned = ObjectStore(f"file://{folder}/objects"), folder / "plan"
    pool = await open_pool(options.url, size=2, application_name="measure_export")
    began = time.perf_counter()
    units = await plan(export, params, pool, planned)
    tell(f"plan: {units:,} {export.unit_of(params)} in {time.perf_counter() - began:.1f} s")
    seconds = await run_chunks(export, params, pool, planned, objects)
    slowest, typical = max(seconds), statistics.median(seconds)
    tell(f"{len(seconds):,} chunks: {sum(seconds):.1f} s, each {typical:.3f} s (median), {slowest:.3f} s (slowest)")
    began = time.perf_counter()
    context = assembly_context_of(pool, job_id=uuid4())
    stored = await objects.put_stream("result", export.assemble(params, parts(objects, len(seconds)), context).content)
    tell(f"assembly: {stored.size_bytes:,} bytes in {time.perf_counter() - began:.1f} s")
    await pool.close()


def tell(what: str) -> None:
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}; peak memory so far {peak_mb:.0f} MB", flush=True)  # noqa: T201 - its purpose


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--format", default="user")
    parser.add_argument("--file-type", default="csv")
    parser.add_argument("--chunk-rows", type=int, default=2_000)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(parser.parse_args(), Path(folder)))


if __name__ == "__main__":
    main()
