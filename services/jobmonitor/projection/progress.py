"""Plain progress: the events there are most of, decoded in one step, of which only the newest of each job counts. Pure.

An event is plain if it says only that its job went on: a well-formed ``JobProgressed`` on its job's own topic, behind
all progress of this job gathered before. Whatever else comes is folded one by one, and so is all of its job.
"""

from datetime import UTC
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from jobmonitor.contract.envelope import Event, decode
from jobmonitor.contract.events import Instant, JobProgressed

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Progress(Event, frozen=True, kw_only=True, rename={"job_id": "subject"}):
    """A ``JobProgressed`` with its whole envelope: what decodes so, ``decode`` gives the same."""

    specversion: Literal["1.0"]
    id: _Text
    source: _Text
    type: Literal["jobmonitor.job_progressed.v1"]
    job_id: UUID
    time: Instant
    datacontenttype: str = "application/json"
    data: JobProgressed


_progress_decoder = msgspec.json.Decoder(Progress)


def decode_event(message: bytes | None) -> Event:
    """The event in these bytes, a ``Progress`` where it is one. Raises Undecodable."""
    try:
        event = _progress_decoder.decode(message or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError):
        return decode(message)
    if event.time.tzinfo is UTC and message is not None and b"\\u0000" not in message:
        return event
    return decode(message)


def goes_on(before: Progress, after: Progress) -> bool:
    """Whether the later one of two events of a job says at least as much in everything, so that the other is spent."""
    old, new = before.data, after.data
    return (
        new.sequence > old.sequence
        and new.done >= old.done
        and new.total >= old.total
        and after.time >= before.time
        and new.account_id == old.account_id
        and new.owner_id == old.owner_id
        and new.job_type == old.job_type
    )
