"""A batch of messages on its way into the views: decoded once, then folded into the rows its jobs have so far. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from uuid import UUID

from jobmonitor.contract.envelope import Event, Undecodable, decode
from jobmonitor.contract.events import ChunkDispatched, JobStopRequested
from jobmonitor.contract.topics import jobs_topic
from jobmonitor.projection.fold import Inapplicable, JobRow, fold
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


class Arrival(NamedTuple):
    """A message that decodes, and its event."""

    message: Message
    event: Event


class Rejected(NamedTuple):
    """A message for the dead letters."""

    message: Message
    reason: str
    """One sentence for operators."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages in the order of their partitions."""

    arrivals: list[Arrival]
    undecodable: list[Rejected]

    def jobs(self) -> list[UUID]:
        """The jobs in it, each once, in the order they appear."""
        return list(dict.fromkeys(arrival.event.job_id for arrival in self.arrivals))

    def jobs_introduced(self) -> set[UUID]:
        """The jobs whose events here say whose they are, so that a row can begin with them."""
        silent = JobStopRequested | ChunkDispatched
        return {event.job_id for _, event in self.arrivals if not isinstance(event.data, silent)}


@dataclass(frozen=True, slots=True)
class Changes:
    """What a batch makes of the views."""

    rows: dict[UUID, JobRow] = field(default_factory=dict)
    """The rows that differ from what they were."""
    points: dict[tuple[UUID, str, int], TimelinePoint] = field(default_factory=dict)
    inapplicable: list[Rejected] = field(default_factory=list)


def read(messages: Iterable[Message]) -> Batch:
    """Decode the messages, each once."""
    batch = Batch([], [])
    for message in messages:
        try:
            batch.arrivals.append(Arrival(message, decode(message.value)))
        except Undecodable as error:
            batch.undecodable.append(Rejected(message, str(error)))
    return batch


def fold_batch(known: Mapping[UUID, JobRow], batch: Batch) -> Changes:
    """Fold the batch into the rows known of its jobs; a job without a row gets its first."""
    rows = dict(known)
    changes = Changes()
    for message, event in batch.arrivals:
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
