"""How a schedule moves on: given where it stands and the time, which jobs are submitted and where it stands then."""

from datetime import date, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.schedules.schedule import moved_on
from support.schedules import SCHEDULE, SYSTEM, nightly, utc


def test_a_date_is_one_job_whoever_submits_it() -> None:
    job_id = nightly().job_id_on(date(2026, 11, 28))
    assert job_id == job_id_for(1, f"schedule:{SCHEDULE}:2026-11-28")
    assert nightly(account_id=2).job_id_on(date(2026, 11, 28)) != job_id


def test_the_submission_is_the_owners_and_can_be_told_the_date() -> None:
    plain = nightly(reference="Staging").submission_on(date(2026, 11, 28))
    assert (plain.account_id, plain.owner_id, plain.job_type) == (1, SYSTEM, "probe")
    assert (plain.parameters, plain.reference, plain.run_at) == ({"units": 2}, "Staging", None)
    dated = nightly(date_parameter="day").submission_on(date(2026, 11, 28))
    assert dated.parameters == {"units": 2, "day": "2026-11-28"}


def test_before_its_time_nothing_is_submitted_and_at_its_time_the_date_is() -> None:
    assert moved_on(nightly(), utc("2026-11-28 07:59"))[0] == ()
    now = utc("2026-11-28 08:00")
    dates, moved = moved_on(nightly(), now)
    assert dates == (date(2026, 11, 28),)
    assert (moved.next_date, moved.next_at) == (date(2026, 11, 29), utc("2026-11-29 08:00"))
    assert (moved.last_date, moved.last_job_id) == (dates[0], nightly().job_id_on(dates[0]))
    assert (moved.advanced_at, moved_on(moved, now)[0]) == (now, ())


def test_an_instant_stored_under_older_rules_of_time_is_put_right() -> None:
    early = nightly(next_at=utc("2026-11-28 07:00"))
    dates, moved = moved_on(early, utc("2026-11-28 07:00"))
    assert (dates, moved.next_date, moved.next_at) == ((), date(2026, 11, 28), utc("2026-11-28 08:00"))


def test_a_clock_that_ran_ahead_by_days_and_is_set_right_loses_no_date() -> None:
    _, ahead = moved_on(nightly(), utc("2026-12-01 12:00"))
    assert (ahead.last_date, ahead.next_date) == (date(2026, 12, 1), date(2026, 12, 2))
    dates, right = moved_on(ahead, utc("2026-11-28 12:00"))
    assert (dates, right.next_date, right.next_at) == ((), date(2026, 11, 29), utc("2026-11-29 08:00"))
    assert moved_on(right, utc("2026-11-29 08:00"))[0] == (date(2026, 11, 29),)


def test_a_clock_that_is_set_back_by_a_second_does_nothing_again() -> None:
    _, done = moved_on(nightly(), utc("2026-11-28 08:00"))
    dates, back = moved_on(done, utc("2026-11-28 08:00") - timedelta(seconds=1))
    assert (dates, back.next_date) == ((), date(2026, 11, 29))
    assert moved_on(back, utc("2026-11-28 08:00"))[0] == ()


@given(st.lists(st.timedeltas(timedelta(days=-3), timedelta(days=3)), max_size=30))
def test_however_the_clock_jumps_each_date_it_comes_to_again_is_the_same_job(jumps: list[timedelta]) -> None:
    """And from where it ends on no date is lost: looked at every hour, each of the next ten days gets its job."""
    schedule, now = nightly(next_date=date(2026, 9, 1), next_at=utc("2026-09-01 07:00")), utc("2026-11-28 08:00")
    for jump in (timedelta(0), *jumps):
        now += jump
        _, schedule = moved_on(schedule, now)
    before, submitted = schedule.last_date, list[date]()
    for hours in range(1, 24 * 10 + 1):
        dates, schedule = moved_on(schedule, now + timedelta(hours=hours))
        submitted += dates
    rule = schedule.rule
    expected = [day for day in _days_from(now.date()) if now < rule.instant_of(day) <= now + timedelta(days=10)]
    assert set(expected) - {before} <= set(submitted) <= set(expected)
    assert len(submitted) == len(set(submitted))
    assert schedule == msgspec.structs.replace(schedule, last_date=expected[-1])


def _days_from(first: date) -> list[date]:
    return [first + timedelta(days=n) for n in range(-1, 12)]
