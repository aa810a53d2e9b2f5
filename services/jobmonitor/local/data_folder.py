"""The stack's data folder: one stack at a time, enough space, and the note that says where it listens."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from jobmonitor.cli.stack_note import StackNote, note_path, read_note
from jobmonitor.local.errors import LocalError
from jobmonitor.local.secrets import write_privately

LEAST_FREE_BYTES = 500_000_000
PRIVATE_FOLDERS = ("kafka", "logs", "mail", "objects", "scratch")
"""All but PostgreSQL's, which belongs to its user."""
BYTES_A_SUPPORTER = 5_000
"""With all activities, gifts and indexes, and room for exports of them."""


def write_note(folder: Path, note: StackNote) -> None:
    write_privately(note_path(folder), msgspec.json.format(msgspec.json.encode(note)) + b"\n")


def make_data_folder(folder: Path, *, supporters: int) -> None:
    """Make it, private, and see that it has room. Raises LocalError."""
    folder.mkdir(parents=True, exist_ok=True)
    # under root PostgreSQL runs as another user, who passes through and can read nothing here but its own
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for name in PRIVATE_FOLDERS:
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(0o700)
    needed = LEAST_FREE_BYTES + supporters * BYTES_A_SUPPORTER
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise LocalError(
            f"Only {free // 1_000_000:,} MB are free in {folder}, the stack needs {needed // 1_000_000:,} MB: "
            "free some space, or choose another folder with JOBMONITOR_DATA_DIR."
        )


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder while the context lasts. Raises LocalError: another stack runs on it; the message says where."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LocalError(f"The stack on {folder} is already running{_address(folder)}.") from error
        note_path(folder).unlink(missing_ok=True)  # of one that was killed
        try:
            yield
        finally:
            note_path(folder).unlink(missing_ok=True)


def _address(folder: Path) -> str:
    with suppress(OSError, msgspec.MsgspecError):
        return f" at {read_note(folder).http_url}"
    return " (it is still starting)"
