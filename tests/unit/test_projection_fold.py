"""A job's row: given events, when one more comes, then readers see this. In order, doubled, late: always the same."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise, permutations
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import ChunkDispatched, JobStopRequested
from jobmonitor.job.row import JobRow
from jobmonitor.job.state import State
from jobmonitor.projection.fold import Inapplicable, TooEarly, fold, in_monitor
from support.job_events import NOON, JobEvents, ordinary_life, result_of, says


def fold_all(events: Iterable[Event]) -> JobRow:
    row = None
    for event in events:
        row = fold(row, event)
    assert row is not None
    return row


def test_a_submission_shows_as_queued_before_any_worker_heard_of_it(job: JobEvents) -> None:
    submitted = job.submitted(reference="Spring")

    row = fold(None, submitted)

    assert (row.state, row.sequence, in_monitor(row)) == (State.QUEUED, 0, True)
    assert (row.account_id, row.owner_id, row.job_type) == (job.account_id, job.owner_id, job.job_type)
    assert (row.submitted_at, row.reference, row.parameters) == (submitted.time, "Spring", {"format": "user"})


def test_a_submission_for_later_shows_as_scheduled(job: JobEvents) -> None:
    run_at = NOON + timedelta(days=7)

    row = fold(None, job.submitted(run_at=run_at))

    assert (row.state, row.run_at, in_monitor(row)) == (State.SCHEDULED, run_at, True)


def test_a_refused_submission_for_later_has_no_start_in_whatever_order_it_is_told(job: JobEvents) -> None:
    submitted = job.submitted(run_at=NOON + timedelta(days=800))
    failed = job.failed()

    for events in permutations([submitted, failed]):
        row = fold_all(events)
        assert (row.state, row.run_at, row.submitted_at) == (State.FAILED, None, submitted.time)


def test_a_running_job_shows_its_start_and_how_far_it_is(job: JobEvents) -> None:
    submitted, queued, started = job.submitted(), job.queued(), job.started()

    row = fold_all([submitted, queued, started, job.progressed(30)])

    assert (row.state, row.done, row.total, row.unit) == (State.RUNNING, 30, 100, "supporters")
    assert (row.accepted_at, row.started_at, row.sequence) == (queued.time, started.time, 3)


def test_a_completed_job_stays_in_the_monitor_until_its_result_is_downloaded(job: JobEvents) -> None:
    *before, downloaded = ordinary_life(job)

    completed = fold_all(before)
    fetched = fold(completed, downloaded)

    assert (completed.state, completed.result, in_monitor(completed)) == (State.COMPLETED, result_of(100), True)
    assert (fetched.state, in_monitor(fetched)) == (State.COMPLETED, False)
    assert (fetched.downloaded_at, fetched.downloaded_by) == (downloaded.time, 2)


def test_refused_units_make_it_completed_with_errors(job: JobEvents) -> None:
    row = fold_all([job.submitted(), job.queued(), job.started(), job.completed(rejected=12)])

    assert (row.state, row.rejected) == (State.COMPLETED_WITH_ERRORS, 12)
    assert row.outcomes == {"exported": 88, "refused": 12}


def test_a_failed_job_says_why_and_stays_until_its_report_is_downloaded(job: JobEvents) -> None:
    failed = fold_all([job.submitted(), job.queued(), job.failed()])
    fetched = fold(failed, job.downloaded())

    assert (failed.state, failed.failure_code, in_monitor(failed)) == (State.FAILED, "csv_required", True)
    assert failed.failure_reason == "The file is no CSV file."
    assert not in_monitor(fetched)


def test_a_job_stopped_before_its_start_goes_straight_to_the_history(job: JobEvents) -> None:
    row = fold_all([job.submitted(), job.queued(), job.cancelled(by=3)])

    assert (row.state, row.stop_requested_by, in_monitor(row)) == (State.CANCELLED, 3, False)


def test_a_job_stopped_with_a_result_waits_for_its_download(job: JobEvents) -> None:
    row = fold_all([job.submitted(), job.started(), job.stopping(), job.cancelled(40, result=result_of(40))])

    assert (row.state, row.done, in_monitor(row)) == (State.CANCELLED, 40, True)
    assert not in_monitor(fold(row, job.downloaded()))


def test_an_expired_result_leaves_the_monitor(job: JobEvents) -> None:
    *before, _ = ordinary_life(job)

    assert not in_monitor(fold(fold_all(before), job.expired()))


def test_a_requested_stop_shows_before_it_takes_effect(job: JobEvents) -> None:
    started, requested = job.started(), job.stop_requested(by=7)

    row = fold_all([started, requested])

    assert (row.state, row.stop_requested_at, row.stop_requested_by) == (State.RUNNING, requested.time, 7)


def test_an_older_progress_that_comes_late_changes_nothing(job: JobEvents) -> None:
    started, early, late = job.started(), job.progressed(30), job.progressed(60)
    row = fold_all([started, late])

    assert fold(row, early) == row


def test_a_start_that_comes_after_the_end_only_fills_what_was_missing(job: JobEvents) -> None:
    submitted, started, completed = job.submitted(), job.started(), job.completed()

    row = fold_all([submitted, completed, started])

    assert (row.state, row.started_at, row.unit) == (State.COMPLETED, started.time, "supporters")


@pytest.mark.parametrize(
    ("stranger", "reason"),
    [
        (JobEvents(account_id=9), "account 9"),
        (JobEvents(owner_id=9), "user 9"),
        (JobEvents(job_type="email-campaign"), "email-campaign"),
    ],
)
def test_whose_and_what_a_job_is_never_changes(job: JobEvents, stranger: JobEvents, reason: str) -> None:
    row = fold(None, job.submitted())
    stranger.job_id = job.job_id

    for event in (stranger.submitted(), stranger.queued()):
        with pytest.raises(Inapplicable, match=reason):
            fold(row, event)


def test_a_stop_from_another_account_is_refused(job: JobEvents) -> None:
    row = fold(None, job.submitted())
    stop = JobStopRequested(account_id=9, requested_by=9)

    with pytest.raises(Inapplicable, match="account 9"):
        fold(row, Event(id="x", source="/tests", job_id=job.job_id, time=NOON, data=stop))


def test_another_body_under_the_same_job_id_changes_nothing_until_a_worker_says_which_counts(job: JobEvents) -> None:
    row = fold(None, job.submitted(reference="Spring"))

    for other in ({"reference": "Spring", "parameters": {"format": "hybrid"}}, {"reference": "Autumn"}):
        changed = fold(row, job.submitted(**other))
        assert (changed.reference, changed.parameters) == (row.reference, row.parameters)
    accepted = fold(row, job.queued())
    assert accepted.reference == "Autumn", "the first fact repeats what was accepted"
    again = fold(row, job.submitted(reference="Spring"))
    assert again.submitted_at == row.submitted_at


def test_a_repeat_is_known_by_its_numbers_however_the_database_writes_them(job: JobEvents) -> None:
    row = fold(None, job.submitted(parameters={"large": 36028797018963970, "small": [0.1], "none": 0}))

    again = fold(row, job.submitted(parameters={"large": 3.602879701896397e16, "small": [0.1], "none": -0.0}))
    assert again.submitted_at == row.submitted_at
    other = fold(row, job.submitted(parameters={"large": 36028797018963969, "small": [0.1], "none": 0}))
    assert other.parameters == row.parameters


def test_a_job_ends_once(job: JobEvents) -> None:
    row = fold_all([job.submitted(), job.started(), job.completed()])

    with pytest.raises(Inapplicable, match="has ended as completed"):
        fold(row, job.failed())


def test_more_done_than_there_is_to_do_is_refused(job: JobEvents) -> None:
    row = fold_all([job.submitted(), job.started()])

    with pytest.raises(Inapplicable, match="101 of 100"):
        fold(row, job.progressed(101))


def test_a_stop_for_a_job_nobody_submitted_says_too_little_to_begin_a_row(job: JobEvents) -> None:
    with pytest.raises(TooEarly):
        fold(None, job.stop_requested())


def test_a_stop_that_was_rejected_no_longer_shows_in_whatever_order_it_is_told(job: JobEvents) -> None:
    before = [job.submitted(), job.started()]
    wish, rejected = job.stop_requested(9), job.rejected()
    later = job.stop_requested(2)
    for order in permutations([wish, rejected]):
        assert fold_all([*before, *order]).stop_requested_at is None
    for order in permutations([wish, rejected, later]):
        row = fold_all([*before, *order])
        assert (row.stop_requested_at, row.stop_requested_by) == (later.time, 2)


def test_a_rejected_submission_leaves_a_wish_to_stop_alone(job: JobEvents) -> None:
    row = fold_all([job.submitted(), job.started(), job.stop_requested(), job.rejected("submit")])
    assert row.stop_requested_by == 2


def test_the_parent_is_the_one_that_the_first_fact_says_in_whatever_order_they_are_told(job: JobEvents) -> None:
    parent = uuid4()
    submitted, accepted, failed = job.submitted(parent_job_id=parent), job.queued(), job.failed()
    assert job.asked is not None
    refused = says(failed, sequence=1, asked=replace(job.asked, parent_job_id=None))

    assert fold(None, submitted).parent_job_id == parent
    for order in permutations([submitted, accepted]):
        assert fold_all(order).parent_job_id == parent
    for order in permutations([submitted, refused]):
        assert fold_all(order).parent_job_id is None


def test_what_a_job_waits_for_shows_until_the_next_fact_in_whatever_order_they_are_told(job: JobEvents) -> None:
    before, waiting = [job.submitted(), job.queued(), job.started()], job.waiting("the mail server")
    progress = job.progressed(30)

    for order in permutations([*before, waiting]):
        assert fold_all(order).waits_for == "the mail server"
    for order in permutations([*before, waiting, progress]):
        assert fold_all(order).waits_for is None


def test_a_queued_job_that_waits_is_still_queued(job: JobEvents) -> None:
    for order in permutations([job.submitted(), job.queued(), job.waiting("another import")]):
        row = fold_all(order)
        assert (row.state, row.waits_for) == (State.QUEUED, "another import")


def test_a_chunk_does_not_belong_on_a_job_topic(job: JobEvents) -> None:
    chunk = ChunkDispatched(account_id=1, job_type=job.job_type, chunk=0, kind="plan", attempt=1)

    with pytest.raises(Inapplicable, match="work topics"):
        fold(None, Event(id="x", source="/tests", job_id=job.job_id, time=NOON, data=chunk))


@st.composite
def lives(draw: st.DrawFn) -> list[Event]:
    """Every kind of life a job can have, whole or cut off, with a stop request and a repeated submission at times."""
    job = JobEvents()
    later = draw(st.booleans())
    run_at = {"run_at": NOON + timedelta(days=1)} if later else {}
    submitted = job.submitted(reference=draw(st.sampled_from([None, "Spring"])), **run_at)
    events = [submitted, *([job.scheduled(run_at["run_at"])] if later else []), job.queued()]
    if draw(st.booleans()):
        events.append(job.submitted(reference=submitted.data.reference, **run_at))  # type: ignore[union-attr]
    events += draw(st.sampled_from([_completed, _failed, _stopped_early, _stopped]))(job)
    return events[: draw(st.integers(1, len(events)))]


def _completed(job: JobEvents) -> list[Event]:
    events = [
        job.started(),
        job.progressed(0),
        job.waiting(),
        job.stop_requested(by=5),
        job.waiting(None),
        job.progressed(40),
        job.progressed(100),
    ]
    return [*events, job.completed(rejected=3), job.downloaded(by=4), job.expired()]


def _failed(job: JobEvents) -> list[Event]:
    return [job.waiting(), job.started(), job.progressed(10), job.waiting(), job.failed(), job.downloaded()]


def _stopped_early(job: JobEvents) -> list[Event]:
    return [job.stop_requested(by=3), job.stop_requested(by=4), job.cancelled(0, by=3)]


def _stopped(job: JobEvents) -> list[Event]:
    events = [job.started(), job.progressed(20), job.stop_requested(), job.stopping(), job.progressed(30)]
    return [*events, job.cancelled(30, result=result_of(30)), job.downloaded()]


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """A life, and how it arrived: in any order, some events more than once; a stop never before all else."""
    life = draw(lives())
    doubled = draw(st.lists(st.sampled_from(life), max_size=6))
    arrived = draw(st.permutations([*life, *doubled]))
    first = next(place for place, event in enumerate(arrived) if not isinstance(event.data, JobStopRequested))
    return life, [arrived[first], *arrived[:first], *arrived[first + 1 :]]


@given(deliveries())
@settings(max_examples=500)
def test_any_order_with_any_repeats_gives_the_same_row(delivery: tuple[list[Event], list[Event]]) -> None:
    life, arrived = delivery
    assert fold_all(arrived) == fold_all(life)


@given(deliveries())
@settings(max_examples=300)
def test_what_readers_see_only_goes_forward(delivery: tuple[list[Event], list[Event]]) -> None:
    _, arrived = delivery
    rows = [fold_all(arrived[: place + 1]) for place in range(len(arrived))]

    for before, after in pairwise(rows):
        assert before.sequence <= after.sequence
        assert before.done <= after.done <= after.total
        assert not (in_monitor(after) and not in_monitor(before)), "a job that left the monitor came back"
        assert before.state not in {State.COMPLETED, State.FAILED, State.CANCELLED} or after.state is before.state


@given(deliveries())
def test_a_replay_into_the_row_changes_nothing(delivery: tuple[list[Event], list[Event]]) -> None:
    life, arrived = delivery
    row = fold_all(arrived)
    for event in life:
        assert fold(row, event) == row
