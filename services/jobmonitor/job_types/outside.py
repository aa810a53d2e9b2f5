"""Effects outside the database, such as mail: what no roll-back takes back, and what must not happen twice.

A chunk of such a type has a list as its payload, one JSON value for each unit. Instead of ``run_chunk`` the engine
calls ``reserve``, ``act`` and ``record``. What was reserved is committed before anything is done about it; whoever
finds it after a crash records it as ``unknown`` and never does it again. So an effect happens once at most, and how
often it did lies between what is recorded as done and that with what is unknown.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar
from uuid import UUID

import msgspec

from jobmonitor.job_types.protocol import NO_CPU, Context, Cpu
from jobmonitor.runtime.objects import ObjectStore

UNKNOWN = "unknown"
"""The outcome of a unit of which nobody can tell whether its effect happened."""

Answers: TypeAlias = "AsyncGenerator[Settled | Later, None]"
OfParams = TypeVar("OfParams", bound=msgspec.Struct, contravariant=True)


class Effect(msgspec.Struct, frozen=True, tag="effect"):
    """There is something to be done for this unit."""

    data: Any
    """JSON: all that ``act`` needs to know."""


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """What became of a unit, for good."""

    outcome: str
    rejected: bool = False
    """Whether the unit was refused with a reason."""
    note: str | None = None
    """For ``record``, for instance the server's answer. The engine keeps it until then."""


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing happened for this unit; it is to be tried again. Not more often than ``RetryPolicy.later_max``."""

    reason: str
    """The outcome it is refused with when it was left too often."""
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a chunk leaves for later; it becomes a chunk of its own, behind all others, with all its tries."""

    units: int
    payload: Any
    """Of that chunk."""
    after_s: float
    reason: str = "left"
    """The outcome its units are refused with when they were left too often: see ``RetryPolicy.later_max``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideContext:
    """What acting works with. No connection to the database is held meanwhile."""

    objects: ObjectStore
    account_id: int
    owner_id: int
    job_id: UUID
    attempt: int = 1
    """Which try of this chunk it is."""
    times_left: int = 0
    """How often these units were left for later before."""
    stop_requested: asyncio.Event = field(default_factory=asyncio.Event)
    """Set within half a second of the job's stop. No further answer is then asked for."""
    cpu: Cpu = NO_CPU


class Outside(Protocol[OfParams]):
    """The three steps of a chunk with effects outside."""

    async def reserve(self, params: OfParams, units: Sequence[Any], context: Context) -> Sequence[Effect | Settled]:
        """Say of each unit, in order, what is to be done, or what became of it without anything being done.

        What it writes commits with the reservation, before anything is done. A unit comes again where it was left, or
        where it was reserved and surely not begun. Raises Refused.
        """
        ...

    def act(self, params: OfParams, effects: Sequence[Effect], context: OutsideContext) -> Answers:
        """Do these, one after the other, and say of each, in order, what became of it.

        An effect is begun only when its answer is asked for: when the job stops or the worker ends, none is asked for
        any more. What cannot be told, such as a connection that was cut in the middle, is settled as UNKNOWN. Cancelled
        when the lease is lost; the effect it was about then is unknown. Raises ServiceAway where the effect it is about
        surely did not happen: that one and all behind it are tried again when the service is back, and no try is used
        up. After any other error the effect it was about is unknown, and the others behind it are tried again.
        """
        ...

    async def record(self, params: OfParams, settled: Sequence[tuple[Any, Settled]], context: Context) -> "Recorded":
        """Write down what became of these units, each with its answer. Commits with the chunk's mark, once.

        The engine counts the outcomes. Of what a worker left reserved that crashed it tells as UNKNOWN. What was
        reserved and is neither recorded nor comes again when the job has ended was not begun; of a failed job it is
        unknown. May be called again after an error that passes.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """This chunk's piece of the result file."""

    content: bytes = b""
    rows: int = 0
    """Data rows in ``content``."""
