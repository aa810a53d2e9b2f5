"""The dates of schedules and their instants, across daylight saving, in any zone."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.schedules.dates import EACH_MAX, Rule, UnknownZone, due
from support.schedules import NEW_YORK, utc

DAY = timedelta(days=1)
ZONES = sorted(name for name in available_timezones() if "/" in name or name == "UTC")


def daily(local_time: str, zone: str = NEW_YORK) -> Rule:
    return Rule(zone=zone, local_time=time.fromisoformat(local_time))


rules = st.builds(
    Rule,
    zone=st.sampled_from(ZONES),
    local_time=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    weekdays=st.none() | st.frozensets(st.integers(1, 7), min_size=1),
) | st.builds(
    Rule,
    zone=st.sampled_from(ZONES),
    local_time=st.sampled_from([time(0), time(0, 30), time(2), time(2, 30), time(3), time(4), time(23, 59)]),
    month_day=st.none() | st.integers(1, 31),
)
days = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@pytest.mark.parametrize(
    ("zone", "local_time", "day", "instant"),
    [
        (NEW_YORK, "03:00", "2026-03-07", "2026-03-07 08:00"),  # EST
        (NEW_YORK, "03:00", "2026-03-08", "2026-03-08 07:00"),  # EDT, after a night of 23 hours
        (NEW_YORK, "02:30", "2026-03-08", "2026-03-08 07:00"),  # does not exist: the first instant behind the gap
        (NEW_YORK, "02:00", "2026-03-08", "2026-03-08 07:00"),
        (NEW_YORK, "01:59", "2026-03-08", "2026-03-08 06:59"),
        (NEW_YORK, "01:30", "2026-11-01", "2026-11-01 05:30"),  # comes twice: the first
        (NEW_YORK, "03:00", "2026-11-01", "2026-11-01 08:00"),
        ("America/Havana", "00:30", "2026-03-08", "2026-03-08 05:00"),  # put forward at midnight
        ("America/Havana", "00:00", "2026-03-08", "2026-03-08 05:00"),
        ("America/Sao_Paulo", "00:00", "2018-11-04", "2018-11-04 03:00"),
        ("Australia/Lord_Howe", "02:15", "2026-10-04", "2026-10-03 15:30"),  # by half an hour
        ("Asia/Kathmandu", "04:00", "2026-11-28", "2026-11-27 22:15"),
        ("Pacific/Apia", "03:00", "2011-12-31", "2011-12-30 13:00"),  # the first day behind the one left out
        ("Africa/Casablanca", "02:30", "2026-03-22", "2026-03-22 02:00"),  # the end of Ramadan
    ],
)
def test_the_instant_of_a_local_time(zone: str, local_time: str, day: str, instant: str) -> None:
    assert daily(local_time, zone).instant_of(date.fromisoformat(day)) == utc(instant)


def test_nights_of_23_and_25_hours_have_one_instant_each() -> None:
    for local_time in ("03:00", "04:00"):
        spring = list(islice(daily(local_time).dates_from(date(2026, 3, 7)), 3))
        autumn = list(islice(daily(local_time).dates_from(date(2026, 10, 31)), 3))
        assert spring == [date(2026, 3, 7), date(2026, 3, 8), date(2026, 3, 9)]
        assert _hours_between(daily(local_time), spring) == [23, 24]
        assert _hours_between(daily(local_time), autumn) == [25, 24]


def _hours_between(rule: Rule, dates: list[date]) -> list[float]:
    return [
        (rule.instant_of(after) - rule.instant_of(before)) / timedelta(hours=1) for before, after in pairwise(dates)
    ]


def test_a_day_of_the_month_that_is_not_there_is_its_last_one() -> None:
    monthly = Rule(zone=NEW_YORK, local_time=time(4), month_day=31)
    assert [day.isoformat() for day in islice(monthly.dates_from(date(2027, 12, 1)), 5)] == [
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
    ]
    thirtieth = Rule(zone=NEW_YORK, local_time=time(4), month_day=30)
    assert list(islice(thirtieth.dates_from(date(2027, 2, 1)), 2)) == [date(2027, 2, 28), date(2027, 3, 30)]


def test_weekdays_are_those_of_the_zone() -> None:
    mondays = Rule(zone="Pacific/Auckland", local_time=time(4), weekdays=frozenset({1}))
    first = mondays.first_after(utc("2026-11-28 00:00"))
    assert first == date(2026, 11, 30)
    assert mondays.instant_of(first) == utc("2026-11-29 15:00")


def test_a_date_that_a_zone_leaves_out_is_none() -> None:
    dates = list(islice(daily("00:00", "Pacific/Apia").dates_from(date(2011, 12, 29)), 2))
    assert dates == [date(2011, 12, 29), date(2011, 12, 31)]


def test_a_zone_that_nobody_knows_is_told_apart_from_a_bug() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", "America"):
        with pytest.raises(UnknownZone):
            daily("03:00", name).first_after(utc("2026-11-28 00:00"))


@given(rules, days)
def test_each_local_date_comes_once_and_later_than_the_one_before(rule: Rule, first: date) -> None:
    dates = list(islice(rule.dates_from(first), 40))
    instants = [rule.instant_of(day) for day in dates]
    assert dates == sorted(set(dates))
    assert all(before < after for before, after in pairwise(instants))
    left_out = {first + n * DAY for n in range((dates[-1] - first).days)} - set(dates)
    assert all(not rule.falls_on(day) or _is_left_out(day, rule.zone) for day in left_out)


def _is_left_out(day: date, zone: str) -> bool:
    """Whether no quarter of an hour of two days around shows this date in the zone."""
    start = datetime.combine(day, time(), UTC) - DAY
    return not any(
        (start + timedelta(minutes=15 * n)).astimezone(ZoneInfo(zone)).date() == day for n in range(3 * 24 * 4)
    )


@given(rules, days)
def test_clocks_show_the_local_time_or_have_just_skipped_it(rule: Rule, first: date) -> None:
    day = next(rule.dates_from(first))
    instant, zone = rule.instant_of(day), ZoneInfo(rule.zone)
    wanted = datetime.combine(day, rule.local_time)
    shown = instant.astimezone(zone).replace(tzinfo=None)
    second_before = (instant - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
    assert shown == wanted or second_before < wanted < shown
    assert instant.astimezone(zone).fold == 0


@given(rules, days, st.times())
def test_the_first_date_after_a_moment_is_the_next_one(rule: Rule, day: date, at: time) -> None:
    now = datetime.combine(day, at, UTC)
    first = rule.first_after(now)
    assert rule.instant_of(first) > now
    before = [each for each in islice(rule.dates_from(first - 70 * DAY), 71) if each < first]
    assert all(rule.instant_of(each) <= now for each in before)


@given(rules, days, st.lists(st.timedeltas(timedelta(0), timedelta(days=9)), max_size=12))
def test_each_date_is_done_once_whenever_somebody_looks(rule: Rule, first: date, pauses: list[timedelta]) -> None:
    next_date = next(rule.dates_from(first))
    now, done = rule.instant_of(next_date) - DAY, list[date]()
    for pause in pauses:
        now += pause
        found = due(rule, next_date, now, "each")
        done += found.dates
        next_date = found.next_date
    while (found := due(rule, next_date, now, "each")).dates:
        done += found.dates
        next_date = found.next_date
    assert done == [day for day in islice(rule.dates_from(first), 200) if rule.instant_of(day) <= now]


@given(rules, days, st.timedeltas(timedelta(0), timedelta(days=90)))
def test_of_missed_dates_the_latest_is_done(rule: Rule, first: date, away: timedelta) -> None:
    next_date = next(rule.dates_from(first))
    now = rule.instant_of(next_date) + away
    found = due(rule, next_date, now, "latest")
    assert found == due(rule, found.dates[0], now, "latest")
    assert rule.instant_of(found.dates[0]) <= now < rule.instant_of(found.next_date)
    assert due(rule, found.next_date, now, "latest").dates == ()


def test_three_days_away() -> None:
    rule, now = daily("03:00"), utc("2026-11-28 12:00")
    assert due(rule, date(2026, 11, 26), now, "latest") == ((date(2026, 11, 28),), date(2026, 11, 29))
    every = (date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 28))
    assert due(rule, date(2026, 11, 26), now, "each") == (every, date(2026, 11, 29))


def test_a_year_away_is_made_up_for_some_dates_at_a_time() -> None:
    found = due(daily("03:00"), date(2025, 11, 28), utc("2026-11-28 12:00"), "each")
    assert len(found.dates) == EACH_MAX
    assert found.next_date == found.dates[-1] + DAY
