"""A made-up job whose life takes every way into the views: what stops it stops every job, so no message is to blame."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from jobmonitor.contract.envelope import Event, encode
from jobmonitor.contract.events import (
    EventData,
    JobCompleted,
    JobProgressed,
    JobQueued,
    JobStarted,
    JobSubmitted,
    Result,
    ResultDownloaded,
)
from jobmonitor.contract.topics import topic_of

_BEGAN_AT = datetime(2020, 1, 1, tzinfo=UTC)
_RESULT = Result(
    name="rehearsal",
    media_type="text/csv",
    extension="csv",
    size_bytes=1,
    sha256="0" * 64,
    rows=1,
    expires_at=_BEGAN_AT + timedelta(days=1),
)


class _MadeUpMessage(NamedTuple):
    """A message that was never in Kafka."""

    topic: str
    value: bytes
    partition: int = 0
    offset: int = 0
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


def made_up_life(job_type: str) -> list[list[_MadeUpMessage]]:
    """The messages of one job of this type, from its submission to its download, in three batches: the second is plain
    progress, which has a way of its own."""
    job_id = uuid4()
    life = [_MadeUpMessage(topic_of(event.data, job_type), encode(event)) for event in _events(job_id, job_type)]
    return [life[:3], life[3:4], life[4:]]


def _events(job_id: UUID, job_type: str) -> Iterator[Event]:
    for second, data in enumerate(_said(job_type)):
        at = _BEGAN_AT + timedelta(seconds=second)
        yield Event(id=f"{job_id}:{second}", source="/jobmonitor/projection", job_id=job_id, time=at, data=data)


def _said(job_type: str) -> Iterator[EventData]:
    whose: dict[str, Any] = {"account_id": 1, "owner_id": 1, "job_type": job_type}
    yield JobSubmitted(**whose, parameters={})
    yield JobQueued(**whose, sequence=1)
    yield JobStarted(**whose, sequence=2, total=1, unit="rows")
    yield JobProgressed(**whose, sequence=3, done=1, total=1)
    yield JobCompleted(**whose, sequence=4, done=1, total=1, rejected=0, outcomes={"done": 1}, result=_RESULT)
    yield ResultDownloaded(**whose, sequence=5, downloaded_by=1)
