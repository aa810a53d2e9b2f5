"""What clients asked and what they were told: JSON lines, one for each operation that ended.

A line needs ``operation``, ``job_id`` and ``outcome``; everything else is looked at where it is there. Operations:
``submit``, ``stop``, ``read`` (of one job by its owner), ``download``, ``watch`` (a page that followed the stream).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec

from jobmonitor.checker.report import CouldNotLook


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of a client."""

    operation: str
    job_id: UUID
    outcome: Literal["ok", "fail", "info"]
    """It was done; it was refused or broke off; the client does not know.

    A ``read`` fails when the answer is 404, a ``download`` when the transfer broke off.
    """
    account_id: int | None = None
    key: str | None = None
    """The idempotency key."""
    job_type: str | None = None
    parameters: Mapping[str, Any] | None = None
    state: str | None = None
    """Of ``watch``: the last state the stream told."""
    done: int | None = None
    """Of ``watch``: the last count of units the stream told."""


_decoder = msgspec.json.Decoder(Operation)


def read_history(path: Path) -> list[Operation]:
    """The operations in their order; a last line that was cut off is left out. Raises CouldNotLook."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise CouldNotLook(f"The client history {path} cannot be read: {error}.") from error
    operations = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            operations.append(_decoder.decode(line))
        except msgspec.DecodeError as error:
            raise CouldNotLook(f"Line {number} of the client history {path} cannot be read: {error}.") from error
    return operations
