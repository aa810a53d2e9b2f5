"""A batch of messages on its way into the views: decoded once, then folded into the rows its jobs have so far. Pure."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from jobmonitor.contract.envelope import Event, Undecodable, decode
from jobmonitor.contract.events import ChunkDispatched, JobStopRequested
from jobmonitor.contract.topics import jobs_topic, requests_topic, topic_of
from jobmonitor.job.row import JobRow
from jobmonitor.projection.fold import Inapplicable, TooEarly, fold
from jobmonitor.projection.progress import PlainProgress, decode_progress, in_one_second, supersedes
from jobmonitor.projection.timeline import TimelinePoint, timeline_points
from jobmonitor.runtime.record_batches import why_unreadable


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
    unexpected: bool = False
    """Not the message is known to be wrong: we failed at it, and a developer should look."""


PlainPoint = tuple[PlainProgress, bool]
"""Progress that is the last of its second, which makes a point of the timeline; and whether it is the last of its job
in the batch, and so says how far the job is."""


@dataclass(slots=True)
class Batch:
    """Messages in the order of their partitions. Plain progress (``progress``) is merged as it comes in."""

    messages: list[Message] = field(default_factory=list)
    undecodable: list[Rejected] = field(default_factory=list)
    mixed: set[UUID] = field(default_factory=set)
    """Jobs of which there is more than plain progress: all their events are folded one by one."""
    _contents: list[Event | int | None] = field(default_factory=list)
    """What the messages say. Of plain progress the number of the job's id: to hold all events would cost time and
    memory. None of what does not decode."""
    _newest: dict[int, PlainProgress] = field(default_factory=dict)
    """The newest plain progress of each job. By the id's number, which is quicker to look up."""
    _superseded: list[PlainProgress] = field(default_factory=list)
    """Plain progress with a later one, but none in its second."""

    def __len__(self) -> int:
        return len(self.messages)

    def add(self, messages: Sequence[Message]) -> None:
        """Decode these, each once, and merge what is plain progress. Long, as it is the projection's hot loop."""
        self.messages.extend(messages)
        newest, says = self._newest, self._contents.append
        home = at_home = ""
        for message in messages:
            try:
                progress = decode_progress(message.value)
            except Exception as error:  # what no decoder says it raises
                self._refuse(message, error)
                says(None)
                continue
            if progress is None:
                says(self._decoded(message))
                continue
            if progress.data.job_type != at_home or message.topic != home:  # seldom: neighbours are of one topic
                home, at_home = message.topic, progress.data.job_type
                if jobs_topic(at_home) != home:
                    home = ""
            job = progress.job_id.int
            known = newest.get(job)
            if home and (known is None or supersedes(known, progress)):
                if known is not None and not in_one_second(known, progress):
                    self._superseded.append(known)
                newest[job] = progress
                says(job)
            else:
                says(self._decoded(message))

    def _decoded(self, message: Message) -> Event | None:
        if message.value is None and (reason := why_unreadable(message)):
            self.undecodable.append(Rejected(message, reason))
            return None
        try:
            event = decode(message.value)
            must_be_at_home(event, message.topic)
        except (Undecodable, Inapplicable) as error:
            self.undecodable.append(Rejected(message, str(error)))
            return None
        except Exception as error:  # as in add
            self._refuse(message, error)
            return None
        self.mixed.add(event.job_id)
        return event

    def _refuse(self, message: Message, error: Exception) -> None:
        self.undecodable.append(Rejected(message, f"It cannot be decoded: {error!r}", unexpected=True))

    def plain_points(self) -> list[PlainPoint]:
        """The plain progress of the jobs that have nothing else here: at most one a second of each job."""
        points = [(event, False) for event in self._superseded]
        points += [(event, True) for event in self._newest.values()]
        return [point for point in points if point[0].job_id not in self.mixed] if self.mixed else points

    def of_jobs(self, job_ids: Set[UUID]) -> list[Arrival]:
        """What arrived of these jobs, in order, each as an event of the contract."""
        plain = {job_id.int for job_id in job_ids}
        return [
            (message, decode(message.value) if isinstance(event, int) else event)
            for message, event in zip(self.messages, self._contents, strict=True)
            if event is not None and (event in plain if isinstance(event, int) else event.job_id in job_ids)
        ]

    def job_ids(self) -> set[UUID]:
        """The jobs of which something arrived."""
        return {UUID(int=job) for job in self._newest} | self.mixed

    def last_at(self) -> datetime | None:
        """When the last of these events happened; None if there is none."""
        for message, event in zip(reversed(self.messages), reversed(self._contents), strict=True):
            if event is not None:
                return decode(message.value).time
        return None


@dataclass(frozen=True, slots=True)
class ViewChanges:
    """What events, folded one by one, make of the views."""

    rows: dict[UUID, JobRow] = field(default_factory=dict)
    """The rows that differ from what they were."""
    points: dict[tuple[UUID, str, int], TimelinePoint] = field(default_factory=dict)
    inapplicable: list[Rejected] = field(default_factory=list)


def unusable(message: Message, reason: str) -> Batch:
    """A batch of one message that nobody tries to understand."""
    return Batch([message], [Rejected(message, reason, unexpected=True)], set(), [None])


def read(messages: Iterable[Message]) -> Batch:
    """A batch of these messages."""
    batch = Batch()
    batch.add(list(messages))
    return batch


def jobs_introduced(arrivals: Iterable[Arrival]) -> set[UUID]:
    """The jobs whose events here say whose they are, so that a row can begin with them."""
    silent = JobStopRequested | ChunkDispatched
    return {event.job_id for _, event in arrivals if not isinstance(event.data, silent)}


def fold_arrivals(known: Mapping[UUID, JobRow], arrivals: Iterable[Arrival]) -> ViewChanges:
    """Fold these into the rows known of their jobs; a job without a row gets its first."""
    rows = dict(known)
    changes = ViewChanges()
    for message, event in arrivals:
        try:
            row = fold(rows.get(event.job_id), event)
            _must_be_of_its_type(row, event, message.topic)
        except TooEarly:
            continue
        except Inapplicable as error:
            changes.inapplicable.append(Rejected(message, str(error)))
            continue
        rows[event.job_id] = row
        for point in timeline_points(row, event):
            _add(changes.points, point)
    changes.rows.update((job_id, row) for job_id, row in rows.items() if row != known.get(job_id))
    return changes


def must_be_at_home(event: Event, topic: str) -> None:
    """Requests and facts have topics of their own, by the type of their job. Raises Inapplicable.

    A stop does not name the type: of it only the kind of topic can be told.
    """
    if isinstance(event.data, JobStopRequested):
        if not topic.startswith(requests_topic("")):
            raise Inapplicable("A stop is a request: it belongs on the topic of requests of its job's type.")
        return
    home = topic_of(event.data, event.data.job_type)
    if topic != home:
        raise Inapplicable(f"A {type(event.data).__name__} of a {event.data.job_type} job belongs on {home}.")


def _must_be_of_its_type(row: JobRow, event: Event, topic: str) -> None:
    home = topic_of(event.data, row.job_type)
    if topic != home:
        raise Inapplicable(f"The job is a {row.job_type}: this belongs on {home}.")


def _add(points: dict[tuple[UUID, str, int], TimelinePoint], point: TimelinePoint) -> None:
    other = points.get(point.key)
    if other is None or point.supersedes(other):
        points[point.key] = point
