"""What the log says about each job, in compact form: folded message by message, so that a million of them fit.

Pure. The fold does not judge; the invariants do.
"""

import hashlib
import sys
from array import array
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from jobmonitor.contract.envelope import Event, Undecodable, decode, type_name
from jobmonitor.contract.events import (
    ChunkDispatched,
    EventData,
    Fact,
    JobFact,
    JobProgressed,
    JobStopRequested,
    JobSubmitted,
    submission_in,
)
from jobmonitor.contract.topics import requests_topic, topic_of
from jobmonitor.job.evolve import evolve
from jobmonitor.job.row import JobRow
from jobmonitor.job.state import Job
from jobmonitor.projection.batch import Message
from jobmonitor.projection.fold import Inapplicable, fold
from jobmonitor.projection.timeline import TimelinePoint, timeline_points

LEDGER_SOURCES = "/jobmonitor/"
"""With this the sources of facts begin that a ledger made; jobs that run elsewhere are only reported here."""


class Who(NamedTuple):
    """What of a job never changes."""

    account_id: int
    owner_id: int
    job_type: str


class Moment(NamedTuple):
    """A fact and when it happened."""

    fact: JobFact
    at: datetime


class Stop(NamedTuple):
    """A stop request."""

    account_id: int
    at: datetime


class Timeline(NamedTuple):
    """The points of a job's timeline, in short."""

    points: int
    digest: int
    """Of all points, in any order."""
    has_submission_of_fact: bool
    """Whether a fact told the submission, so that its point does not hang on the request."""


SUBMISSION_POINT = ("job_submitted", 0)


class JobLog:
    """All the log says about one job, and what of it is not sent yet."""

    __slots__ = (
        "_moments",
        "_points",
        "_progress",
        "by_ledger",
        "conflicts",
        "job_id",
        "row",
        "stops",
        "submission",
        "who",
    )

    def __init__(self, job_id: UUID) -> None:
        self.job_id = job_id
        self.who: tuple[Who, ...] = ()
        """Whose job the facts say it is; at most one in a healthy log."""
        self.submission: JobSubmitted | None = None
        """The first, or what the first fact says of it."""
        self.stops: tuple[Stop, ...] = ()
        self.by_ledger = False
        """Whether a ledger made facts of it."""
        self.conflicts: set[int] = set()
        """Sequences that two different facts have."""
        self._moments: dict[int, tuple[Moment, int]] = {}
        self._progress = _Progress()
        self.row: JobRow | None = None
        """What the views should show: the fold up to their offsets."""
        self._points: dict[tuple[str, int], tuple[Any, ...]] = {}

    def add(self, event: Event) -> None:
        """Take one event in; doubled and late ones are fine."""
        data = event.data
        if isinstance(data, JobSubmitted):
            self.submission = self.submission or data
        elif isinstance(data, JobStopRequested):
            self.stops = (*self.stops, Stop(data.account_id, event.time))
        elif isinstance(data, Fact):
            self.by_ledger = self.by_ledger or event.source.startswith(LEDGER_SOURCES)
            self.submission = submission_in(data) or self.submission
            self._add_fact(data, event.time)

    def _add_fact(self, fact: JobFact, at: datetime) -> None:
        who = Who(fact.account_id, fact.owner_id, fact.job_type)
        if who not in self.who:
            self.who = (*self.who, who)
        digest = _digest(fact)
        if isinstance(fact, JobProgressed):
            self._progress.add(fact, digest)
            return
        known = self._moments.setdefault(fact.sequence, (Moment(fact, at), digest))
        if known[1] != digest:
            self.conflicts.add(fact.sequence)

    def fold(self, event: Event, topic: str) -> None:
        """Take in an event that the projection has folded, as it does."""
        try:
            row = fold(self.row, event)
        except Inapplicable:
            return
        if topic_of(event.data, row.job_type) == topic:
            self.row = row
            for point in timeline_points(row, event):
                self._add_point(point)

    def _add_point(self, point: TimelinePoint) -> None:
        key, value = (sys.intern(point.type), point.slot), (-point.rank, point.at, point.event_id)
        if key not in self._points or value < self._points[key][:3]:
            self._points[key] = (
                *value,
                point_digest(msgspec.to_builtins(point.data), point.account_id, point.done, point.total),
            )

    def close(self) -> None:
        """All is read: find what can only be seen together."""
        self.conflicts |= self._progress.close() | (set(self._progress.rows) & set(self._moments))

    @property
    def job_types(self) -> set[str]:
        """One in a healthy log; none if there is only a stop."""
        return {who.job_type for who in self.who} | ({self.submission.job_type} if self.submission else set())

    @property
    def last_sequence(self) -> int:
        """Of the facts there are; 0 without any."""
        return max([0, *self._moments, *self._progress.rows])

    def missing(self, up_to: int) -> list[int]:
        """The first three sequences from 1 to this one that no fact has. A forged fact may have the highest of all."""
        missing = (n for n in range(1, up_to + 1) if n not in self._moments and n not in self._progress.rows)
        return list(islice(missing, 3))

    def facts(self) -> Iterator[JobFact]:
        """Each fact once, in the order of their sequences."""
        for sequence in sorted([*self._moments, *self._progress.rows]):
            if sequence in self._moments:
                yield self._moments[sequence][0].fact
            else:
                done, total = self._progress.rows[sequence]
                yield JobProgressed(**self.who[0]._asdict(), sequence=sequence, done=done, total=total)

    def moments(self) -> list[Moment]:
        """The facts that are no progress, in order, with their times."""
        return [self._moments[sequence][0] for sequence in sorted(self._moments)]

    def job_at(self, sequence: int) -> Job:
        """The job after the facts up to this sequence."""
        job = Job(account_id=0, owner_id=0, job_type="")
        for fact in self.facts():
            if fact.sequence <= sequence:
                job = evolve(job, fact)
        return job

    def timeline(self) -> "Timeline":
        """What the timeline should be."""
        points = ((*key, value[2], value[3]) for key, value in self._points.items())
        submission = self._points.get(SUBMISSION_POINT)
        return Timeline(
            points=len(self._points),
            digest=sum_of(mix(*point) for point in points),
            has_submission_of_fact=submission is not None and submission[0] == 0,
        )


class _Progress:
    """Facts of progress, which can be thousands of one job: plain numbers until all are read."""

    __slots__ = ("_numbers", "rows")

    def __init__(self) -> None:
        self._numbers = array("q")
        self.rows: dict[int, tuple[int, int]] = {}
        """(done, total) by sequence; filled at the end."""

    def add(self, fact: JobProgressed, digest: int) -> None:
        self._numbers.extend((fact.sequence, fact.done, fact.total, digest))

    def close(self) -> set[int]:
        """Fill ``rows``; returns the sequences that two different facts have."""
        digests: dict[int, int] = {}
        conflicts = set()
        for sequence, done, total, digest in zip(*[iter(self._numbers)] * 4, strict=True):
            if digests.setdefault(sequence, digest) != digest:
                conflicts.add(sequence)
            self.rows.setdefault(sequence, (done, total))
        self._numbers = array("q")
        return conflicts


class LogFold:
    """The jobs of the log. ``folded_to`` is where the views stand, as in Snapshot."""

    def __init__(self, folded_to: Mapping[tuple[str, int], int]) -> None:
        self.jobs: dict[UUID, JobLog] = {}
        self.messages = 0
        self._folded_to = folded_to

    def add(self, message: Message) -> None:
        """Take a message in, a request or a fact. What nobody can decode is the dead letters' matter."""
        self.messages += 1
        event, topic = _decoded(message.value), message.topic
        if event is None or not _is_at_home(event.data, topic):
            return
        job = self._job(event.job_id)
        job.add(event)
        if message.offset < self._folded_to.get((topic, message.partition), 0):
            job.fold(event, topic)

    def add_unsent(self, topic: str, value: bytes) -> None:
        """Take a message in that waits in the outbox: the ledger's facts, whether sent or not, are one line."""
        event = _decoded(value)
        if event is not None and _is_at_home(event.data, topic):
            self._job(event.job_id).add(event)

    def close(self) -> dict[UUID, JobLog]:
        """The jobs, when all is read."""
        for job in self.jobs.values():
            job.close()
        return self.jobs

    def _job(self, job_id: UUID) -> JobLog:
        if job_id not in self.jobs:
            self.jobs[job_id] = JobLog(job_id)
        return self.jobs[job_id]


def _decoded(value: bytes | None) -> Event | None:
    try:
        return decode(value)
    except Undecodable:
        return None


def _is_at_home(data: EventData, topic: str) -> bool:
    """Whether the readers of this topic take the event for one of theirs."""
    if isinstance(data, ChunkDispatched):
        return False
    if isinstance(data, JobStopRequested):
        return topic.startswith(requests_topic(""))
    return topic_of(data, data.job_type) == topic


def _digest(fact: JobFact) -> int:
    return mix(type_name(fact), msgspec.json.encode(fact, order="sorted"))


def mix(*parts: object) -> int:
    """A digest of these in 63 bits."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(part if isinstance(part, bytes) else repr(part).encode())
        digest.update(b"\x00")
    return int.from_bytes(digest.digest()) >> 1


def sum_of(digests: Iterator[int]) -> int:
    """One digest of many, whatever their order."""
    return sum(digests) % 2**63


def point_digest(data: Any, *columns: int | None) -> int:
    """What a point of the timeline says, the same before and after the database kept it."""
    return mix(*columns, msgspec.json.encode(plain(data), order="sorted"))


def plain(value: Any) -> Any:
    """JSON as it comes back from the database, which does not tell 3.0 from 3."""
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value
