"""``stack.json``: what the local stack writes down about itself, for the command line and the tests."""

from pathlib import Path

import msgspec


class StackNote(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything of the running stack is."""

    http_url: str
    kafka_bootstrap: str
    owner_url: str = ""
    """The database as its owner."""
    demo: bool = False
    """Whether anybody may log in with the demo's password."""
    smtp: str = ""
    """``host:port`` of the mail sink."""
    pids: dict[str, int] = {}
    """Of the stack itself (``stack``) and of its children, by name."""
    monitoring_urls: dict[str, str] = {}
    """Where each process answers ``/metrics``, ``/healthz`` and ``/readyz``."""


def note_path(folder: Path) -> Path:
    return folder / "stack.json"


def read_note(folder: Path) -> StackNote:
    """Raises OSError: FileNotFoundError where no stack runs; msgspec.DecodeError: it is damaged."""
    return msgspec.json.decode(note_path(folder).read_bytes(), type=StackNote)
