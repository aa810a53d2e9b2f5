"""What each command makes of a job, state by state."""

from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from jobmonitor.contract.envelope import Event, decode, encode
from jobmonitor.contract.events import (
    JobCancelled,
    JobFact,
    JobFailed,
    JobProgressed,
    JobQueued,
    JobScheduled,
    JobStarted,
    JobWaiting,
    RequestRejected,
    ResultDownloaded,
    ResultExpired,
)
from jobmonitor.job.commands import (
    AcceptJob,
    Command,
    CompleteJob,
    ExpireResult,
    FailJob,
    FinishStop,
    NoteWaiting,
    QueueJob,
    RecordDownload,
    RecordProgress,
    RejectRequest,
    StartJob,
    StopJob,
)
from jobmonitor.job.evolve import evolve
from jobmonitor.job.state import State, percent
from support.given_when_then import (
    ASKED,
    ASKED_FOR_LATER,
    CANCELLED,
    COMPLETED,
    FAILED,
    LATER,
    NEW_JOB,
    NOW,
    QUEUED,
    RESULT,
    RUNNING,
    STOPPING,
    fact,
    given,
    scheduled,
    when,
)


def test_a_job_without_a_time_is_queued_at_once() -> None:
    assert when(NEW_JOB, AcceptJob(asked=ASKED, now=NOW)) == [fact(JobQueued, 1, asked=ASKED)]


def test_a_job_for_later_is_scheduled() -> None:
    assert when(NEW_JOB, AcceptJob(asked=ASKED_FOR_LATER, now=NOW)) == [
        fact(JobScheduled, 1, run_at=LATER, asked=ASKED_FOR_LATER)
    ]


def test_a_job_whose_time_has_passed_is_queued() -> None:
    asked = replace(ASKED, run_at=NOW)
    assert when(NEW_JOB, AcceptJob(asked=asked, now=LATER)) == [fact(JobQueued, 1, asked=asked)]


def test_accepting_twice_is_accepting_once() -> None:
    assert when(given(*QUEUED), AcceptJob(asked=ASKED, now=NOW)) == []


def test_a_scheduled_job_is_queued_when_it_is_due() -> None:
    assert when(given(*scheduled(LATER)), QueueJob()) == [fact(JobQueued, 2)]


@pytest.mark.parametrize("facts", [QUEUED, RUNNING, COMPLETED, CANCELLED])
def test_only_a_scheduled_job_becomes_due(facts: tuple[JobQueued, ...]) -> None:
    assert when(given(*facts), QueueJob()) == []


def test_a_planned_job_starts_with_its_total() -> None:
    assert when(given(*QUEUED), StartJob(total=10, unit="supporters")) == [RUNNING[1]]


def test_a_job_cancelled_while_it_was_planned_does_not_start() -> None:
    cancelled = given(*QUEUED, fact(JobCancelled, 2, done=0, total=0, requested_by=5, requested_at=NOW))
    assert when(cancelled, StartJob(total=10, unit="supporters")) == []


def test_progress_adds_up() -> None:
    job = given(*RUNNING, fact(JobProgressed, 3, done=4, total=10))
    assert when(job, RecordProgress(units=3)) == [fact(JobProgressed, 4, done=7, total=10)]


def test_progress_goes_on_while_the_last_chunks_of_a_stop_finish() -> None:
    assert when(given(*STOPPING), RecordProgress(units=3)) == [fact(JobProgressed, 4, done=3, total=10)]


@pytest.mark.parametrize("units", [11, -1])
def test_more_than_planned_is_a_bug_and_says_so(units: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        when(given(*RUNNING), RecordProgress(units=units))


def test_what_a_job_waits_for_is_told_when_it_changes_and_only_then() -> None:
    waiting = fact(JobWaiting, 3, waits_for="the mail server")

    assert when(given(*RUNNING), NoteWaiting(waits_for="the mail server")) == [waiting]
    assert when(given(*RUNNING, waiting), NoteWaiting(waits_for="the mail server")) == []
    assert when(given(*RUNNING, waiting), NoteWaiting(waits_for=None)) == [fact(JobWaiting, 4)]
    assert when(given(*RUNNING), NoteWaiting(waits_for=None)) == []


@pytest.mark.parametrize(
    "command", [RecordProgress(units=1), StopJob(requested_by=5, requested_at=NOW), FailJob(code="x", reason="y")]
)
def test_a_job_that_moves_on_waits_no_more(command: Command) -> None:
    job = given(*RUNNING, fact(JobWaiting, 3, waits_for="the mail server"))
    (moved,) = when(job, command)

    assert (job.waits_for, evolve(job, moved).waits_for) == ("the mail server", None)


def test_a_refused_request_does_not_end_a_wait() -> None:
    job = given(*RUNNING, fact(JobWaiting, 3, waits_for="the mail server"))
    says: dict[str, Any] = {
        "request": "stop",
        "request_id": "x",
        "requested_at": NOW,
        "code": "not_stoppable",
        "reason": "No.",
    }
    (rejected,) = when(job, RejectRequest(**says))

    assert rejected == fact(RequestRejected, 4, **says, waits_for="the mail server")
    assert evolve(job, rejected).waits_for == "the mail server"


def test_what_a_job_waits_for_is_cut_to_what_a_fact_may_hold() -> None:
    (waiting,) = when(given(*RUNNING), NoteWaiting(waits_for="a very\nlong name " * 20))

    assert decode(encode(Event(id="x", source="/tests", job_id=uuid4(), time=NOW, data=waiting))).data == waiting


def test_a_job_completes_with_its_result() -> None:
    command = CompleteJob(rejected=0, outcomes={"exported": 10}, result=RESULT)
    assert when(given(*RUNNING), command) == [COMPLETED[2]]
    assert given(*COMPLETED).state is State.COMPLETED


def test_a_job_with_refused_rows_completes_with_errors() -> None:
    command = CompleteJob(rejected=2, outcomes={"created": 8, "error": 2}, result=RESULT)
    (completed,) = when(given(*RUNNING), command)
    assert given(*RUNNING, completed).state is State.COMPLETED_WITH_ERRORS


def test_outcomes_that_do_not_add_up_are_a_bug_and_say_so() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        when(given(*RUNNING), CompleteJob(rejected=0, outcomes={"exported": 9}, result=RESULT))


@pytest.mark.parametrize("rejected", [-1, 11])
def test_more_or_fewer_refused_units_than_there_are_is_a_bug_and_says_so(rejected: int) -> None:
    with pytest.raises(ValueError, match="cannot have been refused"):
        when(given(*RUNNING), CompleteJob(rejected=rejected, outcomes={"exported": 10}, result=RESULT))


def test_a_stop_that_took_effect_wins_over_a_completion() -> None:
    assert when(given(*STOPPING), CompleteJob(rejected=0, outcomes={"exported": 10}, result=RESULT)) == []


@pytest.mark.parametrize("facts", [QUEUED, scheduled(LATER)])
def test_a_job_that_has_not_started_is_cancelled_at_once(facts: tuple[JobQueued, ...]) -> None:
    assert when(given(*facts), StopJob(requested_by=5, requested_at=NOW)) == [
        fact(JobCancelled, 2, done=0, total=0, requested_by=5, requested_at=NOW)
    ]


def test_a_running_job_first_finishes_its_chunks() -> None:
    assert when(given(*RUNNING), StopJob(requested_by=5, requested_at=NOW)) == [STOPPING[2]]
    assert when(given(*STOPPING), FinishStop(requested_by=5, requested_at=NOW)) == [CANCELLED[3]]


@pytest.mark.parametrize("facts", [STOPPING, COMPLETED, FAILED, CANCELLED])
def test_a_stop_that_comes_late_or_twice_changes_nothing(facts: tuple[JobQueued, ...]) -> None:
    assert when(given(*facts), StopJob(requested_by=5, requested_at=NOW)) == []


def test_only_a_stopping_job_finishes_its_stop() -> None:
    assert when(given(*RUNNING), FinishStop(requested_by=5, requested_at=NOW)) == []


@pytest.mark.parametrize("facts", [QUEUED, RUNNING, scheduled(LATER)])
def test_any_job_that_has_neither_ended_nor_been_stopped_can_fail(facts: tuple[JobQueued, ...]) -> None:
    job = given(*facts)
    assert when(job, FailJob(code="gave_up", reason="It failed.")) == [
        fact(JobFailed, job.sequence + 1, code="gave_up", reason="It failed.")
    ]


def test_a_stop_that_took_effect_wins_over_a_failure() -> None:
    """The stop was acknowledged; a chunk that gives up afterwards must not turn it into a failure (invariant 19)."""
    assert when(given(*STOPPING), FailJob(code="gave_up", reason="It failed.")) == []
    assert when(given(*STOPPING), FinishStop(requested_by=5, requested_at=NOW)) == [CANCELLED[3]]


def test_an_ended_job_cannot_fail() -> None:
    assert when(given(*COMPLETED), FailJob(code="gave_up", reason="It failed.")) == []


@pytest.mark.parametrize("facts", [COMPLETED, FAILED])
def test_the_first_download_is_a_fact_and_the_second_is_not(facts: tuple[JobQueued, ...]) -> None:
    (downloaded,) = when(given(*facts), RecordDownload(downloaded_by=7))
    assert downloaded == fact(ResultDownloaded, 4, downloaded_by=7)
    assert when(given(*facts, downloaded), RecordDownload(downloaded_by=8)) == []


@pytest.mark.parametrize("facts", [RUNNING, CANCELLED])
def test_without_a_result_nothing_was_downloaded(facts: tuple[JobQueued, ...]) -> None:
    assert when(given(*facts), RecordDownload(downloaded_by=7)) == []


def test_a_result_expires_once() -> None:
    (expired,) = when(given(*COMPLETED), ExpireResult())
    assert expired == fact(ResultExpired, 4)
    assert when(given(*COMPLETED, expired), ExpireResult()) == []


def test_a_transfer_that_outlived_the_expiry_of_its_result_is_a_download() -> None:
    expired = (*COMPLETED, fact(ResultExpired, 4))
    assert when(given(*expired), RecordDownload(downloaded_by=7)) == [fact(ResultDownloaded, 5, downloaded_by=7)]


def test_a_downloaded_result_is_kept_until_it_expires() -> None:
    downloaded = (*COMPLETED, fact(ResultDownloaded, 4, downloaded_by=7))
    assert when(given(*downloaded), ExpireResult()) == [fact(ResultExpired, 5)]


def test_a_stopped_job_that_reports_what_it_did_has_a_result_to_download_and_to_expire() -> None:
    (cancelled,) = when(given(*STOPPING), FinishStop(requested_by=5, requested_at=NOW, result=RESULT))
    job = given(*STOPPING, cancelled)
    assert when(job, RecordDownload(downloaded_by=7)) == [fact(ResultDownloaded, 5, downloaded_by=7)]
    assert when(job, ExpireResult()) == [fact(ResultExpired, 5)]


def test_an_older_fact_changes_nothing() -> None:
    job = given(*COMPLETED)
    assert evolve(job, fact(JobStarted, 2, total=99, unit="rows")) == job


@pytest.mark.parametrize(
    ("state", "done", "total", "shown"),
    [
        (State.QUEUED, 0, 0, 0),
        (State.RUNNING, 1, 3, 33),
        (State.RUNNING, 10, 10, 99),
        (State.COMPLETED, 10, 10, 100),
        (State.COMPLETED, 0, 0, 100),
        (State.CANCELLED, 62, 100, 62),
        (State.FAILED, 0, 0, 0),
    ],
)
def test_the_percentage_is_rounded_down_and_100_only_at_the_end(
    state: State, done: int, total: int, shown: int
) -> None:
    assert percent(state, done, total) == shown


@pytest.mark.parametrize(
    "later", [fact(JobStarted, 4, total=99, unit="rows"), fact(JobFailed, 4, code="x", reason="y")]
)
def test_no_fact_takes_a_job_out_of_its_end(later: JobFact) -> None:
    """Whatever is wrong elsewhere, the ledger and the views keep a job's first end (invariant 6)."""
    job = given(*COMPLETED)
    after = evolve(job, later)
    assert (after.state, after.done, after.total, after.result) == (job.state, job.done, job.total, job.result)
