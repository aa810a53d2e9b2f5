"""Jobs and job types as the API takes and shows them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from jobmonitor.contract.events import Instant, Slug
from jobmonitor.gateway.jobs.records import View
from jobmonitor.job_types.form import Form


class UploadRule(msgspec.Struct, frozen=True, kw_only=True):
    """Which file a job type reads."""

    endings: list[str]
    """Of the file's name, without the dot; in lower case."""
    media_types: dict[str, str]
    """The media type of each ending."""
    bytes_at_most: int


class JobTypeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A job type that can be asked for."""

    type: str
    """Its slug, as in ``POST /api/v1/jobs``."""
    name: str
    unit: str
    """What its progress counts, in the plural."""
    stoppable: bool
    permission: str
    """What somebody needs to start it."""
    may_start: bool
    """Whether the viewer has it."""
    parameters_schema: dict[str, Any]
    """JSON Schema of its parameters."""
    form: Form
    """How a page lays out its form. Parameters it does not mention are laid out as their schema suggests."""
    upload: UploadRule | None
    """The file it reads; null for a type that reads none."""


class JobTypeList(msgspec.Struct, frozen=True, kw_only=True):
    """All job types."""

    items: list[JobTypeInfo]


class PreviewRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a job would be asked to do."""

    type: Slug
    """The slug of a job type, as ``GET /api/v1/job-types`` tells it."""
    parameters: dict[str, Any]
    """See the job type's ``parameters_schema``."""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """How much work the job would be, started now."""

    units: int
    unit: str
    warning: str | None = None
    """A sentence to show before it is started; null if there is none."""


class SubmissionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job to be done."""

    type: Slug
    """The slug of a job type, as ``GET /api/v1/job-types`` tells it."""
    parameters: dict[str, Any]
    """See the job type's ``parameters_schema``."""
    reference: Annotated[str, msgspec.Meta(max_length=160)] | None = None
    """Your own name for it, shown beside the type's: on one line, without control characters."""
    run_at: Instant | None = None
    """When to start, at most a year ahead, with its offset from UTC; now if left out."""
    parent_job_id: UUID | None = None
    """The id of a job that you may see, if this one belongs to it: each then shows the other."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is."""

    done: int
    total: int
    """0 until the work is counted."""
    percent: int
    """100 only once the result is stored."""
    unit: str | None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job failed."""

    code: str
    """A stable word for programs."""
    reason: str
    """One sentence for the job's owner."""


class ResultFile(msgspec.Struct, frozen=True, kw_only=True):
    """What can be downloaded: the result file, or a failed job's report."""

    kind: Literal["file", "report"]
    name: str
    """The file's name."""
    media_type: str
    extension: str
    size_bytes: int
    rows: int | None
    """Data rows, the header not counted; null for a report."""
    expires_at: datetime | None
    """From then on it cannot be downloaded; null: always."""
    expired: bool
    downloaded_at: datetime | None
    href: str


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The user who started the job."""

    id: int
    name: str


StateName = Literal[
    "scheduled", "queued", "running", "stopping", "completed", "completed_with_errors", "failed", "cancelled"
]


class _Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of any job."""

    id: UUID
    type: str
    """The job type's slug."""
    name: str
    """The job type's name."""
    reference: str | None
    state: StateName
    parent_job_id: UUID | None
    """The job that submitted it; null for most."""
    submitted_at: datetime | None
    scheduled_for: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    progress: Progress
    waits_for: str | None
    """What the job waits for before it can go on, in a few words: "the mail server". Null for nothing."""
    rejected: int
    """Units refused with a reason."""
    outcomes: dict[str, int] | None
    """Units per outcome, once the job completed."""
    failure: Failure | None
    result: ResultFile | None
    can_stop: bool
    stop_requested: bool
    owner: Owner
    view: View
    """Where it is listed: in the monitor, or, once it was downloaded, expired or ended without file, in the history."""
    sequence: int
    """Rises with every fact: of two versions of a job the higher one is newer."""


class Item(_Job, frozen=True, kw_only=True):
    """A job as lists and the stream show it."""

    number: int
    """The Job#."""


class Job(_Job, frozen=True, kw_only=True):
    """A job that was asked for by its Job# or its id."""

    number: int | None
    """The Job#; null for the moment until it has one."""


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a job."""

    type: str
    at: datetime
    reason: str | None = None
    """Of a request about the job that was refused: why, in a sentence for its owner. Null of all else."""
    waits_for: str | None = None
    """Of `job_waiting`: what for, in a few words; null where the job goes on."""


class RelatedJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that submitted another, or was submitted by it."""

    id: UUID
    number: int
    """The Job#."""
    type: str
    """The job type's slug."""
    name: str
    """The job type's name."""
    reference: str | None
    state: StateName


class JobDetails(Job, frozen=True, kw_only=True):
    """A job with all that happened to it, in order, and the jobs it is related to, as far as you may see them."""

    timeline: list[TimelineEntry]
    parent: RelatedJob | None
    """The job that submitted it."""
    children: list[RelatedJob]
    """The jobs it submitted, in the order of their Job#s: the first hundred."""
    more_children: bool
    """Whether there are more."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of the whole monitor, whatever is listed or searched for. 1000 stands for "1,000 or more"."""

    all: int
    running: int
    """Queued, running or stopping."""
    scheduled: int
    ready: int
    """Ended, with something to download."""


class JobList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the monitor or the history, newest first."""

    items: list[Item]
    next: str | None
    """``after`` for the next page; null on the last."""
    searched_back_to: datetime | None = None
    """Given where a search has not looked at all jobs: how far back it has; ``next`` goes on from there."""
    further_back: list[Item] = []
    """On a search's first page: at most 10 jobs beyond ``searched_back_to`` whose Job# or reference (in any case) is
    just what was searched for. They come once more in ``items`` of their page."""
    counts: Counts | None = None
    """On the first page of any list; null on the others."""


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """The job was accepted."""

    id: UUID
    number: int | None
    """The Job#; null when it did not have one within two seconds."""
    location: str
    job: Item | None
    """The job as the monitor shows it; null while it does not."""
