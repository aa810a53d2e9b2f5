"""Schedules on real servers: one job for each date, however many reconcilers look, die and start again."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.topics import requests_topic
from jobmonitor.ledger import Ledger
from jobmonitor.reconciler.metrics import SCHEDULES_DUE, SCHEDULES_LATE
from jobmonitor.reconciler.schedules import PUT_OFF, Schedules
from jobmonitor.reconciler.watching import Watching
from jobmonitor.runtime.kafka import KafkaUnavailable, Outgoing
from jobmonitor.schedules.schedule import Schedule
from support.brokers import broker_at
from support.engine import Engine, heard, read_events
from support.schedules import SYSTEM, add_schedules, nightly, stored, utc
from support.waiting import until

SERVICES = Path(__file__).parents[2] / "services"
DAY = timedelta(days=1)
DUE = utc("2026-11-28 08:00")


def looking(engine: Engine) -> Schedules:
    """A reconciler's task."""
    return Schedules(engine.ledger, ["probe"])


async def submitted(engine: Engine) -> list[Event]:
    """All submissions of probes there are, repeats included."""
    events = await read_events(engine.bootstrap, requests_topic("probe"))
    return [event for event in events if isinstance(event.data, JobSubmitted)]


async def times(engine: Engine, schedules: Iterable[Schedule], days: Sequence[date]) -> Counter[UUID]:
    """How often the job of each of these dates was submitted; 0 counts, too."""
    counted = Counter({schedule.job_id_on(day): 0 for schedule in schedules for day in days})
    counted.update(event.job_id for event in await submitted(engine) if event.job_id in counted)
    return counted


async def test_a_schedule_submits_a_job_of_the_system_user_when_its_time_has_come(
    engine: Engine, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    schedule = nightly(id=uuid4(), reference="Staging")
    await add_schedules(superuser, schedule)
    assert await looking(engine).submit_due(DUE - timedelta(seconds=1)) == 0
    assert await looking(engine).submit_due(DUE) == 1
    assert await looking(engine).submit_due(DUE) == 0

    job_id = schedule.job_id_on(date(2026, 11, 28))
    (data,) = [event.data for event in await submitted(engine) if event.job_id == job_id]
    assert data == JobSubmitted(
        account_id=1, owner_id=SYSTEM, job_type="probe", parameters={"units": 2}, reference="Staging"
    )
    after = await stored(superuser)
    assert (after.next_date, after.next_at) == (date(2026, 11, 29), DUE + DAY)
    assert (after.last_date, after.last_job_id) == (date(2026, 11, 28), job_id)
    await engine.acceptor.accept([heard(job_id, data), heard(job_id, data)])
    assert (await engine.run(job_id))["owner_id"] == SYSTEM


async def test_three_reconcilers_that_look_at_once_submit_each_date_once(
    engine: Engine, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    many = [nightly(id=uuid4(), name=f"Nightly {n}", missed="each") for n in range(120)]
    await add_schedules(superuser, *many)

    async def look(reconciler: Schedules) -> int:
        return sum([await reconciler.submit_due(DUE + 2 * DAY) for _ in range(6)])

    moved_on = await asyncio.gather(*(look(looking(engine)) for _ in range(3)))

    assert sum(moved_on) == len(many)
    days = [date(2026, 11, 28), date(2026, 11, 29), date(2026, 11, 30)]
    assert set((await times(engine, many, days)).values()) == {1}


async def test_nights_of_23_and_25_hours_have_one_job_each(
    engine: Engine, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Nightly staging at 03:00, reports at 04:00, and an hour that is left out or comes twice."""
    for first in (date(2026, 3, 7), date(2026, 10, 31)):
        clocks = ("01:30", "02:30", "03:00", "04:00")
        nights = [
            nightly(id=uuid4(), name=f"{clock} from {first}", local_time=time.fromisoformat(clock), next_date=first)
            for clock in clocks
        ]
        await add_schedules(superuser, *nights)
        midnight = datetime.combine(first, time(), UTC)
        for half_hours in range(2 * 3 * 24):
            await looking(engine).submit_due(midnight + half_hours * timedelta(minutes=30))
        assert set((await times(engine, nights, [first, first + DAY, first + 2 * DAY])).values()) == {1}
        for night in nights:
            assert (await stored(superuser, night.name)).next_date == first + 3 * DAY
        await superuser.execute("DELETE FROM crm.schedules")


async def test_after_three_days_away_the_latest_date_is_made_up_for_or_each(
    engine: Engine, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    latest, each = nightly(id=uuid4(), name="Latest"), nightly(id=uuid4(), name="Each", missed="each")
    await add_schedules(superuser, latest, each)
    await looking(engine).submit_due(DUE + 2 * DAY)
    days = [date(2026, 11, 28), date(2026, 11, 29), date(2026, 11, 30)]
    assert list((await times(engine, [latest], days)).values()) == [0, 0, 1]
    assert list((await times(engine, [each], days)).values()) == [1, 1, 1]


async def test_a_clock_that_jumps_doubles_no_job_and_loses_none(
    engine: Engine, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    schedule = nightly(id=uuid4())
    await add_schedules(superuser, schedule)
    await looking(engine).submit_due(DUE + 5 * DAY)  # it ran ahead
    for hours in range(24 * 8):
        await looking(engine).submit_due(DUE - timedelta(hours=3) + timedelta(hours=hours))  # and was set right
    days = [date(2026, 11, 28) + n * DAY for n in range(8)]
    counted = await times(engine, [schedule], days)
    assert min(counted.values()) == 1
    data = schedule.submission_on(days[0])
    for job_id in counted.elements():
        await engine.acceptor.accept([heard(job_id, data)])
    assert await engine.owner.fetchval("SELECT count(*) FROM ledger.runs") == len(days)


async def test_a_paused_schedule_does_nothing(engine: Engine, superuser: "asyncpg.Connection[asyncpg.Record]") -> None:
    await add_schedules(superuser, nightly(id=uuid4(), paused=True))
    assert await looking(engine).submit_due(DUE) == 0
    assert (await stored(superuser)).next_date == date(2026, 11, 28)


async def test_what_cannot_be_submitted_keeps_its_dates_and_holds_up_no_other(
    engine: Engine, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """A type that is not installed, until a version is that has it; and what no message can hold."""
    gone = [nightly(id=uuid4(), name=f"Gone {n}", job_type="no-such-type") for n in range(60)]
    late = nightly(id=uuid4(), name="Late", next_date=date(2026, 11, 29))
    large = nightly(id=uuid4(), name="Large", parameters={"text": "x" * 1024**2})
    await add_schedules(superuser, *gone, large, late)
    while await looking(engine).submit_due(DUE + DAY):
        """There may be more."""
    assert set((await times(engine, [late], [late.next_date])).values()) == {1}
    for name in ("Gone 0", "Large"):
        assert (await stored(superuser, name)).next_date == date(2026, 11, 28)

    await superuser.execute("UPDATE crm.schedules SET job_type = 'probe' WHERE name = 'Gone 0'")
    assert await looking(engine).submit_due(DUE + DAY + PUT_OFF) == 0
    while await looking(engine).submit_due(DUE + DAY + 2 * PUT_OFF):
        """There may be more."""
    assert set((await times(engine, [gone[0]], [date(2026, 11, 29)])).values()) == {1}
    assert (await stored(superuser, "Gone 0")).next_date == date(2026, 11, 30)


async def test_a_broker_that_is_away_delays_jobs_and_a_reconciler_that_dies_meanwhile_loses_none(
    engine: Engine, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    schedule = nightly(id=uuid4())
    await add_schedules(superuser, schedule)

    class Away:
        async def send_messages(self, messages: Iterable[Outgoing]) -> None:
            raise KafkaUnavailable("away")

    dying = Ledger(engine.ledger.pool, Away(), "/jobmonitor/test", engine.settings)
    assert await Schedules(dying, ["probe"]).submit_due(DUE) == 1
    assert await looking(engine).submit_due(DUE) == 0
    await engine.ledger.send_leftovers(engine.producer, older_than=timedelta(0))
    assert set((await times(engine, [schedule], [date(2026, 11, 28)])).values()) == {1}


async def test_reconcilers_killed_again_and_again_lose_no_date_and_double_no_job(
    engine: Engine, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Three processes at a time, each killed at some moment; what they leave the next ones do."""
    today = datetime.now(UTC).date()
    first = today - 25 * DAY
    many = [nightly(id=uuid4(), name=f"Nightly {n}", missed="each", next_date=first) for n in range(100)]
    await add_schedules(superuser, *many)
    running = [_start(engine) for _ in range(3)]
    try:
        for killed in range(1, 7):
            await until(partial(_is_at, superuser, first, days=killed * 3 * len(many)), within_s=60)
            process = running.pop(0)
            process.kill()
            process.wait(10)
            running.append(_start(engine))
        await until(lambda: _are_done(superuser), within_s=60)
    finally:
        for process in running:
            process.kill()
            process.wait(10)
    after = await stored(superuser, "Nightly 0")
    days = [first + n * DAY for n in range((after.next_date - first).days)]
    assert len(days) >= 24
    counted = await times(engine, many, days)
    assert min(counted.values()) == 1
    data = many[0].submission_on(first)
    await engine.acceptor.accept([heard(job_id, data) for job_id in counted.elements()])
    assert await engine.owner.fetchval("SELECT count(*) FROM ledger.runs") == len(many) * len(days)


def _start(engine: Engine) -> "subprocess.Popen[bytes]":
    ours = {
        "JOBMONITOR_DATABASE_URL": engine.settings.database_url,
        "JOBMONITOR_KAFKA_BOOTSTRAP": engine.settings.kafka_bootstrap,
        "JOBMONITOR_OBJECT_STORE_URL": engine.settings.object_store_url,
        "JOBMONITOR_WITH_PROBE": "true",
        "JOBMONITOR_SCHEDULES_EVERY_S": "0.05",
        "JOBMONITOR_METRICS_PORT": "0",
    }
    environment = {**os.environ, "PYTHONPATH": str(SERVICES), **ours}
    return subprocess.Popen([sys.executable, "-m", "jobmonitor.reconciler"], env=environment)


async def _is_at(superuser: "asyncpg.Connection[asyncpg.Record]", first: date, *, days: int) -> bool:
    """Whether so many dates are done."""
    return bool(await superuser.fetchval("SELECT sum(next_date - $1) >= $2 FROM crm.schedules", first, days))


async def _are_done(superuser: "asyncpg.Connection[asyncpg.Record]") -> bool:
    return not await superuser.fetchval("SELECT EXISTS (SELECT FROM crm.schedules WHERE next_at <= now())") and not (
        await superuser.fetchval("SELECT EXISTS (SELECT FROM ledger.outbox)")
    )


async def test_operators_see_what_is_due_and_how_late(
    engine: Engine, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    await add_schedules(
        superuser,
        nightly(id=uuid4(), name="Late", next_at=hour_ago),
        nightly(id=uuid4(), name="Paused", next_at=hour_ago - DAY, paused=True),
        nightly(id=uuid4(), name="Not due", next_at=hour_ago + DAY),
    )
    await Watching(engine.ledger, broker_at(engine.bootstrap)).schedules()
    assert SCHEDULES_DUE._value.get() == 1
    assert 3600 <= SCHEDULES_LATE._value.get() < 3700
