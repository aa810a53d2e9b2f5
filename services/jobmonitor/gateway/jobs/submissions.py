"""Accepts new jobs. They count once Kafka has confirmed them.

Nothing is lost and nothing is done twice however often a client repeats itself: the job id comes from the account and
the idempotency key, so a repeat is the same job, and publishing a submission again changes nothing.
"""

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
import structlog
import uuid_utils

from jobmonitor.contract.events import JobSubmitted, submission_refused
from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.contract.limits import RUN_AT_AHEAD
from jobmonitor.crm.rights import token_refused
from jobmonitor.crm.tokens import Holder, live_tokens
from jobmonitor.crm.users import Viewer
from jobmonitor.database.pool import Connection
from jobmonitor.gateway import metrics
from jobmonitor.gateway.access.dependencies import Services
from jobmonitor.gateway.access.job_types import startable
from jobmonitor.gateway.adapters.database import DatabaseUnavailable
from jobmonitor.gateway.http.bodies import invalid
from jobmonitor.gateway.http.limits import too_many
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.gateway.jobs import models
from jobmonitor.gateway.jobs.publishing import publish, shown
from jobmonitor.gateway.jobs.reading import SQL, find_job, find_submission, jobs_by_id
from jobmonitor.gateway.jobs.records import JobRecord
from jobmonitor.job_types.parameters import BadParameters, FieldProblem, read_parameters
from jobmonitor.job_types.protocol import Context, JobType, RefusalKind, Refused
from jobmonitor.job_types.token_ids import TOKEN_ID, named_token
from jobmonitor.ledger.kept_results import Kept
from jobmonitor.runtime.kafka import KafkaUnavailable

CHECK_TIMEOUT_S = 30.0
"""Checking and counting may have to look through a whole account."""
RETRY_FULL_S = 3600.0
"""Results go when they expire."""
_REFUSED_FIELDS = {"bad_run_at": "run_at", "bad_reference": "reference"}
"""The field that a refusal of the contract is about, where that is not the parameters."""
_REFUSED_STATUS: dict[RefusalKind, int] = {"invalid": 422, "conflict": 409, "forbidden": 403}

log = structlog.stdlib.get_logger()


async def preview(services: Services, viewer: Viewer, request: models.PreviewRequest) -> models.Preview:
    """How many units the job would have. Raises Problem like a submission would."""
    job_type = startable(services.job_types, viewer, request.type)
    params = params_of(job_type, request.parameters)
    async with services.database.as_viewer(viewer, snapshot=True, timeout_s=CHECK_TIMEOUT_S) as connection:
        context = _context(services, viewer, connection)
        with _refusals_answered():
            await _check_token(connection, viewer, viewer.user_id, params)
            await job_type.check(params, context)
            units = await job_type.count(params, context)
        kept = await _kept_results(services, viewer, connection)
    return models.Preview(units=units, unit=job_type.unit_of(params), warning=kept.warning())


async def submit(
    services: Services, viewer: Viewer, request: models.SubmissionRequest, key: str | None
) -> tuple[UUID, JobRecord | None]:
    """Accept a job; returns its id, and the job if the monitor shows it within two seconds.

    Raises Problem (403, 409, 422) and KafkaUnavailable; after the latter the same key may be sent again.
    """
    job_type = startable(services.job_types, viewer, request.type)
    params = params_of(job_type, request.parameters)
    return await accept(services, viewer, _submission(viewer, request, job_type, params), job_type, params, key)


async def accept(
    services: Services,
    viewer: Viewer,
    submission: JobSubmitted,
    job_type: JobType[Any],
    params: Any,
    key: str | None,
) -> tuple[UUID, JobRecord | None]:
    """Accept what the viewer asks for, whoever is to own it; returns and raises what ``submit`` does."""
    job_id = job_id_for(viewer.account_id, key) if key else UUID(str(uuid_utils.uuid7()))
    earlier = await _earlier(services, job_id, submission, job_type) if key else None
    if earlier is None:
        await check_new(services, viewer, submission, job_type, params)
    with services.changes.watching(job_id) as watch:
        if earlier != "listed":
            await _publish_submission(services, viewer, job_id, submission)
        metrics.SUBMISSIONS.labels(job_type.slug, "repeated" if earlier else "accepted").inc()
        return job_id, await shown(services, viewer, job_id, watch, lambda _: True)


def _submission(viewer: Viewer, request: models.SubmissionRequest, job_type: JobType[Any], params: Any) -> JobSubmitted:
    """Raises Problem 422: the contract does not allow it."""
    submission = JobSubmitted(
        account_id=viewer.account_id,
        owner_id=viewer.user_id,
        job_type=job_type.slug,
        parameters=msgspec.to_builtins(params),
        reference=(request.reference or "").strip() or None,
        run_at=_in_utc(request.run_at),
        parent_job_id=request.parent_job_id,
    )
    require_allowed(submission)
    return submission


def require_allowed(submission: JobSubmitted) -> None:
    """Raises Problem 422: the contract does not allow it."""
    if (refusal := submission_refused(submission)) is not None:
        field = _REFUSED_FIELDS.get(refusal.code, "parameters")
        raise invalid([FieldProblem(field, refusal.reason)], code=refusal.code)


async def check_new(
    services: Services, viewer: Viewer, submission: JobSubmitted, job_type: JobType[Any], params: Any
) -> None:
    """Raises Problem: 403, 409, 422 it is known to be impossible, 429 the account's results are too many."""
    _check_run_at(submission.run_at)
    async with services.database.as_viewer(viewer, timeout_s=CHECK_TIMEOUT_S) as connection:
        with _refusals_answered():
            await _check_token(connection, viewer, submission.owner_id, params)
            await job_type.check(params, _context(services, viewer, connection))
        await _check_parent(connection, viewer, submission.parent_job_id)
        _refuse_full(await _kept_results(services, viewer, connection))


async def _check_token(connection: Connection, viewer: Viewer, owner_id: int, params: Any) -> None:
    """Raises Refused: the parameters name a token by an id that is no live one of the job's owner."""
    if (token_id := named_token(params)) is None:
        return
    live = await live_tokens(connection, [Holder(viewer.account_id, owner_id, token_id)])
    if refusal := token_refused(viewer.permissions, token_id, live=bool(live)):
        raise Refused(refusal.code, refusal.reason, parameter=TOKEN_ID)


async def _check_parent(connection: Connection, viewer: Viewer, parent_job_id: UUID | None) -> None:
    """Raises Problem 422: the viewer sees no such job."""
    if parent_job_id is not None and await find_job(connection, viewer, parent_job_id) is None:
        problem = FieldProblem("parent_job_id", "There is no such job that you may see.")
        raise invalid([problem], code="unknown_parent")


def params_of(job_type: JobType[Any], parameters: dict[str, Any]) -> Any:
    """As the type's own value. Raises Problem 422."""
    try:
        return read_parameters(job_type.params_type, parameters)
    except BadParameters as error:
        raise invalid(error.problems, under="parameters") from error


def _context(services: Services, viewer: Viewer, connection: Connection) -> Context:
    return Context(connection, services.objects, account_id=viewer.account_id, owner_id=viewer.user_id)


@contextmanager
def _refusals_answered() -> Iterator[None]:
    """Raises Problem: the job type refuses."""
    try:
        yield
    except Refused as refusal:
        raise _problem_of(refusal) from None


def _problem_of(refusal: Refused) -> Problem:
    """What is invalid is a parameter, or all of them; a conflict or a missing right need not be about any."""
    status = _REFUSED_STATUS[refusal.kind]
    if refusal.parameter is None and refusal.kind != "invalid":
        return Problem(status, str(refusal), code=refusal.code)
    problem = FieldProblem(refusal.parameter or "", str(refusal))
    return invalid([problem], under="parameters", code=refusal.code, status=status)


async def _kept_results(services: Services, viewer: Viewer, connection: Connection) -> Kept:
    async def load(_: Collection[int]) -> dict[int, int]:
        return {viewer.account_id: await SQL["kept_result_bytes"].fetchval(connection)}

    return (await services.kept_results.of([viewer.account_id], load))[viewer.account_id]


def _refuse_full(kept: Kept) -> None:
    """Raises Problem 429: the account's share of the object store is used up."""
    if refusal := kept.refusal():
        raise too_many("bytes of results per account", refusal.reason, code=refusal.code, retry_after_s=RETRY_FULL_S)


def _in_utc(run_at: datetime | None) -> datetime | None:
    try:
        return None if run_at is None else run_at.astimezone(UTC)
    except OverflowError:
        raise invalid([FieldProblem("run_at", "This date is out of range.")]) from None


def _check_run_at(run_at: datetime | None) -> None:
    if run_at is None:
        return
    now = datetime.now(UTC)
    if run_at <= now:
        raise invalid([FieldProblem("run_at", "This time is in the past.")])
    if run_at > now + RUN_AT_AHEAD:
        raise invalid([FieldProblem("run_at", "A job can be scheduled a year ahead at most.")])


async def _earlier(
    services: Services, job_id: UUID, submission: JobSubmitted, job_type: JobType[Any]
) -> Literal["listed", "noted"] | None:
    """Whether this same submission was made before, here or directly to Kafka: a repeat is not checked again.

    "noted" may not have reached Kafka. Raises Problem 409: the key stands for another submission.
    """
    async with services.database.as_account(submission.account_id) as connection:
        record = await find_submission(connection, job_id)
        jobs = await jobs_by_id(connection, [job_id])
    if record is not None and record["request_sha256"] != _digest(submission):
        raise _conflict()
    if jobs and not _same(jobs[0], submission, job_type):
        raise _conflict()
    return "listed" if jobs else "noted" if record is not None else None


def _same(job: JobRecord, submission: JobSubmitted, job_type: JobType[Any]) -> bool:
    """Whether the job the view knows was submitted like this; parameters are compared with their defaults filled in."""
    try:
        parameters = msgspec.to_builtins(read_parameters(job_type.params_type, job.parameters or {}))
    except BadParameters:
        parameters = job.parameters
    return (job.owner_id, job.job_type, job.reference, job.run_at, job.parent_job_id, parameters) == (
        submission.owner_id,
        submission.job_type,
        submission.reference,
        submission.run_at,
        submission.parent_job_id,
        submission.parameters,
    )


def _conflict() -> Problem:
    return Problem(
        409,
        "This Idempotency-Key stands for another request, or for a job that is no longer kept. "
        "Take a fresh key for a new job.",
        code="key_reused",
    )


def _digest(submission: JobSubmitted) -> bytes:
    return hashlib.sha256(msgspec.json.encode(submission, order="sorted")).digest()


async def _publish_submission(services: Services, viewer: Viewer, job_id: UUID, submission: JobSubmitted) -> None:
    """Note it, then publish it: an accepted job can be shown before the projection has seen it."""
    async with services.database.as_viewer(viewer) as connection:
        noted = await SQL["note_submission"].fetchval(
            connection,
            job_id=job_id,
            account_id=submission.account_id,
            owner_id=submission.owner_id,
            job_type=submission.job_type,
            reference=submission.reference,
            run_at=submission.run_at,
            request_sha256=_digest(submission),
        )
        if noted is None:
            raise _conflict()
    try:
        with metrics.SUBMISSION_SECONDS.time():
            await publish(services, submission.job_type, job_id, submission)
    except KafkaUnavailable:
        metrics.SUBMISSIONS.labels(submission.job_type, "unconfirmed").inc()
        await _mark_unconfirmed(services, viewer, job_id)
        raise


async def _mark_unconfirmed(services: Services, viewer: Viewer, job_id: UUID) -> None:
    try:
        async with services.database.as_viewer(viewer) as connection:
            await SQL["mark_unconfirmed"].execute(connection, job_id=job_id)
    except DatabaseUnavailable:
        log.warning("unconfirmed_submission_not_marked", job_id=str(job_id))
