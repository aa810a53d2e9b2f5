"""``jobmonitor check`` after the reconciler has dropped what is old: no false alarm."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from jobmonitor.checker.client_history import Operation
from support.checked_world import Worlds, told
from support.job_events import JobEvents, ordinary_life
from support.retention import drop_all, months_ago, open_retention
from support.servers import Postgres

TOLD: list[tuple[str, Literal["ok", "fail"]]] = [("submit", "ok"), ("read", "ok"), ("read", "fail")]
"""What clients did with the job, and how that ended: once it was dropped they did not find it."""


async def test_what_was_dropped_in_time_is_missed_by_nobody(worlds: Worlds, postgres: Postgres, tmp_path: Path) -> None:
    async with worlds.copy_of(postgres, tmp_path, calm=True) as world:
        month = months_ago(40)
        began_at = datetime(month.year, month.month, 3, tzinfo=UTC)
        old = JobEvents(job_type=world.topic_type, began_at=began_at)
        await world.execute("INSERT INTO registry.job_numbers (job_id, month) VALUES ($1, $2)", old.job_id, month)
        await world.publish([*ordinary_life(old), old.expired()])
        await world.fold()
        world.clients += [Operation(operation=name, job_id=old.job_id, outcome=outcome) for name, outcome in TOLD]
        await world.execute("UPDATE ledger.runs SET updated_at = now() - interval '40 days' WHERE state = 'cancelled'")
        async with open_retention(world.database) as retention:
            await retention.add_months_ahead()
            assert await drop_all(retention) == 1
            assert await retention.forget_runs() == 1
        report = await world.check(calm=True)
        assert report.holds, told(report)
        (finding,) = [each for each in report.findings if each.invariant == "I40"]
        assert finding.looked_at > 4
