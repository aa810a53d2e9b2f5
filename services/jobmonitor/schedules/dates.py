"""Which local dates a schedule has, and at which instant each of them is due. Pure: no clock.

A local time that does not exist, as a clock is put forward over it, is due at the first instant behind the gap; one
that comes twice is due the first time. A date that a zone leaves out altogether, as Samoa did 2011-12-30, is none.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice, takewhile
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

Missed = Literal["latest", "each"]
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
EACH_MAX = 5
"""Missed dates that are made up for at once; more follow."""


class UnknownZone(Exception):
    """These rules of time know no such zone."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When a schedule is due: every day, on some weekdays, or on one day of each month."""

    zone: str
    """IANA."""
    local_time: time
    weekdays: frozenset[int] | None = None
    """1 is Monday, 7 Sunday, as ISO 8601 counts them; None: all."""
    month_day: int | None = None
    """1 to 31; in a month without that day its last one."""

    def falls_on(self, day: date) -> bool:
        """Whether the date is one of the rule's."""
        if self.weekdays is not None:
            return day.isoweekday() in self.weekdays
        return self.month_day is None or day.day == min(self.month_day, monthrange(day.year, day.month)[1])

    def instant_of(self, day: date) -> datetime:
        """When the local time comes on this date, in UTC. Raises UnknownZone."""
        return _first_instant(datetime.combine(day, self.local_time), zone_of(self.zone))

    def dates_from(self, first: date) -> Iterator[date]:
        """The rule's dates from this one on, without end."""
        day = first
        while True:
            if self.falls_on(day) and _exists(day, zone_of(self.zone)):
                yield day
            day += DAY

    def first_after(self, now: datetime) -> date:
        """The first date that is due later than now."""
        yesterday = now.astimezone(zone_of(self.zone)).date() - DAY
        return next(day for day in self.dates_from(yesterday) if self.instant_of(day) > now)


class Due(NamedTuple):
    """What is due now, and what comes then."""

    dates: tuple[date, ...]
    """To submit, in order."""
    next_date: date
    """The first that is neither among them nor passed over; it may be due, too."""


def due(rule: Rule, next_date: date, now: datetime, missed: Missed) -> Due:
    """The dates from ``next_date`` on whose instant has come.

    Of several, "latest" passes over all but the last; "each" does them all, some at a time.
    """
    come = takewhile(lambda day: rule.instant_of(day) <= now, rule.dates_from(next_date))
    dates = tuple(islice(come, EACH_MAX)) if missed == "each" else tuple(come)[-1:]
    following = dates[-1] + DAY if dates else next_date
    return Due(dates, next(rule.dates_from(following)))


def after_set_back(rule: Rule, last_date: date | None, now: datetime) -> date:
    """Where a schedule goes on whose clock was set back: at the first date after now that was not the last one done."""
    first = rule.first_after(now)
    return first if first != last_date else next(rule.dates_from(first + DAY))


@cache
def zone_of(name: str) -> ZoneInfo:
    """Raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(f"There is no time zone {name!r}.") from error


def _first_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the zone's clocks show this or, where they never do, something later."""
    latest = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    earliest = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if earliest >= latest:
        return latest
    while latest - earliest > SECOND:  # within the gap the two lie on either side of it
        middle = earliest + (latest - earliest) / 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).replace(tzinfo=None) < local:
            earliest = middle
        else:
            latest = middle
    return latest


def _exists(day: date, zone: ZoneInfo) -> bool:
    return _first_instant(datetime.combine(day, time()), zone).astimezone(zone).date() == day
