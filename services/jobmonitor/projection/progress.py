"""Plain progress: the events there are most of, decoded in one step, of which only the newest of each job counts. Pure.

An event is plain if it says only that its job went on: a well-formed ``JobProgressed`` on its job's own topic, behind
all progress of this job gathered before. Whatever else comes is folded one by one, and so is all of its job.
"""

from datetime import UTC, timedelta
from functools import lru_cache
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from jobmonitor.contract.envelope import Source
from jobmonitor.contract.events import Count, Id, Instant, Ordinal
from jobmonitor.contract.limits import FIRST_YEAR, LAST_YEAR, TEXT_LENGTH_MAX

_MINUTE = timedelta(minutes=1)
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_LENGTH_MAX)]


class ProgressData(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As ``JobProgressed``, but for the form of the type: what lies on its own type's topic has it right."""

    account_id: Id
    owner_id: Id
    job_type: str
    sequence: Ordinal
    done: Count
    total: Count


class PlainProgress(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename={"job_id": "subject"}):
    """A ``JobProgressed`` in its envelope: on its own type's topic ``decode`` gives the same of it."""

    specversion: Literal["1.0"]
    id: _Text
    source: _Text
    type: Literal["jobmonitor.job_progressed.v1"]
    job_id: UUID
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    data: ProgressData


_ESCAPE, _DELETE = ord("\\"), 0x7F  # a number is looked for four times as fast as bytes
_decode = msgspec.json.Decoder(PlainProgress).decode


@lru_cache(maxsize=1024)
def _is_source(source: str) -> bool:
    """Patterns are what takes longest in decoding, and sources are few."""
    try:
        msgspec.convert(source, Source)
    except msgspec.ValidationError:
        return False
    return True


def decode_progress(message: bytes | None) -> PlainProgress | None:
    """The progress in these bytes if it can be true; None leaves them to ``decode``."""
    # Control characters, which no text may hold, can only come escaped, but for one.
    if message is None or _ESCAPE in message or _DELETE in message:
        return None
    try:
        event = _decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError):
        return None
    time, data = event.time, event.data
    can_be_true = time.tzinfo is UTC and FIRST_YEAR <= time.year <= LAST_YEAR and data.done <= data.total
    return event if can_be_true and _is_source(event.source) else None


def supersedes(before: PlainProgress, after: PlainProgress) -> bool:
    """Whether the later of two events of a job supersedes the other: none of its values is less."""
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


def in_one_second(before: PlainProgress, after: PlainProgress) -> bool:
    """Whether they happened in the same second, of which a timeline has one point. Quicker than to count both."""
    return before.time.second == after.time.second and after.time - before.time < _MINUTE
