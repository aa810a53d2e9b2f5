"""What can be asked of a job. Imperative; each carries all that the decision needs beside the job itself."""

from datetime import datetime
from typing import Literal

import msgspec

from jobmonitor.contract.events import Asked, Result


class AcceptJob(msgspec.Struct, frozen=True, kw_only=True):
    """A worker consumed the submission."""

    asked: Asked
    """Without ``run_at``, or with a past one, the job starts at once."""
    now: datetime


class QueueJob(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled job's time has come."""


class StartJob(msgspec.Struct, frozen=True, kw_only=True):
    """The work is planned and counted."""

    total: int
    unit: str


class RecordProgress(msgspec.Struct, frozen=True, kw_only=True):
    """One more chunk of so many units is done."""

    units: int


class NoteWaiting(msgspec.Struct, frozen=True, kw_only=True):
    """The job cannot go on before something is there; with None, it can go on again. Repeatable."""

    waits_for: str | None
    """A few words that fit behind "Waits for", for instance ``the mail server``. Progress, a new state and an end clear
    it without being asked."""


class CompleteJob(msgspec.Struct, frozen=True, kw_only=True):
    """All chunks are done and the result is stored."""

    rejected: int
    outcomes: dict[str, int]
    result: Result | None


class FailJob(msgspec.Struct, frozen=True, kw_only=True):
    """The job cannot be done."""

    code: str
    reason: str
    asked: Asked | None = None
    """What was asked for, where the job fails before anything else became of it: it is refused."""


class StopJob(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asked for a stop of a job whose type allows it."""

    requested_by: int
    requested_at: datetime


class FinishStop(msgspec.Struct, frozen=True, kw_only=True):
    """The last chunk under way has ended after a stop."""

    requested_by: int
    requested_at: datetime
    result: Result | None = None


class RecordDownload(msgspec.Struct, frozen=True, kw_only=True):
    """The last byte of the result went out."""

    downloaded_by: int


class RejectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request about this job cannot be granted."""

    request: Literal["submit", "stop"]
    request_id: str
    requested_at: datetime
    code: str
    reason: str


class ExpireResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result's time is over."""


Command = (
    AcceptJob
    | QueueJob
    | StartJob
    | RecordProgress
    | NoteWaiting
    | CompleteJob
    | FailJob
    | StopJob
    | FinishStop
    | RecordDownload
    | ExpireResult
    | RejectRequest
)
