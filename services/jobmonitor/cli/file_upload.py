"""Sending a file to the gateway, for a job that reads it."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from jobmonitor.cli.client import Body, Client, Unreachable, body_of, refusal
from jobmonitor.cli.errors import USAGE, CommandError
from jobmonitor.cli.output import console
from jobmonitor.job_types.protocol import UploadRule

BLOCK_BYTES = 256 * 1024
ANSWER_TIMEOUT_S = 240.0
"""The gateway looks through the whole file before it answers."""


def check_file(path: Path, rule: UploadRule) -> None:
    """Raises CommandError for what can be known before anything is sent."""
    if not path.is_file():
        raise CommandError(f"{path} is a folder." if path.is_dir() else f"There is no file {path}.", USAGE)
    size_bytes = path.stat().st_size
    if size_bytes > rule.bytes_max:
        most = f"{rule.bytes_max:,} ({rule.bytes_max / 1024**2:.3g} MB)"
        raise CommandError(f"{path} is too large: it has {size_bytes:,} bytes, and {most} is the most.")
    if size_bytes == 0:
        raise CommandError(f"{path} is empty.")
    if path.suffix.lower().removeprefix(".") not in rule.media_types:
        endings = " or ".join(f".{ending}" for ending in rule.media_types)
        raise CommandError(f"The name of {path} does not end in {endings}.", USAGE)


def upload(client: Client, path: Path, job_type: str) -> Body:
    """Send the file; on a terminal with a bar. Returns what the gateway found in it. Raises CommandError."""
    size_bytes, name = path.stat().st_size, _as_text(path.name)
    try:
        with _bar(name, size_bytes) as bar:
            response = client.request(
                "POST",
                "/api/v1/uploads",
                params={"name": name, "type": job_type},
                content=_blocks(path, bar),
                headers={"content-length": str(size_bytes), "content-type": "application/octet-stream"},
                timeout=httpx2.Timeout(30.0, read=ANSWER_TIMEOUT_S),
            )
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except Unreachable as error:
        raise Unreachable(f"{name} was not sent. {error}") from error
    if response.is_error:
        raise refusal(response)
    return body_of(response)


def _as_text(name: str) -> str:
    """A file's name as text: what in it is not UTF-8 is replaced."""
    return os.fsencode(name).decode(errors="replace")


def _blocks(path: Path, bar: Progress) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block
            bar.update(bar.task_ids[0], advance=len(block))


def _bar(name: str, size_bytes: int) -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    bar.add_task(name, total=size_bytes)
    return bar
