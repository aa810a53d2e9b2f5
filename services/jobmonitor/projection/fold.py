"""What a job's events make of its row in the views: a pure fold that may see them doubled, late and in any order.

Facts of one job can overtake each other on their way to Kafka, and everything is delivered at least once. So nothing
here depends on the order: a state yields only to a later one of a job's life, counts only rise, moments are the
earliest told, what it waits for is what the newest fact says, and every other value is set once. The row after a set of
events is therefore always the same.

Facts alone leave the same row as facts and requests. What a request says of its job counts until the job's first fact
repeats it; a stop request counts while it may still take effect, and then as the fact tells it.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, assert_never
from uuid import UUID

import msgspec

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import (
    ChunkDispatched,
    Fact,
    FirstFact,
    JobCancelled,
    JobCompleted,
    JobFact,
    JobFailed,
    JobProgressed,
    JobQueued,
    JobRequest,
    JobScheduled,
    JobStarted,
    JobStopping,
    JobStopRequested,
    JobSubmitted,
    JobWaiting,
    RequestRejected,
    ResultDownloaded,
    ResultExpired,
)
from jobmonitor.job.evolve import state_after, waits_for_after
from jobmonitor.job.row import JobRow
from jobmonitor.job.state import ENDED, LISTED_WHILE, State


class Inapplicable(ValueError):
    """The event contradicts what is known of its job; the text says how. Such a message goes to the dead letters."""


class TooEarly(Inapplicable):
    """A stop request for a job that is not known yet. A worker keeps it, and facts tell what comes of it."""


_RANKS = {state: min(rank, 4) for rank, state in enumerate(State)}
"""How far in a job's life each state lies; the four ends lie equally far."""
NO_STOP = {"stop_requested_at": None, "stop_requested_by": None}
_exact_decoder = msgspec.json.Decoder(float_hook=Decimal)


def fold(row: JobRow | None, event: Event) -> JobRow:
    """The row after this event; an equal row if the event says nothing new.

    Raises Inapplicable: the event contradicts the row, is a chunk, or is about a job of which
    nothing else is known yet and does not say whose it is.
    """
    data = event.data
    if isinstance(data, ChunkDispatched):
        raise Inapplicable("Chunks travel on the work topics only.")
    row = _first_row(event.job_id, data, event.time) if row is None else row
    _must_agree(row, data)
    changes = _changes(row, data, event.time) | _updated(row, data, event.time)
    if event.refusal is not None and row.accepted_at is None:
        changes["parameters"] = None  # its owner sees the job; a worker tells why it is refused
    return msgspec.structs.replace(row, **changes)


def in_monitor(row: JobRow) -> bool:
    """Whether the job is listed in the monitor; else it is in the history, and never comes back (domain rule 2.1).

    It leaves when there is nothing left to wait for or to fetch. A failed job has its report to fetch, so it stays too.
    """
    if row.downloaded_at or row.expired_at:
        return False
    return row.state in LISTED_WHILE or row.state is State.FAILED or row.result is not None


def _first_row(job_id: UUID, data: JobRequest | JobFact, at: datetime) -> JobRow:
    if isinstance(data, JobStopRequested):
        raise TooEarly("A stop was requested for a job of which nothing else is known yet.")
    return JobRow(
        job_id=job_id,
        account_id=data.account_id,
        owner_id=data.owner_id,
        job_type=data.job_type,
        state=_least_state(data),
        updated_at=at,
    )


def _least_state(data: JobRequest | JobFact) -> State:
    """How far the job must be, given this event alone."""
    match data:
        case JobSubmitted():
            return State.SCHEDULED if data.run_at else State.QUEUED
        case JobStopRequested() | RequestRejected():
            return State.SCHEDULED
        case JobWaiting():
            return State.QUEUED
        case _:
            return state_after(data) or State.RUNNING


def _must_agree(row: JobRow, data: JobRequest | JobFact) -> None:
    """A job's account, owner and type never change, and it ends in one way. Raises Inapplicable."""
    if data.account_id != row.account_id:
        raise Inapplicable(f"The event is of account {data.account_id}, but its job is of account {row.account_id}.")
    if isinstance(data, JobStopRequested):
        return
    if data.owner_id != row.owner_id:
        raise Inapplicable(f"The event is of user {data.owner_id}'s job, but its job is of user {row.owner_id}.")
    if data.job_type != row.job_type:
        raise Inapplicable(f"The event is of a {data.job_type} job, but its job is a {row.job_type}.")
    if isinstance(data, JobSubmitted):
        return
    if row.state in ENDED and (state := _least_state(data)) in ENDED and state is not row.state:
        raise Inapplicable(f"The job has ended as {row.state}; it cannot end as {state} as well.")
    if isinstance(data, JobProgressed | JobCompleted | JobCancelled) and data.done > data.total:
        raise Inapplicable(f"{data.done} of {data.total} units cannot be done.")


def _changes(row: JobRow, data: JobRequest | JobFact, at: datetime) -> dict[str, Any]:
    match data:
        case JobSubmitted():
            return (
                {} if row.accepted_at or _contradicts(row, data) else _advance(row, data) | _submission(row, data, at)
            )
        case JobStopRequested():
            return _stop_request(row, at, data.requested_by)
        case _:
            changes = _advance(row, data) | _newest(row, data)
            return changes | _first_fact(data, at) | _fact(row, data, at)


def _updated(row: JobRow, data: JobRequest | JobFact, at: datetime) -> dict[str, Any]:
    if isinstance(data, Fact) and row.sequence == 0:
        return {"updated_at": at}
    counts = isinstance(data, Fact) or row.sequence == 0
    return {"updated_at": at} if counts and at > row.updated_at else {}


def _contradicts(row: JobRow, data: JobSubmitted) -> bool:
    """Whether it asks for something else than the submission before. A worker decides which counts, and tells it."""
    if row.submitted_at is None:
        return False
    same = data.parameters == row.parameters or _exact(data.parameters) == _exact(row.parameters)
    return not same or ((data.reference or None), data.parent_job_id) != (row.reference, row.parent_job_id)


def _exact(parameters: dict[str, Any] | None) -> Any:
    """With decimal numbers: the database keeps all digits, and 3.6e16 comes back as an integer that no float equals."""
    return _exact_decoder.decode(msgspec.json.encode(parameters))


def _submission(row: JobRow, data: JobSubmitted, at: datetime) -> dict[str, Any]:
    return {
        "submitted_at": _earliest(row.submitted_at, at),
        "parameters": data.parameters,
        "reference": data.reference or None,
        "run_at": row.run_at or data.run_at,
        "parent_job_id": data.parent_job_id,
    }


def _newest(row: JobRow, fact: JobFact) -> dict[str, Any]:
    if fact.sequence <= row.sequence:
        return {}
    return {"sequence": fact.sequence, "waits_for": waits_for_after(fact)}


def _first_fact(fact: JobFact, at: datetime) -> dict[str, Any]:
    """What the first fact says of the submission is the last word, even if it says nothing.

    A job that was refused has no start: it would stand in the lists as one that begins some day.
    """
    if not isinstance(fact, FirstFact) or fact.sequence > 1:
        return {}
    asked = fact.asked
    return {
        "accepted_at": at,
        "submitted_at": asked and asked.submitted_at,
        "parameters": asked and asked.parameters,
        "reference": (asked and asked.reference) or None,
        "run_at": None if isinstance(fact, JobFailed) else asked and asked.run_at,
        "parent_job_id": asked and asked.parent_job_id,
    }


def _fact(row: JobRow, fact: JobFact, at: datetime) -> dict[str, Any]:
    match fact:
        case JobProgressed():
            return _counts(row, fact.done, fact.total)
        case JobScheduled():
            return {"run_at": fact.run_at}
        case JobQueued() | JobWaiting():
            return {}
        case JobStarted():
            return {"started_at": _earliest(row.started_at, at), "unit": fact.unit} | _counts(row, 0, fact.total)
        case JobStopping():
            return _stop(row, fact)
        case JobCompleted() | JobFailed() | JobCancelled():
            return {} if row.completed_at else {"completed_at": at} | _end(row, fact)
        case ResultDownloaded():
            return _who("downloaded", row.downloaded_at, row.downloaded_by, at, fact.downloaded_by)
        case ResultExpired():
            return {"expired_at": _earliest(row.expired_at, at)}
        case RequestRejected():
            return _stop_rejected(row, fact.requested_at) if fact.request == "stop" else {}
        case _:
            assert_never(fact)


def _end(row: JobRow, fact: JobCompleted | JobFailed | JobCancelled) -> dict[str, Any]:
    match fact:
        case JobCompleted():
            tally = {"rejected": fact.rejected, "outcomes": fact.outcomes, "result": fact.result}
            return tally | _counts(row, fact.done, fact.total) | NO_STOP
        case JobFailed():
            return {"failure_code": fact.code, "failure_reason": fact.reason} | NO_STOP
        case JobCancelled():
            return {"result": fact.result} | _counts(row, fact.done, fact.total) | _stop(row, fact)


def _advance(row: JobRow, data: JobRequest | JobFact) -> dict[str, Any]:
    state = _least_state(data)
    return {"state": state} if _RANKS[state] > _RANKS[row.state] else {}


def _counts(row: JobRow, done: int, total: int) -> dict[str, Any]:
    return {"done": max(row.done, done), "total": max(row.total, total)}


def _stop_request(row: JobRow, at: datetime, by: int) -> dict[str, Any]:
    """A stop request: the last one counts, while the job may still be stopped."""
    if row.state is State.STOPPING or row.state in ENDED:
        return {}
    if row.stop_rejected_at is not None and at <= row.stop_rejected_at:
        return {}
    if row.stop_requested_at is not None and (row.stop_requested_at, row.stop_requested_by or 0) >= (at, by):
        return {}
    return {"stop_requested_at": at, "stop_requested_by": by}


def _stop_rejected(row: JobRow, asked_at: datetime) -> dict[str, Any]:
    latest = max(asked_at, row.stop_rejected_at or asked_at)
    pending = row.state is not State.STOPPING and row.state not in ENDED
    gone = pending and row.stop_requested_at is not None and row.stop_requested_at <= latest
    return {"stop_rejected_at": latest} | (NO_STOP if gone else {})


def _stop(row: JobRow, fact: JobStopping | JobCancelled) -> dict[str, Any]:
    """A stop that took effect: the first that a fact tells stands, whatever was wished before."""
    if row.state in ENDED and row.state is not State.CANCELLED:
        return {}
    if row.state not in (State.STOPPING, State.CANCELLED):
        return {"stop_requested_at": fact.requested_at, "stop_requested_by": fact.requested_by}
    known_at, known_by = row.stop_requested_at, row.stop_requested_by
    return _who("stop_requested", known_at, known_by, fact.requested_at, fact.requested_by)


def _who(what: str, known_at: datetime | None, known_by: int | None, at: datetime, by: int) -> dict[str, Any]:
    """Keep when something was first done, and by whom."""
    if known_at is not None and known_by is not None and (known_at, known_by) <= (at, by):
        return {}
    return {f"{what}_at": at, f"{what}_by": by}


def _earliest(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)
