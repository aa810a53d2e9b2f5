"""Every event of the system, one frozen type per request, fact or piece of work.

*Requests* are what somebody wants (``JobSubmitted``, ``JobStopRequested``); any producer may publish them, on the
topics of requests. *Facts* are what happened to a job; our processes publish them, on the topics of facts, numbered per
job by ``sequence`` and carrying absolute values, so a late or doubled fact is harmless. The first fact of a job repeats
what was asked: facts alone tell the whole of a job. *Work* travels on the work topics only.

No event holds personal data: ids, counts and file references only.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from jobmonitor.contract.limits import (
    CODE_LENGTH_MAX,
    FIRST_YEAR,
    INSTANT_PATTERN,
    LAST_YEAR,
    NAME_LENGTH_MAX,
    OUTCOMES_MAX,
    REASON_LENGTH_MAX,
    REFERENCE_LENGTH_MAX,
    REFERENCE_PATTERN,
    TEXT_LENGTH_MAX,
    WAITS_FOR_LENGTH_MAX,
    Refusal,
    is_an_instant,
    must_be_an_instant,
    parameters_refused,
    reference_refused,
)
from jobmonitor.contract.secret_names import looks_secret

# What passes here can be stored in every column behind the readers, and written again.
Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Ordinal = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Instant = Annotated[
    datetime,
    msgspec.Meta(tz=True, extra_json_schema={"pattern": INSTANT_PATTERN}),
]
"""With a zone, in a year from 2000 to 2099."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")]
Code = Annotated[str, msgspec.Meta(max_length=CODE_LENGTH_MAX, pattern="^[a-z][a-z0-9_]*$")]
Reason = Annotated[str, msgspec.Meta(max_length=REASON_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[str, msgspec.Meta(max_length=NAME_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]*$")]
WaitsFor = Annotated[str, msgspec.Meta(min_length=1, max_length=WAITS_FOR_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")]
Slug = Annotated[str, msgspec.Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
Reference = Annotated[str, msgspec.Meta(pattern=REFERENCE_PATTERN, max_length=REFERENCE_LENGTH_MAX)]
RequestedReference = Annotated[
    str, msgspec.Meta(extra_json_schema={"pattern": REFERENCE_PATTERN, "maxLength": REFERENCE_LENGTH_MAX})
]
"""The same, decoded whatever it holds: ``submission_refused`` tells the job's owner what is wrong with it."""


class JobSubmitted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody wants a job done. Repeating it with the same job id changes nothing."""

    account_id: Id
    """The tenant the job belongs to."""
    owner_id: Id
    """The user who started the job, and who may see it."""
    job_type: Slug
    """The slug of a job type, as its topics are named after it."""
    parameters: dict[str, Any]
    """What the job type asks for; its schema is ``schemas/job_types/<job_type>.json``."""
    reference: RequestedReference | None = None
    """The user's own name for the job, shown in brackets behind the type's name; one line."""
    run_at: Instant | None = None
    """When to start, a year ahead at most; ``None`` means now."""
    parent_job_id: UUID | None = None
    """The job that submits this one: accepted before, of the same account. ``None``: nobody but its owner."""


class JobStopRequested(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody wants a job to stop. A request, not a fact: the job may end before a worker consumes it."""

    account_id: Id
    """The tenant the job belongs to; a request that names another changes nothing."""
    requested_by: Id
    """The user who asked."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked for, as in the submission that was accepted."""

    request_id: Text
    """The ``id`` of the submission."""
    submitted_at: Instant
    """The ``time`` of the submission."""
    parameters: dict[str, Any] | None = None
    """What the job type asks for; absent where it was too much to repeat."""
    reference: Reference | None = None
    """The user's own name for the job."""
    run_at: Instant | None = None
    """When to start; ``None`` means at once."""
    parent_job_id: UUID | None = None
    """The job that submitted this one."""

    def __post_init__(self) -> None:
        for instant in (self.submitted_at, self.run_at):
            if instant is not None:
                must_be_an_instant(instant)
        if self.parameters is not None and (refusal := parameters_refused(self.parameters)):
            raise ValueError(refusal.reason)


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all facts say: whose job it is and the fact's place in the sequence of the job's facts."""

    account_id: Id
    """The tenant the job belongs to."""
    owner_id: Id
    """The user who started the job."""
    job_type: Slug
    """The slug of the job's type."""
    sequence: Ordinal
    """1 for the first fact of a job, then rising by 1."""


class JobScheduled(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The job was accepted and waits for its time."""

    run_at: Instant
    """When it is to start."""
    asked: Asked | None = None
    """What was asked for: in the first fact of a job."""

    def __post_init__(self) -> None:
        must_be_an_instant(self.run_at)


class JobQueued(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The job was accepted and waits for a worker."""

    asked: Asked | None = None
    """What was asked for: in the first fact of a job."""


class JobStarted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The job's work is planned and counted; ``total`` never changes afterwards."""

    total: Count
    """How many units there are to do."""
    unit: Name
    """What is counted, in the plural: ``supporters``, ``rows``."""


class JobProgressed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """So much is done since the start (absolute, never falling)."""

    done: Count
    """Units done."""
    total: Count
    """Units there are to do; the same in every fact of the job."""


class JobWaiting(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The job waits for something, or no longer does. It holds until the job's next fact: one that does not say that
    the job waits says that it does not."""

    waits_for: WaitsFor | None = None
    """A few words that fit behind "Waits for", for instance ``the mail server``; absent: it waits no more."""


MEDIA_TYPE_PATTERN = r"^[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*(; ?[a-z0-9-]+=[a-zA-Z0-9.+-]+)*$"


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A complete file in the object store, and all that proves it complete."""

    name: Annotated[str, msgspec.Meta(max_length=100, pattern="^[a-z0-9]+(\\.[a-z0-9]+)*$")]
    """The file's name in the object store, in the folder of its account and job (``result_key``): no fact can point to
    another's."""
    media_type: Annotated[str, msgspec.Meta(max_length=127, pattern=MEDIA_TYPE_PATTERN)]
    """For instance ``text/csv``."""
    extension: Annotated[str, msgspec.Meta(max_length=16, pattern="^[a-z0-9]+$")]
    """Without a dot: ``csv``, ``xlsx``."""
    size_bytes: Count
    """The length of the file."""
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
    """The SHA-256 of the whole file, in lower-case hexadecimal digits."""
    rows: Count
    """Data rows, the header not counted."""
    expires_at: Instant
    """When the file will be purged."""

    def __post_init__(self) -> None:
        must_be_an_instant(self.expires_at)


class JobCompleted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The work is done and its result stored. With ``rejected`` above 0 the job completed with errors."""

    done: Count
    """Units done."""
    total: Count
    """Units there were to do."""
    rejected: Count
    """Units refused with a reason; the result file names them."""
    outcomes: Annotated[dict[Name, Count], msgspec.Meta(max_length=OUTCOMES_MAX)]
    """Units per outcome, for instance ``{"exported": 5000}``; they add up to ``total``."""
    result: Result | None = None
    """The file to download; absent where the job type makes none."""


class JobFailed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The job cannot be done."""

    code: Code
    """A stable word for programs, for instance ``csv_required``."""
    reason: Reason
    """One sentence its owner understands."""
    asked: Asked | None = None
    """What was asked for: in the first fact of a job, which then was refused."""


class JobStopping(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The stop took effect: no further chunk starts; the ones under way end, and what was done is made into a file."""

    requested_by: Id
    """The user who asked for the stop."""
    requested_at: Instant
    """When they asked."""

    def __post_init__(self) -> None:
        must_be_an_instant(self.requested_at)


class JobCancelled(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The job ended by a stop, after ``done`` of ``total`` units."""

    done: Count
    """Units done before the stop."""
    total: Count
    """Units there were to do."""
    requested_by: Id
    """The user who asked for the stop."""
    requested_at: Instant
    """When they asked."""
    result: Result | None = None
    """What was done until then, where the job type reports it."""

    def __post_init__(self) -> None:
        must_be_an_instant(self.requested_at)


class ResultDownloaded(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The last byte of the result was sent to somebody who may have it."""

    downloaded_by: Id
    """The user who received the file: the owner, or a Super Admin on the owner's behalf."""


class ResultExpired(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The result file was purged."""


class RequestRejected(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A request about a job that exists cannot be granted; the job goes on as before. At most 20 a job are sent."""

    request: Literal["submit", "stop"]
    """What was asked: the job once more, under its own id but otherwise than before; or its stop."""
    request_id: Text
    """The ``id`` of the request."""
    requested_at: Instant
    """The ``time`` of the request."""
    code: Code
    """A stable word for programs, for instance ``not_stoppable``."""
    reason: Reason
    """One sentence its owner understands."""
    waits_for: WaitsFor | None = None
    """What the job goes on waiting for; absent where it waits for nothing."""

    def __post_init__(self) -> None:
        must_be_an_instant(self.requested_at)


class ChunkDispatched(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of a job's work may be run. A hint only: the ledger decides who runs it and whether it is still open."""

    account_id: Id
    """The tenant the job belongs to."""
    job_type: Slug
    """The slug of the job's type."""
    chunk: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    """0 plans the job, the last one assembles its result, those between do the work."""
    kind: Literal["plan", "work", "assemble"]
    """Which of these it is."""
    attempt: Ordinal
    """1 for the first try."""


JobFact = (
    JobScheduled
    | JobQueued
    | JobStarted
    | JobProgressed
    | JobWaiting
    | JobCompleted
    | JobFailed
    | JobStopping
    | JobCancelled
    | ResultDownloaded
    | ResultExpired
    | RequestRejected
)
JobRequest = JobSubmitted | JobStopRequested
EventData = JobRequest | JobFact | ChunkDispatched

FirstFact = JobScheduled | JobQueued | JobFailed
"""What a job can begin with."""

EVENT_TYPES: dict[str, type[EventData]] = {
    "jobmonitor.job_submitted.v1": JobSubmitted,
    "jobmonitor.job_stop_requested.v1": JobStopRequested,
    "jobmonitor.job_scheduled.v1": JobScheduled,
    "jobmonitor.job_queued.v1": JobQueued,
    "jobmonitor.job_started.v1": JobStarted,
    "jobmonitor.job_progressed.v1": JobProgressed,
    "jobmonitor.job_waiting.v1": JobWaiting,
    "jobmonitor.job_completed.v1": JobCompleted,
    "jobmonitor.job_failed.v1": JobFailed,
    "jobmonitor.job_stopping.v1": JobStopping,
    "jobmonitor.job_cancelled.v1": JobCancelled,
    "jobmonitor.result_downloaded.v1": ResultDownloaded,
    "jobmonitor.result_expired.v1": ResultExpired,
    "jobmonitor.request_rejected.v1": RequestRejected,
    "jobmonitor.chunk_dispatched.v1": ChunkDispatched,
}
"""The CloudEvents ``type`` of each event.

A changed meaning or shape gets a new ``.vN``; a new field with a default does not.
"""


def submission_refused(data: JobSubmitted) -> Refusal | None:
    """Why this cannot be accepted, whoever asks for it and whatever the job type; None where it can."""
    if data.run_at is not None and not is_an_instant(data.run_at):
        return Refusal("bad_run_at", f"The start must lie between the years {FIRST_YEAR} and {LAST_YEAR}.")
    return reference_refused(data.reference or "") or parameters_refused(data.parameters) or _secret_in(data.parameters)


def _secret_in(parameters: Mapping[str, Any]) -> Refusal | None:
    """No job type has such a parameter: somebody published what is not to be repeated in facts and views."""
    if any(map(looks_secret, parameters)):
        return Refusal(
            "secret_parameter",
            "A parameter is named like a secret, and secrets are not published: name a token by its id, as token_id, "
            "and replace what was published.",
        )
    return None


def submission_in(fact: JobFact) -> JobSubmitted | None:
    """The submission as the first fact of its job repeats it; None in every other fact."""
    if not isinstance(fact, FirstFact) or fact.asked is None:
        return None
    return JobSubmitted(
        account_id=fact.account_id,
        owner_id=fact.owner_id,
        job_type=fact.job_type,
        parameters=fact.asked.parameters or {},
        reference=fact.asked.reference,
        run_at=fact.asked.run_at,
        parent_job_id=fact.asked.parent_job_id,
    )


def result_key(account_id: int, job_id: UUID, result: Result) -> str:
    """Where the result of this job lies in the object store."""
    return f"results/{account_id}/{job_id}/{result.name}"
