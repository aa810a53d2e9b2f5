"""A job's state: what ``decide`` has to know to judge a command, and nothing more."""

from enum import StrEnum

import msgspec

from jobmonitor.contract.events import Result


class State(StrEnum):
    """Where a job stands. The last four are ends: a job in one of them never leaves it."""

    SCHEDULED = "scheduled"
    """Accepted; waits for its time."""
    QUEUED = "queued"
    """Accepted; waits for a worker to plan and start it."""
    RUNNING = "running"
    STOPPING = "stopping"
    """A stop took effect; the chunks under way end, no other starts, and what was done is made into a file."""
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    """Done, but some units were refused; the result says which and why."""
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({State.COMPLETED, State.COMPLETED_WITH_ERRORS, State.FAILED, State.CANCELLED})
LISTED_WHILE = frozenset({State.SCHEDULED, State.QUEUED, State.RUNNING, State.STOPPING})
"""States that keep a job in the monitor whatever else holds."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job after the facts up to ``sequence``. ``state`` is None before the first fact."""

    account_id: int
    owner_id: int
    job_type: str
    state: State | None = None
    sequence: int = 0
    done: int = 0
    total: int = 0
    waits_for: str | None = None
    """What its newest fact says it waits for: a few words; None: for nothing."""
    result: Result | None = None
    downloaded: bool = False
    expired: bool = False

    @property
    def ended(self) -> bool:
        return self.state in ENDED


def percent(state: State, done: int, total: int) -> int:
    """``floor(100 x done / total)``; 100 only once the result is stored, 99 at most before (domain rule 2.1).

    A stopped or failed job keeps the share it had reached. No units at all: 0 before the end, 100 after it.
    """
    if state in (State.COMPLETED, State.COMPLETED_WITH_ERRORS):
        return 100
    return min(99, 100 * done // total) if total else 0
