"""Everything the invariants look at, read once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

import msgspec

from jobmonitor.checker.client_history import Operation
from jobmonitor.checker.job_log import JobLog
from jobmonitor.contract.topics import jobs_topic, requests_topic
from jobmonitor.job.row import JobRow
from jobmonitor.job_types.protocol import EffectsCount
from jobmonitor.ledger.runs import Run
from jobmonitor.runtime.topic_admin import Difference


class StoredRun(Run, frozen=True, kw_only=True):
    """A row of ``ledger.runs``, with what the database adds to it."""

    updated_at: datetime | None = None
    swept: bool = False
    purged: bool = False


class Chunks(msgspec.Struct, frozen=True, kw_only=True):
    """The chunks of one job that the ledger still keeps, counted."""

    done: int
    """Work chunks marked done."""
    units_done: int
    units: int
    leased: int
    """Of all kinds, those somebody runs right now."""
    reserved: int = 0
    """Units with something reserved outside that is not settled."""
    last_dispatched_at: datetime | None
    """Of plan and work: what was done is assembled after a stop too. Of work that acts outside, when its effects were
    reserved: it is claimed once more to be settled."""


class Unsent(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the outbox: what leaves together."""

    id: int
    messages: int
    created_at: datetime
    refusal: str | None
    """Why Kafka does not take it."""


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``gateway.submissions``."""

    job_id: UUID
    account_id: int
    owner_id: int
    job_type: str


class Registered(msgspec.Struct, frozen=True):
    """What the registry keeps of a job."""

    number: int
    month: date


class DroppedMonth(msgspec.Struct, frozen=True, kw_only=True):
    """A month of jobs that is not kept any more."""

    due_at: datetime
    """When it had become old enough."""
    dropped_at: datetime
    ended_before: datetime
    """Its jobs had to have ended before."""


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A result file as it lies there; None where nothing lies."""

    size_bytes: int
    sha256: str
    rows: int | None
    """Data rows; None where they cannot be counted: a workbook does not store empty ones."""


class Effects(msgspec.Struct, frozen=True, kw_only=True):
    """What a job's chunks left in the database, as its type counts it."""

    outcomes: dict[str, int]
    doubled: int = 0
    """Units whose effect is there more than once."""


@dataclass(frozen=True, slots=True)
class EffectsOfType:
    """What the jobs of one type left in the database."""

    count: EffectsCount
    params_type: type[msgspec.Struct]
    by_job: Mapping[UUID, Effects]

    def by_default(self) -> bool:
        """Whether a job leaves any whose parameters, stored as they were sent, leave out the switch."""
        defaults = {field.encode_name: field.default for field in msgspec.structs.fields(self.params_type)}
        return bool(defaults.get(self.count.switch, True))


@dataclass(kw_only=True)
class Snapshot:
    """One look at everything. The database is read at one moment, and then the log, which is therefore never behind."""

    calm: bool
    """Whether nothing is in motion any more: then what is still open is lost."""
    now: datetime
    log: Mapping[UUID, JobLog] = field(default_factory=dict)
    """Without the jobs of which facts are known to be gone: see ``is_cut``."""
    messages: int = 0
    folded_to: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """Where the views stand in the log: (topic, partition) to the first offset not folded."""
    skipped: Sequence[tuple[str, int, int, int]] = ()
    """Topic, partition, first offset and the one behind: messages deleted from the log before they were folded."""
    log_begins: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """The first offset there is; not 0 where the log's beginning was deleted."""
    log_ends: Mapping[tuple[str, int], int] = field(default_factory=dict)
    runs: Mapping[UUID, StoredRun] = field(default_factory=dict)
    taken_up: frozenset[UUID] = frozenset()
    """Jobs that were accepted and whose runs are no longer kept."""
    chunks: Mapping[UUID, Chunks] = field(default_factory=dict)
    unsent: Sequence[Unsent] = ()
    """What is in the outbox."""
    topic_differences: Sequence[Difference] = ()
    """Where the broker's topics are not as the catalogue says."""
    monitor: Mapping[UUID, JobRow] = field(default_factory=dict)
    history: Mapping[UUID, JobRow] = field(default_factory=dict)
    timelines: Mapping[UUID, tuple[int, int]] = field(default_factory=dict)
    """How many points each has, and their digest."""
    registry: Mapping[UUID, Registered] = field(default_factory=dict)
    dropped_months: Mapping[date, DroppedMonth] = field(default_factory=dict)
    kept_months: Sequence[tuple[str, date]] = ()
    """What is kept by the month, and the months there are."""
    kept_since: Mapping[str, datetime] = field(default_factory=dict)
    """What was or ended before is to be dropped: ``jobs``, ``runs`` and ``row outcomes``, as far as somebody said."""
    submissions: Sequence[Submission] = ()
    accounts_of_users: Mapping[int, int] = field(default_factory=dict)
    effects: Mapping[str, EffectsOfType] = field(default_factory=dict)
    """By job type; only of the types that leave something countable."""
    files: Mapping[str, StoredFile | None] = field(default_factory=dict)
    """By key: every result that should be there."""
    parts: frozenset[UUID] = frozenset()
    """Jobs of which parts lie in the object store."""
    dead_lettered: frozenset[UUID] = frozenset()
    """Jobs of which a chunk was given up: its message is among the dead letters."""
    mail: Sequence[str] | None = None
    """Messages the mail sink took; None where there is none to read."""
    clients: Sequence[Operation] | None = None
    """What clients were told; None where nobody wrote it down."""

    def requests_gone(self, job_type: str | None) -> bool:
        """Whether requests of this type were deleted, which is normal after a month: their jobs' facts repeat them.

        Without a type: of any, for a job of which nobody knows it.
        """
        return self._is_cut_topic(requests_topic, job_type)

    def facts_gone(self, job_type: str | None) -> bool:
        """Whether facts of this type were deleted: of a job that is not in the log nothing can be said then."""
        return self._is_cut_topic(jobs_topic, job_type)

    def was_accepted(self, job_id: UUID) -> bool:
        """Whether the ledger knows the job, however long ago it was done."""
        return job_id in self.runs or job_id in self.taken_up

    def was_dropped(self, job_id: UUID) -> bool:
        """Whether the job's month is not kept any more: no view has it."""
        registered = self.registry.get(job_id)
        return registered is not None and registered.month in self.dropped_months

    def rows_may_be_gone(self, run: StoredRun) -> bool:
        """Whether what became of the job's rows may have been dropped."""
        months = [month for what, month in self.kept_months if what == "row outcomes"]
        return bool(months) and run.ended and run.created_at.date() < min(months)

    def is_cut(self, job: JobLog) -> bool:
        """Whether the log lacks the first of the facts the job is known to have, as they were deleted."""
        row = self.monitor.get(job.job_id) or self.history.get(job.job_id)
        has_facts = bool(job.who) or self.was_accepted(job.job_id) or (row is not None and row.sequence > 0)
        return has_facts and bool(job.missing(1)) and any(self.facts_gone(job_type) for job_type in job.job_types)

    def _is_cut_topic(self, topic_of_type: Callable[[str], str], job_type: str | None) -> bool:
        if job_type is None:
            return any(topic.startswith(topic_of_type("")) for topic in self._cut_topics)
        return topic_of_type(job_type) in self._cut_topics

    @cached_property
    def _cut_topics(self) -> frozenset[str]:
        return frozenset(topic for (topic, _), begin in self.log_begins.items() if begin > 0)
