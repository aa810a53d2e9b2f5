"""From the projection's row to what people see: percentages, file names, results, reports."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from jobmonitor.contract.events import Result
from jobmonitor.gateway.jobs.items import file_name, item, result_file
from jobmonitor.gateway.jobs.records import JobRecord
from jobmonitor.gateway.jobs.reports import render_report
from jobmonitor.job.state import State
from jobmonitor.job_types.probe.job_type import Probe
from jobmonitor.job_types.registry import offered

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TYPES = {each.slug: each for each in offered()}
JOB = JobRecord(
    view="monitor",
    job_id=UUID(int=1),
    number=10_001,
    account_id=1,
    owner_id=10,
    owner_name="Owner",
    zone="America/New_York",
    job_type="user-data-export",
    state=State.RUNNING,
    updated_at=NOW,
    total=3,
    done=2,
)
RESULT = Result(
    name="a.csv",
    media_type="text/csv",
    extension="csv",
    size_bytes=3,
    sha256="a" * 64,
    rows=1,
    expires_at=NOW + timedelta(days=1),
)


def job(**fields: Any) -> JobRecord:
    return msgspec.structs.replace(JOB, **fields)


@pytest.mark.parametrize(
    ("state", "done", "total", "percent"),
    [
        (State.SCHEDULED, 0, 0, 0),
        (State.RUNNING, 0, 3, 0),
        (State.RUNNING, 2, 3, 66),
        (State.RUNNING, 3, 3, 99),
        (State.RUNNING, 999_999, 1_000_000, 99),
        (State.COMPLETED, 3, 3, 100),
        (State.COMPLETED, 0, 0, 100),
        (State.COMPLETED_WITH_ERRORS, 3, 3, 100),
        (State.CANCELLED, 2, 3, 66),
        (State.FAILED, 3, 3, 99),
    ],
)
def test_100_percent_means_that_the_result_is_there(state: State, done: int, total: int, percent: int) -> None:
    assert item(job(state=state, done=done, total=total), TYPES, NOW).progress.percent == percent


@pytest.mark.parametrize(
    ("completed_at", "zone", "name"),
    [
        (datetime(2026, 1, 1, 4, 59, tzinfo=UTC), "America/New_York", "J10001_user-data-export_20251231-2359.csv"),
        (datetime(2026, 7, 1, 4, 0, tzinfo=UTC), "America/New_York", "J10001_user-data-export_20260701-0000.csv"),
        (datetime(2026, 7, 1, 4, 0, tzinfo=UTC), "Europe/London", "J10001_user-data-export_20260701-0500.csv"),
    ],
)
def test_a_files_name_has_the_time_of_completion_in_the_accounts_zone(
    completed_at: datetime, zone: str, name: str
) -> None:
    assert file_name(job(completed_at=completed_at, zone=zone), "csv") == name


def test_a_result_expires_at_its_time_or_when_it_was_purged() -> None:
    done = job(state=State.COMPLETED, result=RESULT, completed_at=NOW)

    def expired(row: JobRecord, now: datetime) -> bool:
        file = result_file(row, TYPES, now)
        assert file is not None
        return file.expired

    assert not expired(done, RESULT.expires_at - timedelta(microseconds=1))
    assert expired(done, RESULT.expires_at)
    assert expired(msgspec.structs.replace(done, expired_at=NOW), NOW)


@pytest.mark.parametrize("state", [State.SCHEDULED, State.QUEUED, State.RUNNING, State.STOPPING, State.CANCELLED])
def test_there_is_no_result_without_one(state: State) -> None:
    assert item(job(state=state), TYPES, NOW).result is None


def test_a_job_of_a_type_this_version_does_not_know_is_shown_all_the_same() -> None:
    shown = item(job(job_type="annual-receipts", unit="donors"), TYPES, NOW)

    assert (shown.name, shown.progress.unit, shown.can_stop) == ("annual-receipts", "donors", False)


def test_a_job_that_cannot_be_stopped_never_says_that_it_stops() -> None:
    """Exports end by themselves, a probe can be stopped; nobody knows of a type of another version."""
    types = {**TYPES, "probe": Probe()}
    said = {
        job_type: item(job(job_type=job_type, stop_requested_at=NOW), types, NOW).stop_requested
        for job_type in ("probe", "user-data-export", "annual-receipts")
    }

    assert said == {"probe": True, "user-data-export": False, "annual-receipts": False}


def test_the_owner_has_a_name_even_when_gone() -> None:
    assert item(job(owner_name=None), TYPES, NOW).owner.name == "User 10"


def test_a_report_is_the_same_whenever_it_is_rendered_and_as_long_as_told() -> None:
    failed = job(state=State.FAILED, failure_code="x", failure_reason="Ça n'existe pas.", completed_at=NOW)
    file = result_file(failed, TYPES, NOW)
    report = render_report(failed, "User Data Export")

    assert file is not None
    assert file.size_bytes == len(report) > len(report.decode()), "bytes, not letters"
    assert "Failed: 2026-07-01 08:00 EDT" in report.decode()
