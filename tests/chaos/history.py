"""What a client asked and what it was told, as JSON lines: written as it happens, so that it survives the run.

The lines are those ``jobmonitor.checker.client_history`` reads.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec

Outcome = Literal["ok", "fail", "info"]
"""Accepted; refused; or the client does not know."""


class Told(msgspec.Struct, kw_only=True):
    """All that a client knows about one of its jobs."""

    job_id: UUID
    key: str
    """The idempotency key the id comes from."""
    shape: str
    account_id: int
    owner_id: int
    job_type: str
    parameters: Mapping[str, Any]
    run_at: datetime | None = None
    submitted: Outcome = "info"
    asked_at: datetime | None = None
    """When it was first asked for; None as long as it was not."""
    accepted_at: datetime | None = None
    """When it was first said to be accepted."""
    stopped: Outcome | None = None
    """None where no stop was asked for. "fail": it had already ended."""
    missed: bool = False
    """Whether it was accepted and then said not to exist."""


class History:
    """The jobs of a run by id, and the file that tells of each operation."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.jobs: dict[UUID, Told] = {}
        self._file = path.open("ab", buffering=0)

    def add(self, told: Told) -> Told:
        self.jobs[told.job_id] = told
        return told

    def write(self, operation: str, told: Told, outcome: Outcome, *, began_at: datetime, answer: str) -> None:
        """One operation that ended: what was asked of which job, and what came back."""
        line = {
            "operation": operation,
            "job_id": told.job_id,
            "key": told.key,
            "account_id": told.account_id,
            "owner_id": told.owner_id,
            "job_type": told.job_type,
            "parameters": told.parameters,
            "run_at": told.run_at,
            "began_at": began_at,
            "ended_at": datetime.now(UTC),
            "outcome": outcome,
            "answer": answer,
        }
        self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        self._file.close()
