"""I40 on made-up snapshots: what may be late, and how late."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from jobmonitor.checker.check import judge
from jobmonitor.checker.snapshot import Snapshot, StoredRun

NOW = datetime(2026, 3, 15, tzinfo=UTC)
DAY = timedelta(days=1)


def is_red(snapshot: Snapshot) -> bool:
    (found,) = [each for each in judge(snapshot).findings if each.invariant == "I40"]
    return found.status == "violated"


def run(unchanged_since: datetime, *, state: str = "completed", purged: bool = True, swept: bool = True) -> StoredRun:
    return StoredRun(
        job_id=UUID(int=1),
        account_id=1,
        owner_id=2,
        job_type="probe",
        parameters={},
        created_at=unchanged_since,
        updated_at=unchanged_since,
        state=state,  # type: ignore[arg-type]
        purged=purged,
        swept=swept,
    )


def of_runs(one: StoredRun, **kept_since: datetime) -> Snapshot:
    return Snapshot(calm=False, now=NOW, runs={one.job_id: one}, kept_since=kept_since)


@pytest.mark.parametrize(("late", "red"), [(-DAY, False), (0.9 * DAY, False), (1.1 * DAY, True)])
def test_a_run_may_be_a_day_too_old(late: timedelta, red: bool) -> None:
    kept_since = NOW - 30 * DAY
    assert is_red(of_runs(run(kept_since - late), runs=kept_since)) == red


def test_a_run_of_which_something_is_left_may_have_any_age() -> None:
    old, kept_since = NOW - 1000 * DAY, NOW - 30 * DAY
    for one in (run(old, state="running"), run(old, state="failed", purged=False), run(old, swept=False)):
        assert not is_red(of_runs(one, runs=kept_since))


def test_without_a_word_of_the_reconciler_nothing_is_too_old() -> None:
    assert not is_red(of_runs(run(NOW - 1000 * DAY)))


@pytest.mark.parametrize(
    ("what", "days", "red"),
    [("jobs", 6, False), ("jobs", 8, True), ("row outcomes", 61, False), ("row outcomes", 63, True)],
)
def test_a_month_may_be_a_week_too_old_and_rows_wait_for_later_ones_of_their_job(
    what: str, days: int, red: bool
) -> None:
    over = datetime(2026, 1, 1, tzinfo=UTC)
    kept_months = [(what, date(2025, 12, 1))]
    snapshot = Snapshot(calm=False, now=NOW, kept_months=kept_months, kept_since={what: over + days * DAY})
    assert is_red(snapshot) == red


def test_rows_of_an_import_that_goes_on_have_any_age() -> None:
    going_on = run(datetime(2020, 1, 1, tzinfo=UTC), state="running")
    snapshot = of_runs(going_on, **{"row outcomes": NOW})
    snapshot.kept_months = [("row outcomes", date(2020, 1, 1))]
    assert not is_red(snapshot)
