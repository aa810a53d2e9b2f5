"""What a job type is: a value that plans work, does one chunk of it, and joins the parts into the user's file.

The engine (``jobmonitor.processor``) does all the rest: leases, retries, progress, stopping, storing, publishing. A
chunk's effects in the database, its mark in the ledger and the job's progress commit in one transaction, so a job type
never has to ask whether a chunk was done before.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from jobmonitor.database.pool import Connection

Params = TypeVar("Params", bound=msgspec.Struct)


class Refused(Exception):
    """The job cannot be done as asked; permanent. Before the start it refuses the request, later it fails the job.

    The message is one sentence for the job's owner.
    """

    def __init__(self, code: str, reason: str, *, parameter: str | None = None) -> None:
        super().__init__(reason)
        self.code = code
        """A stable word for programs, for instance ``csv_required``."""
        self.parameter = parameter
        """The parameter at fault, where there is one."""


@dataclass(frozen=True, slots=True)
class PlannedChunk:
    """A bounded piece of work: at most about a second of it."""

    units: int
    payload: Any
    """JSON: all that ``run_chunk`` needs to know, for instance the ids of 2,000 supporters."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one chunk gave."""

    content: bytes
    """This chunk's piece of the result file; stored by the engine."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """Units per outcome; they add up to the chunk's units."""
    rejected: int = 0
    """How many of them were refused with a reason."""
    rows: int = 0
    """Data rows in ``content``."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """The result file as it is to be stored."""

    content: AsyncIterator[bytes]
    media_type: str
    extension: str


class JobType(Protocol[Params]):
    """One job type. Connections come inside a transaction of the job's account: row-level security hides all others."""

    slug: str
    """The stable name in topics, URLs and parameters' schema."""
    title: str
    """The name users know, shown in the columns Type and Job Name."""
    unit: str
    """What progress counts, in the plural, while the parameters are not known."""
    permission: str
    """The permission needed to start it (domain rule 2.1)."""
    stoppable: bool
    """Whether users may stop it once submitted."""
    params_type: type[Params]

    def unit_of(self, params: Params) -> str:
        """What the progress of a job with these parameters counts, in the plural."""
        ...

    async def check(self, params: Params, connection: Connection) -> None:
        """Refuse what can be known to be impossible before any work. Raises Refused."""
        ...

    async def count(self, params: Params, connection: Connection) -> int:
        """How many units the job would have if it were planned now: for the preview, before anybody submits."""
        ...

    def plan(self, params: Params, connection: Connection) -> AsyncIterator[PlannedChunk]:
        """Split the work, in the order of the result file; nothing means no work. One REPEATABLE READ snapshot.

        Streams: never holds the whole plan. Raises Refused.
        """
        ...

    async def run_chunk(self, params: Params, payload: Any, connection: Connection) -> Part:
        """Do one chunk. Effects go through ``connection`` and commit with the chunk's mark, once. Raises Refused."""
        ...

    def assemble(self, params: Params, parts: AsyncIterator[bytes], connection: Connection) -> Assembly:
        """Join the parts, which come in plan order (none for an empty plan), into the file. Streams.

        ``parts`` yields their bytes one after the other, cut anywhere: the borders between parts cannot be seen.
        """
        ...
