"""The passwords of the local database: made once, kept beside the data, readable by their owner only."""

import os
import secrets
from pathlib import Path

import msgspec

from jobmonitor.database.migrate import ROLES
from jobmonitor.local.errors import LocalError


class Passwords(msgspec.Struct, frozen=True):
    """Of the database's owner and of each process's role."""

    owner: str
    roles: dict[str, str]


def load_passwords(path: Path) -> Passwords:
    """Those of the file, which is made with fresh ones if it is missing. Raises LocalError."""
    if not path.exists():
        passwords = Passwords(owner=secrets.token_urlsafe(), roles={role: secrets.token_urlsafe() for role in ROLES})
        write_privately(path, msgspec.json.encode(passwords))
    try:
        return msgspec.json.decode(path.read_bytes(), type=Passwords)
    except msgspec.DecodeError as error:
        raise LocalError(f"{path} cannot be read ({error}): restore it, or move the data folder away.") from error


def write_privately(path: Path, content: bytes) -> None:
    """Write or replace a file that only its owner may read; nobody ever sees half of it."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    part.replace(path)
