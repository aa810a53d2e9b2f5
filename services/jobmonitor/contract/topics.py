"""The catalogue of topics: key, partitions, retention and what travels on each. ``schemas/topics.yaml`` shows it.

The broker creates no topic by itself; ``jobmonitor topics --create`` and the local stack create what stands here, each
with its final number of partitions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jobmonitor.contract.events import EVENT_TYPES, ChunkDispatched, EventData, Fact, JobRequest

DAY_MS = 24 * 60 * 60 * 1000
PARTITIONS = 4
"""Of a job type's topics of requests and facts; that of chunks has twice as many."""
MESSAGE_BYTES_MAX = 1024 * 1024
"""The largest message, key and headers and Kafka's frame included, that any topic takes and any of us sends."""
DEAD_LETTERS = "dead-letters"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the catalogue."""

    name: str
    purpose: str
    key: str
    partitions: int
    """Also the most workers that can share the topic."""
    retention_ms: int
    """-1 keeps everything: the topics of facts are the log the views are rebuilt from."""
    event_types: tuple[str, ...]
    """Empty where the messages are not events of ours (dead letters keep the original bytes)."""
    cleanup_policy: str = "delete"
    """Never ``compact``: it would leave the last event of each job and lose the others."""
    max_message_bytes: int = MESSAGE_BYTES_MAX
    """The largest message the topic takes."""


def requests_topic(job_type: str) -> str:
    """The topic producers write to: submissions and stops of jobs of this type."""
    return f"requests.{job_type}"


def jobs_topic(job_type: str) -> str:
    """The topic of what happened to every job of this type. Only our own processes write to it."""
    return f"jobs.{job_type}"


def work_topic(job_type: str) -> str:
    """The topic that spreads the chunks of this type over its workers."""
    return f"work.{job_type}"


def topic_of(data: EventData, job_type: str) -> str:
    """Where an event about a job of this type belongs. Readers refuse it on any other topic."""
    match data:
        case ChunkDispatched():
            return work_topic(job_type)
        case Fact():
            return jobs_topic(job_type)
        case _:
            return requests_topic(job_type)


def view_topics(job_type: str) -> tuple[str, str]:
    """What the views are made from: the requests, so that a job is seen as soon as it is sent, and the facts."""
    return requests_topic(job_type), jobs_topic(job_type)


_WORK_EVENTS = ("jobmonitor.chunk_dispatched.v1",)
_REQUEST_EVENTS = tuple(name for name, data_type in EVENT_TYPES.items() if issubclass(data_type, JobRequest))
_FACT_EVENTS = tuple(name for name, data_type in EVENT_TYPES.items() if issubclass(data_type, Fact))


def _topics_of(job_type: str, partitions: int) -> tuple[Topic, Topic, Topic]:
    requests = Topic(
        name=requests_topic(job_type),
        purpose=f"What producers ask for: {job_type} jobs, and their stops.",
        key="job id",
        partitions=partitions,
        retention_ms=30 * DAY_MS,
        event_types=_REQUEST_EVENTS,
    )
    facts = Topic(
        name=jobs_topic(job_type),
        purpose=f"What happened to every {job_type} job.",
        key="job id",
        partitions=partitions,
        retention_ms=-1,
        event_types=_FACT_EVENTS,
    )
    work = Topic(
        name=work_topic(job_type),
        purpose=f"The chunks of {job_type} jobs, spread over the workers.",
        key="job id and chunk",
        partitions=2 * partitions,
        retention_ms=7 * DAY_MS,
        event_types=_WORK_EVENTS,
    )
    return requests, facts, work


_DEAD_LETTERS = Topic(
    name=DEAD_LETTERS,
    purpose="Messages nobody could decode or apply: original bytes and headers, position and reason as headers; "
    "and who published which of them again.",
    key="as in the original message",
    partitions=1,
    retention_ms=90 * DAY_MS,
    event_types=(),
)


def catalogue(job_types: Iterable[str], partitions: Mapping[str, int] | None = None) -> tuple[Topic, ...]:
    """The topics of a system with jobs of these types. ``partitions`` of some, by type; ``*`` is for all others."""
    changed = partitions or {}
    usual = changed.get("*", PARTITIONS)
    of_types = (_topics_of(job_type, changed.get(job_type, usual)) for job_type in job_types)
    return *(topic for topics in of_types for topic in topics), _DEAD_LETTERS
