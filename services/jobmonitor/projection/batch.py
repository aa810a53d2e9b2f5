"""A batch of messages on its way into the views: decoded once, then folded into the rows its jobs have so far. Pure."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from jobmonitor.contract.envelope import Event, Undecodable, decode
from jobmonitor.contract.events import ChunkDispatched, JobStopRequested
from jobmonitor.contract.topics import jobs_topic
from jobmonitor.projection.fold import Inapplicable, JobRow, fold
from jobmonitor.projection.progress import Progress, decode_progress, goes_on, is_at_home
from jobmonitor.projection.timeline import TimelinePoint, timeline_point


class Message(Protocol):
    """A Kafka message as the consumer gives it."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


Arrival = tuple[Message, Event]
"""A message that decodes, and its event."""


class Rejected(NamedTuple):
    """A message for the dead letters."""

    message: Message
    reason: str
    """One sentence for operators."""


PlainPoint = tuple[Progress, int, bool]
"""Progress that is the last of its second: a point of the timeline, its slot, and whether the batch has no later one of
this job: then it also says how far the job is."""


@dataclass(slots=True)
class Batch:
    """Messages in the order of their partitions. Plain progress (``progress``) is merged as it comes in."""

    arrivals: list[tuple[Message, Event | int]] = field(default_factory=list)
    """All that decode. Of plain progress the number of the job's id: to hold all events would cost time and memory."""
    undecodable: list[Rejected] = field(default_factory=list)
    varied: set[UUID] = field(default_factory=set)
    """Jobs of which there is more than plain progress: all their events are folded one by one."""
    _newest: dict[int, tuple[Progress, int]] = field(default_factory=dict)
    """The newest plain progress of each job, and its slot. By the id's number, which is quicker to look up."""
    _spent: list[tuple[Progress, int]] = field(default_factory=list)
    """Plain progress with a later one, but none in its second."""

    def __len__(self) -> int:
        return len(self.arrivals) + len(self.undecodable)

    def add(self, messages: Iterable[Message]) -> None:
        """Decode these, each once, and merge what is plain progress."""
        newest, arrived = self._newest, self.arrivals.append
        for message in messages:
            progress = decode_progress(message.value)
            if progress is not None and is_at_home(progress, message.topic):
                job = progress.job_id.int
                slot = int(progress.time.timestamp())
                known = newest.get(job)
                if known is None or goes_on(known[0], progress):
                    if known is not None and known[1] != slot:
                        self._spent.append(known)
                    newest[job] = (progress, slot)
                    arrived((message, job))
                    continue
            if event := self._decoded(message):
                arrived((message, event))

    def _decoded(self, message: Message) -> Event | None:
        try:
            event = decode(message.value)
        except Undecodable as error:
            self.undecodable.append(Rejected(message, str(error)))
            return None
        self.varied.add(event.job_id)
        return event

    def plain_points(self) -> list[PlainPoint]:
        """The plain progress of the jobs that have nothing else here: at most one a second of each job."""
        points = [(event, slot, False) for event, slot in self._spent]
        points += [(event, slot, True) for event, slot in self._newest.values()]
        return [point for point in points if point[0].job_id not in self.varied] if self.varied else points

    def of_jobs(self, job_ids: Set[UUID]) -> list[Arrival]:
        """What arrived of these jobs, in order, each as an event of the contract."""
        plain = {job_id.int for job_id in job_ids}
        return [
            (message, decode(message.value) if isinstance(event, int) else event)
            for message, event in self.arrivals
            if (event in plain if isinstance(event, int) else event.job_id in job_ids)
        ]

    def job_ids(self) -> set[UUID]:
        """The jobs of which something arrived."""
        return {UUID(int=event) if isinstance(event, int) else event.job_id for _, event in self.arrivals}

    def last_at(self) -> datetime | None:
        """When the last of these events happened; None if there is none."""
        return decode(self.arrivals[-1][0].value).time if self.arrivals else None


@dataclass(frozen=True, slots=True)
class Changes:
    """What events, folded one by one, make of the views."""

    rows: dict[UUID, JobRow] = field(default_factory=dict)
    """The rows that differ from what they were."""
    points: dict[tuple[UUID, str, int], TimelinePoint] = field(default_factory=dict)
    inapplicable: list[Rejected] = field(default_factory=list)


def read(messages: Iterable[Message]) -> Batch:
    """A batch of these messages."""
    batch = Batch()
    batch.add(messages)
    return batch


def jobs_introduced(arrivals: Iterable[Arrival]) -> set[UUID]:
    """The jobs whose events here say whose they are, so that a row can begin with them."""
    silent = JobStopRequested | ChunkDispatched
    return {event.job_id for _, event in arrivals if not isinstance(event.data, silent)}


def fold_arrivals(known: Mapping[UUID, JobRow], arrivals: Iterable[Arrival]) -> Changes:
    """Fold these into the rows known of their jobs; a job without a row gets its first."""
    rows = dict(known)
    changes = Changes()
    for message, event in arrivals:
        try:
            row = fold(rows.get(event.job_id), event)
            _must_be_at_home(row, message.topic)
        except Inapplicable as error:
            changes.inapplicable.append(Rejected(message, str(error)))
            continue
        rows[event.job_id] = row
        _add(changes.points, timeline_point(row, event))
    changes.rows.update((job_id, row) for job_id, row in rows.items() if row != known.get(job_id))
    return changes


def _must_be_at_home(row: JobRow, topic: str) -> None:
    if jobs_topic(row.job_type) != topic:
        raise Inapplicable(f"The job is a {row.job_type}: its events belong on {jobs_topic(row.job_type)}.")


def _add(points: dict[tuple[UUID, str, int], TimelinePoint], point: TimelinePoint) -> None:
    other = points.get(point.key)
    if other is None or point.supersedes(other):
        points[point.key] = point
