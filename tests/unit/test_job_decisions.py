"""What each command makes of a job, state by state."""

from datetime import UTC, datetime, timedelta

import pytest

from jobmonitor.contract.events import (
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobProgressed,
    JobQueued,
    JobScheduled,
    JobStarted,
    JobStopping,
    Result,
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
    QueueJob,
    RecordDownload,
    RecordProgress,
    StartJob,
    StopJob,
)
from jobmonitor.job.evolve import evolve
from jobmonitor.job.state import Job, State, percent
from support.given_when_then import NEW_JOB, QUEUED, RUNNING, fact, given, scheduled, when

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
RESULT = Result(
    key="results/1/a.csv",
    media_type="text/csv",
    extension="csv",
    size_bytes=10,
    sha256="0" * 64,
    rows=1,
    expires_at=NOW + timedelta(days=30),
)
COMPLETED = (*RUNNING, fact(JobCompleted, 3, done=10, total=10, rejected=0, outcomes={"exported": 10}, result=RESULT))
FAILED = (*RUNNING, fact(JobFailed, 3, code="gave_up", reason="It failed."))
STOPPING = (*RUNNING, fact(JobStopping, 3, requested_by=5))
CANCELLED = (*STOPPING, fact(JobCancelled, 4, done=0, total=10, requested_by=5))


def test_a_job_without_a_time_is_queued_at_once() -> None:
    assert when(NEW_JOB, AcceptJob(now=NOW)) == [fact(JobQueued, 1)]


def test_a_job_for_later_is_scheduled() -> None:
    assert when(NEW_JOB, AcceptJob(now=NOW, run_at=LATER)) == [fact(JobScheduled, 1, run_at=LATER)]


def test_a_job_whose_time_has_passed_is_queued() -> None:
    assert when(NEW_JOB, AcceptJob(now=LATER, run_at=NOW)) == [fact(JobQueued, 1)]


def test_accepting_twice_is_accepting_once() -> None:
    assert when(given(*QUEUED), AcceptJob(now=NOW)) == []


def test_a_scheduled_job_is_queued_when_it_is_due() -> None:
    assert when(given(*scheduled(LATER)), QueueJob()) == [fact(JobQueued, 2)]


@pytest.mark.parametrize("facts", [QUEUED, RUNNING, COMPLETED, CANCELLED])
def test_only_a_scheduled_job_becomes_due(facts: tuple[JobQueued, ...]) -> None:
    assert when(given(*facts), QueueJob()) == []


def test_a_planned_job_starts_with_its_total() -> None:
    assert when(given(*QUEUED), StartJob(total=10, unit="supporters")) == [RUNNING[1]]


def test_a_job_cancelled_while_it_was_planned_does_not_start() -> None:
    cancelled = given(*QUEUED, fact(JobCancelled, 2, done=0, total=0, requested_by=5))
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


def test_a_stop_that_took_effect_wins_over_a_completion() -> None:
    assert when(given(*STOPPING), CompleteJob(rejected=0, outcomes={"exported": 10}, result=RESULT)) == []


@pytest.mark.parametrize("facts", [QUEUED, scheduled(LATER)])
def test_a_job_that_has_not_started_is_cancelled_at_once(facts: tuple[JobQueued, ...]) -> None:
    assert when(given(*facts), StopJob(requested_by=5)) == [fact(JobCancelled, 2, done=0, total=0, requested_by=5)]


def test_a_running_job_first_finishes_its_chunks() -> None:
    assert when(given(*RUNNING), StopJob(requested_by=5)) == [STOPPING[2]]
    assert when(given(*STOPPING), FinishStop(requested_by=5)) == [CANCELLED[3]]


@pytest.mark.parametrize("facts", [STOPPING, COMPLETED, FAILED, CANCELLED])
def test_a_stop_that_comes_late_or_twice_changes_nothing(facts: tuple[JobQueued, ...]) -> None:
    assert when(given(*facts), StopJob(requested_by=5)) == []


def test_only_a_stopping_job_finishes_its_stop() -> None:
    assert when(given(*RUNNING), FinishStop(requested_by=5)) == []


@pytest.mark.parametrize("facts", [QUEUED, RUNNING, STOPPING, scheduled(LATER)])
def test_any_job_that_has_not_ended_can_fail(facts: tuple[JobQueued, ...]) -> None:
    job = given(*facts)
    assert when(job, FailJob(code="gave_up", reason="It failed.")) == [
        fact(JobFailed, job.sequence + 1, code="gave_up", reason="It failed.")
    ]


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


def test_every_command_meets_every_state_without_surprise() -> None:
    """Each pair is decided: no command raises or makes more than one fact in any state it may meet."""
    states: list[Job] = [
        given(*facts) for facts in ((), scheduled(LATER), QUEUED, RUNNING, STOPPING, COMPLETED, FAILED, CANCELLED)
    ]
    commands: list[Command] = [
        AcceptJob(now=NOW),
        QueueJob(),
        StartJob(total=1, unit="rows"),
        RecordProgress(units=1),
        CompleteJob(rejected=0, outcomes={"exported": 10}, result=RESULT),
        FailJob(code="x", reason="y"),
        StopJob(requested_by=5),
        FinishStop(requested_by=5),
        RecordDownload(downloaded_by=7),
        ExpireResult(),
    ]
    for job in states:
        for command in commands:
            assert len(when(job, command)) <= 1
            if job.ended:
                assert all(type(made) in (ResultDownloaded, ResultExpired) for made in when(job, command))
