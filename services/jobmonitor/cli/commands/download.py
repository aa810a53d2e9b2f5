"""Downloading a result: whole, proven by its checksum, and resumed where an earlier try broke off."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx2
from cyclopts import Parameter
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from jobmonitor.cli.client import Client, Unreachable, refusal
from jobmonitor.cli.commands.jobs import job_path
from jobmonitor.cli.errors import CommandError
from jobmonitor.cli.options import Injected, JobName, Json, Url
from jobmonitor.cli.output import console, print_json, print_line

BLOCK_BYTES = 1 << 20
TRIES = 5
"""Of going on after a broken transfer, in one call of the command."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """What the gateway says of the file before it sends it."""

    path: str
    name: str
    size_bytes: int | None
    """None where the size is not known beforehand; such a file is not resumed."""
    etag: str

    @property
    def sha256(self) -> str | None:
        """The checksum, where the ETag is one."""
        digest = self.etag.strip('"')
        return digest if re.fullmatch("[0-9a-f]{64}", digest) else None


def download(
    job: JobName,
    /,
    *,
    output: Annotated[Path | None, Parameter(help="File or folder to write to. Default: the file's own name.")] = None,
    json: Json = False,
    url: Url = None,
    context: Injected,
) -> None:
    """Download a job's result. A transfer that broke off goes on where it was when the command is repeated."""
    with Client.of(context, url) as client:
        remote = _ask(client, f"{job_path(job)}/result")
        target = _target(output, remote.name)
        partial = target.with_name(target.name + ".part")
        try:
            _fetch(client, remote, partial)
            partial.replace(target)
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror}.") from error
    size_bytes = target.stat().st_size
    if json:
        print_json({"path": str(target), "size_bytes": size_bytes, "sha256": remote.sha256})
    else:
        print_line(f"{target} ({size_bytes:,} bytes)")


def _ask(client: Client, path: str) -> RemoteFile:
    response = client.request("HEAD", path)
    if response.is_error:
        raise refusal(client.request("GET", path) if not response.content else response)
    length = response.headers.get("content-length")
    return RemoteFile(
        path=path,
        name=_name(response.headers.get("content-disposition", "")),
        size_bytes=int(length) if length else None,
        etag=response.headers.get("etag", ""),
    )


def _name(disposition: str) -> str:
    """The file's name without any folder: a name from elsewhere never chooses where it is written."""
    found = re.search(r'filename="([^"]+)"', disposition) or re.search(r"filename=([^;\s]+)", disposition)
    name = Path(found[1].replace("\\", "/")).name if found else ""
    return name if name not in ("", ".", "..") else "result"


def _target(output: Path | None, name: str) -> Path:
    if output is None:
        return Path(name)
    return output / name if output.is_dir() else output


def _fetch(client: Client, remote: RemoteFile, partial: Path) -> None:
    """Bring the partial file to its full length and check it. Raises CommandError; what arrived is kept."""
    for attempt in range(1, TRIES + 1):
        try:
            _transfer(client, remote, partial)
        except (httpx2.TransportError, Unreachable) as error:
            if attempt == TRIES:
                raise CommandError("The transfer broke off. Repeat the command to go on where it was.") from error
        else:
            break
    if remote.sha256 and _sha256(partial) != remote.sha256:
        partial.unlink()
        raise CommandError("The file that arrived is not the one the job made; it was thrown away. Try again.")


def _transfer(client: Client, remote: RemoteFile, partial: Path) -> None:
    have_bytes = partial.stat().st_size if partial.exists() and remote.size_bytes is not None and remote.sha256 else 0
    if remote.size_bytes and have_bytes == remote.size_bytes:
        return
    headers = {"accept-encoding": "identity"}
    if 0 < have_bytes < (remote.size_bytes or 0):
        headers |= {"range": f"bytes={have_bytes}-", "if-range": remote.etag}
    with client.stream("GET", remote.path, headers=headers) as response:
        resumed = response.status_code == httpx2.codes.PARTIAL_CONTENT
        with partial.open("ab" if resumed else "wb") as file, _bar(remote, have_bytes if resumed else 0) as bar:
            for block in response.iter_raw(BLOCK_BYTES):
                file.write(block)
                bar.update(bar.task_ids[0], advance=len(block))


def _bar(remote: RemoteFile, have_bytes: int) -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    bar.add_task(remote.name, total=remote.size_bytes, completed=have_bytes)
    return bar


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
