"""The points of a job's timeline: every event of its life once, and its progress at most once a second.

A point's ``slot`` says what makes two events of one type the same point, so that doubled and late events, and a replay
of the whole log, leave the same timeline.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from jobmonitor.contract.envelope import Event, type_name
from jobmonitor.contract.events import ChunkDispatched, EventData, Fact, JobProgressed, JobStopRequested, JobSubmitted
from jobmonitor.projection.fold import JobRow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class TimelinePoint(msgspec.Struct, frozen=True, kw_only=True):
    """One row of ``job_timeline``."""

    job_id: UUID
    type: str
    """The event's name without its version: ``job_started``."""
    slot: int
    """0 for the submission, microseconds since 1970 of a stop request, the second of a progress, a fact's sequence."""
    event_id: str
    account_id: int
    owner_id: int
    at: datetime
    sequence: int | None
    done: int | None = None
    """Of progress, as is ``total``: beside its columns a point of progress has nothing more to tell."""
    total: int | None = None
    data: EventData | None
    """The event; None of progress."""

    @property
    def key(self) -> tuple[UUID, str, int]:
        """What is unique in the timeline."""
        return (self.job_id, self.type, self.slot)

    def supersedes(self, other: "TimelinePoint") -> bool:
        """Which of two events is the point: of progress the furthest, of requests the first."""
        if self.sequence != other.sequence:
            return (self.sequence or 0) > (other.sequence or 0)
        return (self.at, self.event_id) < (other.at, other.event_id)


def timeline_point(row: JobRow, event: Event) -> TimelinePoint:
    """The point this event makes in the timeline of its job."""
    progress = event.data if isinstance(event.data, JobProgressed) else None
    return TimelinePoint(
        job_id=event.job_id,
        type=type_name(event.data).removeprefix("jobmonitor.").rpartition(".")[0],
        slot=_slot(event),
        event_id=event.id,
        account_id=row.account_id,
        owner_id=row.owner_id,
        at=event.time,
        sequence=event.data.sequence if isinstance(event.data, Fact) else None,
        done=progress.done if progress else None,
        total=progress.total if progress else None,
        data=None if progress else event.data,
    )


def second_of(at: datetime) -> int:
    """Since 1970; exact for every date, which ``timestamp`` is not."""
    return (at - _EPOCH) // _SECOND


def _slot(event: Event) -> int:
    match event.data:
        case JobProgressed():
            return second_of(event.time)
        case JobSubmitted() | ChunkDispatched():
            return 0
        case JobStopRequested():
            return round(event.time.timestamp() * 1_000_000)
        case fact:
            return fact.sequence
