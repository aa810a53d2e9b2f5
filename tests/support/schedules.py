"""Schedules for tests."""

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.schedules.schedule import Schedule, schedule_of

NEW_YORK = "America/New_York"
SYSTEM = 1_000_000_000_001
"""The system user of account 1."""
SCHEDULE = UUID("0a8d6f4e-0000-4000-8000-000000000001")


def utc(text: str) -> datetime:
    """``2026-11-28 08:00``, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def nightly(**columns: Any) -> Schedule:
    """At three in the morning, New York's time, next on 28 November 2026; unless told otherwise.

    ``next_at`` follows from the others.
    """
    known: dict[str, Any] = {
        "id": SCHEDULE,
        "account_id": 1,
        "owner_id": SYSTEM,
        "name": "Nightly",
        "job_type": "probe",
        "parameters": {"units": 2},
        "reference": None,
        "zone": NEW_YORK,
        "local_time": time(3),
        "weekdays": None,
        "month_day": None,
        "missed": "latest",
        "date_parameter": None,
        "paused": False,
        "created_at": utc("2026-11-01 00:00"),
        "next_date": date(2026, 11, 28),
        "next_at": utc("2026-11-28 08:00"),
        "put_off_until": None,
        "advanced_at": None,
        "last_date": None,
        "last_job_id": None,
    }
    schedule = Schedule(**known | columns)
    if "next_at" in columns:
        return schedule
    return msgspec.structs.replace(schedule, next_at=schedule.rule.instant_of(schedule.next_date))


async def add_schedules(superuser: Connection, *schedules: Schedule) -> None:
    """Put them into the table."""
    for schedule in schedules:
        values = msgspec.structs.asdict(schedule)
        values["parameters"] = msgspec.json.encode(schedule.parameters).decode()
        places = [f"${place}" + "::text::jsonb" * (name == "parameters") for place, name in enumerate(values, 1)]
        await superuser.execute(
            f"INSERT INTO crm.schedules ({', '.join(values)}) VALUES ({', '.join(places)})", *values.values()
        )


async def stored(superuser: Connection, name: str = "Nightly") -> Schedule:
    """As it stands in the table."""
    row = await superuser.fetchrow("SELECT *, parameters::text AS as_text FROM crm.schedules WHERE name = $1", name)
    assert row is not None
    return schedule_of({**row, "parameters": msgspec.json.decode(row["as_text"])})
