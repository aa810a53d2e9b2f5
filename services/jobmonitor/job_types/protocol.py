"""What a job type is: a value that plans work, does one chunk of it, and joins the parts into the user's file.

The engine (``jobmonitor.processor``) does all the rest: leases, retries, progress, stopping, storing, publishing. A
chunk's effects in the database, its mark in the ledger and the job's progress commit in one transaction, so a job type
never has to ask whether a chunk was done before.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, TypeVarTuple
from uuid import UUID

import msgspec

from jobmonitor.crm.uploads import UploadContents
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import Statement
from jobmonitor.job.state import State
from jobmonitor.job_types.form import Form
from jobmonitor.job_types.inspection import Inspection
from jobmonitor.job_types.submit import NO_SUBMIT, Submit
from jobmonitor.runtime.objects import ObjectStore

if TYPE_CHECKING:  # it is about the contexts defined here
    from jobmonitor.job_types.outside import Left, Outside

Params = TypeVar("Params", bound=msgspec.Struct)
Answer = TypeVar("Answer")
Arguments = TypeVarTuple("Arguments")

CPU_TIMEOUT_S = 30.0
"""A piece of work must not be silent for longer (``Context.connection``)."""
CPU_MEMORY_BYTES_MAX = 1024**3

RefusalKind = Literal["invalid", "conflict", "forbidden"]
"""What stands against it: what was asked for, the present state of things, or a missing right.

Over HTTP they are 422, 409 and 403. A worker treats all alike.
"""


class Refused(Exception):
    """The job cannot be done as asked; permanent. Before the start it refuses the request, later it fails the job.

    The message is one sentence for the job's owner.
    """

    def __init__(self, code: str, reason: str, *, parameter: str | None = None, kind: RefusalKind = "invalid") -> None:
        super().__init__(reason)
        self.code = code
        """A stable word for programs, for instance ``csv_required``."""
        self.parameter = parameter
        """The parameter at fault, where there is one."""
        self.kind = kind


class Stopped(Exception):
    """Raised by a chunk that ends early because ``stop_requested`` is set. Nothing of it counts."""


class CpuFailed(Refused):
    """One call in the CPU pool failed; its worker and all other calls go on.

    A type that catches it can give one unit the outcome. Otherwise the job is refused.
    """

    def __init__(self, code: str, reason: str, *, detail: str = "") -> None:
        """``code``: cpu_crashed, cpu_timeout, cpu_memory, or cpu_error where the function raised something."""
        super().__init__(code, reason)
        self.detail = detail
        """For programmers, for instance the exception the function raised."""


class Cpu(Protocol):
    """Runs what would hold up everybody whom this process serves, in others: PDFs, hashes, workbooks."""

    async def run(
        self,
        function: Callable[[*Arguments], Answer],
        *arguments: *Arguments,
        timeout_s: float = CPU_TIMEOUT_S,
        memory_bytes_max: int = CPU_MEMORY_BYTES_MAX,
    ) -> Answer:
        """Call a function of a module there; best one that imports little, for each process has its own memory.

        Arguments and answer are of types msgspec knows, and annotated. Waiting for a process does not count as time.
        A chunk leaves its connection alone meanwhile. Raises CpuFailed.
        """
        ...


class NoCpu(Cpu):
    """Where no chunks run: whoever previews a job or offers a form waits for no such work."""

    async def run(
        self,
        function: Callable[[*Arguments], Answer],
        *arguments: *Arguments,
        timeout_s: float = CPU_TIMEOUT_S,
        memory_bytes_max: int = CPU_MEMORY_BYTES_MAX,
    ) -> Answer:
        raise RuntimeError(f"{function.__qualname__}: CPU work is for plans, chunks and assemblies.")


NO_CPU: Cpu = NoCpu()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a chunk is tried again. What ends no try: an outage of a whole service, for which it waits instead."""

    tries_max: int = 5
    pause_first_s: float = 0.5
    """Doubles with every try."""
    pause_max_s: float = 30.0
    outage_max_s: float = 3600.0
    """After so long an outage of one service the job fails."""
    later_max: int = 10
    """So often may a unit be left for later (``Part.left``, ``Later``); then it is refused."""


Workers = Literal["light", "heavy", "mail"]
"""Which workers serve a type, where there are several kinds: light ones most, heavy ones what keeps processors busy,
such as PDFs, and those for mail what waits for mail servers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How much of a type is done at once. Operators may change it: ``jobmonitor job-types`` lists it."""

    slots: int = 8
    """Chunks of the type that one process works on at once, as far as its share of the process allows."""
    chunks_in_flight: int = 4
    """Of one job at a time, over all workers: bounds how much one job can take."""
    workers: Workers = "light"


@dataclass(frozen=True, slots=True)
class Context:
    """What a job type works with, and for whom."""

    connection: Connection
    """Inside a transaction of the job's account: row-level security hides all others. A plan may only read. Work must
    not be silent for longer than four leases (40 s unless set): the server then ends the transaction."""
    objects: ObjectStore
    """For reading what was uploaded. The engine stores parts and results itself."""
    account_id: int
    owner_id: int
    job_id: UUID | None = None
    """None before the job was submitted."""
    attempt: int = 1
    """Which try of this chunk it is."""
    times_left: int = 0
    """How often what this chunk is about was left for later before."""
    stop_requested: asyncio.Event = field(default_factory=asyncio.Event)
    """Set within half a second of the job's stop: a chunk that takes long may then raise Stopped. What still works half
    a second later is cancelled; nothing of either counts."""
    cpu: Cpu = NO_CPU
    """For work of more than some milliseconds; of chunks only."""
    submit: Submit = NO_SUBMIT
    """Submits other jobs: of work and hooks only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssemblyContext:
    """What an assembly works with. It takes as long as it takes, so no connection is held for it."""

    reading: Callable[[], AbstractAsyncContextManager[Connection]]
    """A connection for a moment, inside a transaction of the job's account that may only read."""
    objects: ObjectStore
    account_id: int
    owner_id: int
    job_id: UUID
    attempt: int = 1
    stopped: bool = False
    """Whether the job was stopped: the parts are what was done until then."""
    cpu: Cpu = NO_CPU


@dataclass(frozen=True, slots=True)
class PlannedChunk:
    """A bounded piece of work: at most about a second of it."""

    units: int
    payload: Any
    """JSON: all that ``run_chunk`` needs to know, for instance the ids of 2,000 supporters."""

    def __post_init__(self) -> None:
        """Raises ValueError: no chunk has so many units."""
        if not isinstance(self.units, int) or self.units < 0:
            raise ValueError(f"A chunk cannot have {self.units!r} units.")


@dataclass(frozen=True, slots=True)
class Part:
    """What one chunk gave."""

    content: bytes
    """This chunk's piece of the result file; stored by the engine."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """Units per outcome; they add up to the chunk's units, but for those that are left."""
    rejected: int = 0
    """How many of them were refused with a reason."""
    rows: int = 0
    """Data rows in ``content``."""
    left: "Left | None" = None
    """Units for a later chunk. Not for types whose chunks run in order."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended."""

    state: State
    """One of the ends."""
    outcomes: Mapping[str, int]
    """Units per outcome, of all chunks that were done."""
    rejected: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Assembly:
    """The result file as it is to be stored."""

    content: AsyncIterator[bytes]
    media_type: str
    extension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsCount:
    """How the check counts what the chunks of a job type wrote, to compare it with what the ledger counted."""

    statement: Statement
    """SQL that gives (job_id, outcome, units, doubled): a row for each job and outcome."""
    by_account: bool
    """Whether row-level security lets even the owner look at one account at a time only."""
    invariant: Literal["I10", "I12", "I36"] = "I10"
    """Which one of the check they belong to: nothing counts twice (I10), each unit has one outcome (I12), or an effect
    outside happens once at most (I36)."""
    switch: str = ""
    """The parameter that has to be true for a job to have any; empty: all have."""
    kept_as_row_outcomes: bool = False
    """Whether they stand in ``crm.import_rows``, and are dropped some day (docs/retention.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRule:
    """Which file a job type reads. It is uploaded before, and its id is the job's parameter ``upload``."""

    media_types: Mapping[str, str]
    """``{ending: media type}`` of the files it reads, for instance ``{"csv": "text/csv"}``; in lower case."""
    bytes_max: int
    inspect: Callable[[bytes], Inspection] | None = None
    """Looks through the whole file, in a process of its own. None: any bytes will do."""


class JobType(Protocol[Params]):
    """One job type."""

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
    result_when_stopped: bool
    """Whether a job that was stopped after its start ends with a file of what was done until then."""
    in_order: bool
    """Whether a chunk may only begin when the one before it is done; else several run at once."""
    retries: RetryPolicy
    """For each of its chunks."""
    capacity: Capacity
    """How much of it is done at once."""
    params_type: type[Params]

    @property
    def outside(self) -> "Outside[Params] | None":
        """How it does what it does outside the database: see ``job_types/outside.py``. None: ``run_chunk`` does all."""
        ...

    @property
    def effects(self) -> EffectsCount | None:
        """How the check counts what its chunks wrote; None for a type that only reads."""
        ...

    @property
    def upload(self) -> UploadRule | None:
        """The file it reads; None for a type that reads none."""
        ...

    @property
    def form(self) -> Form:
        """How the page lays out its form. What it leaves out is laid out by the schema of the parameters."""
        ...

    async def options(self, context: Context) -> msgspec.Struct | None:
        """What its form offers: a struct of lists, from which the form's pickers choose; None for nothing.

        Only read by people who may start the job. The context has no job.
        """
        ...

    async def columns(self, contents: UploadContents, context: Context) -> Sequence[msgspec.Struct]:
        """What each column of an uploaded file most likely means, in the file's order; none where nothing is mapped."""
        ...

    def unit_of(self, params: Params) -> str:
        """What the progress of a job with these parameters counts, in the plural."""
        ...

    def exclusive_resources(self, params: Params) -> frozenset[str]:
        """What only one job of an account may change at a time; empty for a type that only reads.

        A job waits in the queue until all are free (domain rule 2.1). People who wait read the names: "supporters".
        """
        ...

    async def check(self, params: Params, context: Context) -> None:
        """Refuse what can be known to be impossible before any work. Raises Refused."""
        ...

    async def count(self, params: Params, context: Context) -> int:
        """How many units the job would have if it were planned now: for the preview, before anybody submits.

        Raises Refused.
        """
        ...

    async def is_small(self, params: Params, context: Context) -> bool:
        """Whether all of the job is at most about a chunk's work, so that it may be done in one step.

        Cheap to answer, however large the job.
        """
        ...

    def plan(self, params: Params, context: Context) -> AsyncIterator[PlannedChunk]:
        """Split the work, in the order of the result file; nothing means no work. One REPEATABLE READ snapshot.

        Streams: never holds the whole plan. It may take any time; a stop of its job cancels it. Raises Refused.
        """
        ...

    async def began(self, params: Params, context: Context) -> None:
        """A job was planned and starts: what this writes commits with its start, before any chunk runs.

        Short: the job is locked meanwhile. Raises Refused; whatever else it raises is a failed try of the plan.
        """
        ...

    async def ended(self, params: Params, ending: Ending, context: Context) -> None:
        """A job that had begun has ended, in whatever way: what this writes commits with its end, exactly once.

        Short: the job is locked meanwhile. The job ends whatever this raises; only temporary errors are tried again.
        """
        ...

    async def run_chunk(self, params: Params, payload: Any, context: Context) -> Part:
        """Do one chunk. Effects go through the context's connection and commit with the chunk's mark, once.

        Raises Refused.
        """
        ...

    def assemble(self, params: Params, parts: AsyncIterator[bytes], context: AssemblyContext) -> Assembly | None:
        """Join the parts, which come in plan order (none for an empty plan), into the file. Streams. None: no file.

        It may take any time; after a stop of its job half a minute, or the job ends without a file.

        ``parts`` yields their bytes one after the other, cut anywhere: the borders between parts cannot be seen.
        """
        ...
