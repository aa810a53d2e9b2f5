"""A job's events for tests, in a row: each has the next sequence and happens a second after the one before."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import msgspec

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import (
    Asked,
    EventData,
    Fact,
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobProgressed,
    JobQueued,
    JobScheduled,
    JobStarted,
    JobStopping,
    JobStopRequested,
    JobSubmitted,
    JobWaiting,
    RequestRejected,
    Result,
    ResultDownloaded,
    ResultExpired,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def result_of(rows: int) -> Result:
    """A stored file of so many rows."""
    return Result(
        name="some.csv",
        media_type="text/csv",
        extension="csv",
        size_bytes=rows * 40,
        sha256="ab" * 32,
        rows=rows,
        expires_at=NOON + timedelta(days=30),
    )


@dataclass
class JobEvents:
    """Makes the events of one job. Calling a method twice makes two events; to double one, keep it."""

    job_type: str = "user-data-export"
    account_id: int = 1
    owner_id: int = 2
    job_id: UUID = field(default_factory=uuid4)
    began_at: datetime = NOON
    total: int = 100
    asked: Asked | None = None
    """What the first fact says was asked: what ``submitted`` said last."""
    _sequences: Iterator[int] = field(default_factory=lambda: count(1))
    stop_asked_at: datetime = NOON
    """When ``stop_requested`` last did so."""
    _seconds: Iterator[int] = field(default_factory=count)

    def submitted(self, **says: Any) -> Event:
        whole: dict[str, Any] = {"parameters": {"format": "user"}, **says}
        event = self._event(JobSubmitted(**self._who(), **whole))
        self.asked = Asked(request_id=event.id, submitted_at=event.time, **whole)
        return event

    def stop_requested(self, by: int = 2) -> Event:
        event = self._event(JobStopRequested(account_id=self.account_id, requested_by=by))
        self.stop_asked_at = event.time
        return event

    def scheduled(self, run_at: datetime) -> Event:
        return self._fact(JobScheduled, run_at=run_at, asked=self.asked)

    def queued(self) -> Event:
        return self._fact(JobQueued, asked=self.asked)

    def started(self) -> Event:
        return self._fact(JobStarted, total=self.total, unit="supporters")

    def progressed(self, done: int) -> Event:
        return self._fact(JobProgressed, done=done, total=self.total)

    def waiting(self, waits_for: str | None = "the mail server") -> Event:
        return self._fact(JobWaiting, waits_for=waits_for)

    def completed(self, *, rejected: int = 0, result: Result | None = None) -> Event:
        outcomes = {"exported": self.total - rejected, "refused": rejected}
        tally = {"done": self.total, "total": self.total, "rejected": rejected, "outcomes": outcomes}
        return self._fact(JobCompleted, **tally, result=result or result_of(self.total))

    def failed(self) -> Event:
        return self._fact(JobFailed, code="csv_required", reason="The file is no CSV file.", asked=self.asked)

    def stopping(self, by: int = 2) -> Event:
        return self._fact(JobStopping, requested_by=by, requested_at=self.stop_asked_at)

    def cancelled(self, done: int = 0, *, by: int = 2, result: Result | None = None) -> Event:
        return self._fact(
            JobCancelled, done=done, total=self.total, requested_by=by, requested_at=self.stop_asked_at, result=result
        )

    def rejected(self, request: str = "stop") -> Event:
        says = {"request": request, "request_id": "x", "requested_at": self.stop_asked_at}
        return self._fact(RequestRejected, **says, code="not_permitted", reason="User 9 may not stop this job.")

    def downloaded(self, by: int = 2) -> Event:
        return self._fact(ResultDownloaded, downloaded_by=by)

    def expired(self) -> Event:
        return self._fact(ResultExpired)

    def _fact(self, kind: type[Fact], **says: Any) -> Event:
        sequence = next(self._sequences)
        if sequence > 1:
            says.pop("asked", None)
        fact: Any = kind(**self._who(), sequence=sequence, **says)
        return self._event(fact, event_id=f"{self.job_id}:{fact.sequence}")

    def _who(self) -> dict[str, Any]:
        return {"account_id": self.account_id, "owner_id": self.owner_id, "job_type": self.job_type}

    def _event(self, data: EventData, event_id: str | None = None) -> Event:
        time = self.began_at + timedelta(seconds=next(self._seconds))
        return Event(id=event_id or str(uuid4()), source="/tests", job_id=self.job_id, time=time, data=data)


def ordinary_life(job: JobEvents) -> list[Event]:
    """A job from its submission to its download."""
    events = [job.submitted(reference="Spring"), job.queued(), job.started()]
    events += [job.progressed(done) for done in (0, 30, 60, 90)]
    return [*events, job.completed(), job.downloaded()]


def says(event: Event, **other: Any) -> Event:
    """The event with other data."""
    data: Any = event.data
    return msgspec.structs.replace(event, data=msgspec.structs.replace(data, **other))
