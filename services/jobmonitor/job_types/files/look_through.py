"""Looks through an uploaded file in a process of its own: its rows would hold up everybody whom this one serves.

``python -m jobmonitor.job_types.files.look_through MODULE:FUNCTION`` is that process: the file on its standard input,
what the function found, as JSON, on its standard output.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint

import msgspec

from jobmonitor.job_types.cpu_process import bare_environment, named
from jobmonitor.job_types.files import tables
from jobmonitor.job_types.files.tables import WorkbookNotRead, is_workbook
from jobmonitor.job_types.inspection import Inspection

SMALL_BYTES = 32 * 1024
"""So small a table that is no archive is read in less time than a process takes to start."""
TIMEOUT_S = 120.0
NICENESS = 10
"""Whoever waits for a file to be looked through waits a second longer rather than all others."""

Inspect = Callable[[bytes], Inspection]
"""A function of a module, so that another process finds it by its name."""


async def look_through(content: bytes, inspect: Inspect = tables.inspect) -> Inspection:
    """What is in the file; never raises for that. Raises WorkbookNotRead, which is temporary: the process was ended."""
    if inspect is tables.inspect and len(content) <= SMALL_BYTES and not is_workbook(content):
        return inspect(content)
    return await asyncio.to_thread(_in_a_process, content, named(inspect))


def _in_a_process(content: bytes, function: str) -> Inspection:
    command = [sys.executable, "-P", "-m", __name__, function]
    try:
        ended = subprocess.run(  # noqa: S603
            command, check=False, input=content, stdout=subprocess.PIPE, env=bare_environment(), timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise WorkbookNotRead(f"The process that looks through the file took more than {TIMEOUT_S:g} s.") from error
    if ended.returncode != 0:
        raise WorkbookNotRead(f"The process that looks through the file ended with {ended.returncode}.")
    return msgspec.json.decode(ended.stdout, type=Inspection)


def main(function: str) -> None:
    """Raises WorkbookNotRead."""
    os.nice(NICENESS)
    inspect: Inspect = EntryPoint("inspect", function, "").load()
    sys.stdout.buffer.write(msgspec.json.encode(inspect(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main(sys.argv[1])
