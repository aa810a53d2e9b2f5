"""Runs go when nothing of them is needed any more, and what they did is never done again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from jobmonitor.contract.events import JobStopRequested, JobSubmitted
from jobmonitor.reconciler.repairs import Repairs
from jobmonitor.reconciler.republishing import Republishing
from jobmonitor.reconciler.retention import Retention
from jobmonitor.reconciler.settings import RETENTION, ReconcilerSettings
from jobmonitor.runtime.settings import SettingsError, load
from support.engine import Engine, heard
from support.views import see

MONTH = timedelta(days=30)
MINUTE = timedelta(minutes=1)


def settings(engine: Engine, **changed: Any) -> ReconcilerSettings:
    return ReconcilerSettings(
        database_url=engine.settings.database_url,
        object_store_url=engine.settings.object_store_url,
        with_probe=True,
        **changed,
    )


async def forget(engine: Engine, **changed: Any) -> int:
    return await Retention(engine.ledger, settings(engine, **changed)).forget_runs()


async def clean_up(engine: Engine) -> None:
    """What the reconciler does of what ended: expire, delete files, sweep."""
    repairs = Repairs(engine.ledger, engine.producer, engine.objects, settings(engine))
    await repairs.sweep_parts()
    await repairs.expire_results()
    await repairs.purge_results()


async def grow_older(engine: Engine, by: timedelta, *jobs: UUID) -> None:
    """As if nothing had happened to these jobs for so long."""
    await engine.owner.execute(
        "UPDATE ledger.runs SET updated_at = updated_at - $1::interval, created_at = created_at - $1::interval, "
        "expires_at = expires_at - $1::interval WHERE job_id = ANY ($2)",
        *(by, jobs),
    )


async def kept(engine: Engine) -> set[UUID]:
    return {row["job_id"] for row in await engine.owner.fetch("SELECT job_id FROM ledger.runs")}


async def done(engine: Engine, **parameters: Any) -> UUID:
    job_id = await engine.submit(**parameters)
    await engine.run_to_end(job_id)
    return job_id


async def forgotten(engine: Engine) -> UUID:
    """A job that was done and whose run is gone."""
    job_id = await done(engine, units=3)
    await clean_up(engine)
    await grow_older(engine, 2 * MONTH, job_id)
    await clean_up(engine)
    await grow_older(engine, 2 * MONTH, job_id)
    assert await forget(engine) == 1
    assert job_id not in await kept(engine)
    return job_id


async def test_a_run_goes_30_days_after_its_result_expired_and_not_a_minute_before(engine: Engine) -> None:
    job_id = await done(engine, units=3)
    await clean_up(engine)
    await grow_older(engine, MONTH + MINUTE, job_id)
    await clean_up(engine)  # expires it now
    await grow_older(engine, MONTH - MINUTE, job_id)
    assert await forget(engine) == 0
    await grow_older(engine, 2 * MINUTE, job_id)
    assert await forget(engine) == 1
    assert await kept(engine) == set()


async def test_a_job_without_a_result_goes_30_days_after_its_end(engine: Engine) -> None:
    job_id = await engine.submit(units=4)
    request = JobStopRequested(account_id=1, requested_by=2)
    await engine.ledger.stop(job_id, request, datetime.now(UTC), stoppable=True)
    await clean_up(engine)
    await grow_older(engine, MONTH - MINUTE, job_id)
    assert await forget(engine) == 0
    await grow_older(engine, 2 * MINUTE, job_id)
    assert await forget(engine) == 1


async def test_what_is_still_needed_stays_however_old_it_is(engine: Engine) -> None:
    """A job that runs for three years, one that is scheduled, one whose result has not expired, or still lies there."""
    running = await engine.submit(units=6)
    await engine.runner.run(running, 0)
    scheduled = await engine.submit(run_at=datetime.now(UTC) + timedelta(days=364))
    offered, expired = await done(engine, units=3), await done(engine, units=3)
    failed = await done(engine, units=-1)
    await engine.owner.execute("UPDATE ledger.runs SET updated_at = now() - interval '3 years', swept = true")
    await engine.owner.execute("UPDATE ledger.runs SET expired = true WHERE job_id = $1", expired)
    assert await forget(engine) == 0
    assert await kept(engine) == {running, scheduled, offered, expired, failed}


async def test_what_is_kept_can_be_set(engine: Engine) -> None:
    job_id = await forgotten(engine)
    later = await done(engine, units=1)
    await clean_up(engine)
    await engine.owner.execute("UPDATE ledger.runs SET purged = true, updated_at = now() - interval '40 days'")
    assert await forget(engine, run_retention_days=41) == 0
    assert await kept(engine) == {later}
    assert await forget(engine, run_retention_days=39) == 1
    assert await engine.ledger.known([job_id, later, uuid4()]) == {job_id, later}


@pytest.mark.parametrize("small", [True, False])
async def test_a_submission_that_comes_again_after_its_run_is_gone_changes_nothing(engine: Engine, small: bool) -> None:
    job_id = await forgotten(engine)
    engine.probe.small = small
    facts, effects = await engine.facts(job_id), await engine.effects()

    await engine.submit(job_id=job_id, units=3)
    await engine.submit(job_id=job_id, units=7)  # with the same key something else
    other = JobSubmitted(account_id=9, owner_id=2, job_type="probe", parameters={"units": 3})
    await engine.acceptor.refuse(heard(job_id, other), "put_aside", "It was put aside.")

    assert await kept(engine) == set()
    assert (await engine.facts(job_id), await engine.effects()) == (facts, effects)


async def test_a_stop_that_comes_after_its_run_is_gone_is_not_kept_for_a_job_to_come(engine: Engine) -> None:
    job_id = await forgotten(engine)
    request = JobStopRequested(account_id=1, requested_by=2)
    await engine.ledger.stop(job_id, request, datetime.now(UTC), stoppable=True)
    assert await engine.owner.fetch("SELECT FROM ledger.early_stops") == []


async def test_the_reconciler_asks_for_no_job_again_whose_run_is_gone(engine: Engine) -> None:
    """The view may have lost what it knew of it."""
    [job_id] = await see(engine, "probe", 1)
    await engine.owner.execute("INSERT INTO ledger.taken_up VALUES ($1, 1)", job_id)
    again = Republishing(engine.ledger, engine.producer, ["probe"], untaken_after_s=0)
    assert [await again.submissions() for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize("name", RETENTION)
@pytest.mark.parametrize("value", ["0", "-3"])
def test_nothing_is_dropped_by_a_setting_that_makes_no_sense(name: str, value: str) -> None:
    variable = f"JOBMONITOR_{name.upper()}"
    urls = {"JOBMONITOR_DATABASE_URL": "postgresql://x", "JOBMONITOR_OBJECT_STORE_URL": "memory://"}
    with pytest.raises(SettingsError, match=f"^{variable} is {value}: it is how long something is kept. Set 1 or more"):
        load(ReconcilerSettings, {**urls, variable: value})
