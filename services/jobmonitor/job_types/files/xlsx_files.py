"""Excel workbooks from CSV, as a stream on both sides: written by a separate process into a temporary file."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from jobmonitor.job_types.files import xlsx_writer

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
READ_BYTES = 1024 * 1024


class WorkbookNotWritten(OSError):
    """The writing process ended early, for instance because the temporary folder is full. Trying again may help."""


async def workbook(csv_pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The workbook of these CSV lines, however they are cut into pieces. Raises WorkbookNotWritten."""
    with TemporaryDirectory(prefix="jobmonitor-xlsx-") as folder:
        path = Path(folder) / "export.xlsx"
        await _write(csv_pieces, path)
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, READ_BYTES):
                yield piece


async def _write(csv_pieces: AsyncIterator[bytes], path: Path) -> None:
    # -P: the writer's own folder must not shadow the standard library
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", xlsx_writer.__file__, str(path), stdin=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None  # noqa: S101 - it was asked for two lines above
    try:
        async for piece in csv_pieces:
            process.stdin.write(piece)
            await process.stdin.drain()
        process.stdin.close()
        ended = await process.wait()
    except (BrokenPipeError, ConnectionResetError):
        ended = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if ended != 0:
        raise WorkbookNotWritten(f"The process that writes the workbook ended with {ended}.")
