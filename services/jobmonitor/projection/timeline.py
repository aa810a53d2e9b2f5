"""The points of a job's timeline: every fact once, progress and waiting at most once a second, and the submission.

A point's ``slot`` says what makes two events of one type the same point, so that doubled and late events, and a replay
of the whole log, leave the same timeline. Facts alone leave it too: the first one tells the submission, and takes its
point over from the request. A stop request makes no point; the facts about it do.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from jobmonitor.contract.envelope import Event, type_name
from jobmonitor.contract.events import (
    EventData,
    Fact,
    FirstFact,
    JobFact,
    JobProgressed,
    JobSubmitted,
    JobWaiting,
    submission_in,
)
from jobmonitor.job.row import JobRow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class TimelinePoint(msgspec.Struct, frozen=True, kw_only=True):
    """One row of ``job_timeline``."""

    job_id: UUID
    type: str
    """The event's name without its version: ``job_started``."""
    slot: int
    """0 for the submission, the second of a progress or of a wait, a fact's sequence."""
    event_id: str
    account_id: int
    owner_id: int
    at: datetime
    sequence: int | None
    """A fact's; of a submission 0 where the first fact told it, None where only the request did."""
    done: int | None = None
    """Of progress, as is ``total``: beside its columns a point of progress has nothing more to tell."""
    total: int | None = None
    data: EventData | None
    """The event; None of progress, and of a submission that is too much to keep."""

    @property
    def key(self) -> tuple[UUID, str, int]:
        """What is unique in the timeline."""
        return (self.job_id, self.type, self.slot)

    def supersedes(self, other: "TimelinePoint") -> bool:
        """Which of two events is the point: of progress and waits the last, of submissions the first, or the fact's."""
        if self.rank != other.rank:
            return self.rank > other.rank
        return (self.at, self.event_id) < (other.at, other.event_id)

    @property
    def rank(self) -> int:
        return -1 if self.sequence is None else self.sequence


def timeline_points(row: JobRow, event: Event) -> Iterator[TimelinePoint]:
    """The points this event makes in the timeline of its job."""
    data = event.data
    if isinstance(data, JobSubmitted):
        point = _point(row, data, event.id, event.time, slot=0, sequence=None)
        yield msgspec.structs.replace(point, data=None) if event.refusal else point
    elif isinstance(data, JobProgressed):
        at, done = event.time, {"done": data.done, "total": data.total}
        yield _point(row, data, event.id, at, slot=second_of(at), sequence=data.sequence, **done)
    elif isinstance(data, Fact):
        slot = second_of(event.time) if isinstance(data, JobWaiting) else data.sequence
        yield _point(row, data, event.id, event.time, slot=slot, sequence=data.sequence)
        yield from _asked_for(row, data)


def _asked_for(row: JobRow, fact: JobFact) -> Iterator[TimelinePoint]:
    submission = submission_in(fact)
    if isinstance(fact, FirstFact) and fact.asked is not None and submission is not None:
        yield _point(row, submission, fact.asked.request_id, fact.asked.submitted_at, slot=0, sequence=0)


def _point(row: JobRow, data: EventData, event_id: str, at: datetime, **says: Any) -> TimelinePoint:
    return TimelinePoint(
        job_id=row.job_id,
        type=type_name(data).removeprefix("jobmonitor.").rpartition(".")[0],
        event_id=event_id,
        account_id=row.account_id,
        owner_id=row.owner_id,
        at=at,
        data=None if isinstance(data, JobProgressed) else data,
        **says,
    )


def second_of(at: datetime) -> int:
    """Since 1970; exact for every date, which ``timestamp`` is not."""
    return (at - _EPOCH) // _SECOND
