"""What became of imported rows goes by the month, all of a job together, and not while the job goes on."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from jobmonitor.reconciler.retention import Retention
from support.crm import Crm
from support.retention import open_retention
from support.servers import Database

KEPT = timedelta(days=90)


@pytest.fixture
async def retention(database: Database) -> AsyncIterator[Retention]:
    async with open_retention(database) as opened:
        yield opened


def month_of(moment: datetime) -> date:
    return date(moment.year, moment.month, 1)


def before(month: date) -> date:
    return month_of(datetime(month.year, month.month, 1, tzinfo=UTC) - timedelta(days=1))


NOT_DUE = month_of(datetime.now(UTC) - KEPT)
"""It ended less than 90 days ago."""
DUE = before(NOT_DUE)


async def wrote(crm: Crm, month: date, *rows: int, job_id: UUID | None = None) -> UUID:
    """A job with these rows, written in this month."""
    job_id = job_id or uuid4()
    await crm.owner.execute("SELECT registry.add_partition('crm', 'import_rows', $1)", month)
    await crm.owner.execute(
        "INSERT INTO crm.import_rows (account_id, job_id, row_no, outcome, month) "
        "SELECT $1, $2, unnest($3::int[]), 'created', $4",
        *(crm.account_id, job_id, rows, month),
    )
    return job_id


async def run_of(crm: Crm, job_id: UUID, state: str) -> None:
    await crm.owner.execute(
        "INSERT INTO ledger.runs (job_id, account_id, owner_id, job_type, parameters, state) "
        "VALUES ($1, $2, 2, 'user-data-import', '{}', $3) ON CONFLICT (job_id) DO UPDATE SET state = excluded.state",
        *(job_id, crm.account_id, state),
    )


async def kept(crm: Crm) -> set[UUID]:
    return {row["job_id"] for row in await crm.owner.fetch("SELECT job_id FROM crm.import_rows")}


async def drop_all(retention: Retention) -> int:
    months = 0
    while await retention.drop_row_outcomes():
        months += 1
    return months


async def test_rows_go_90_days_after_the_end_of_their_month_and_not_before(crm: Crm, retention: Retention) -> None:
    older, young = await wrote(crm, before(DUE), 2, 3), await wrote(crm, NOT_DUE, 2)
    old = await wrote(crm, DUE, 2, 3)
    assert await kept(crm) == {older, old, young}
    assert await drop_all(retention) == 2
    assert await kept(crm) == {young}


async def test_the_rows_of_a_job_that_goes_on_stay_however_old_they_are(crm: Crm, retention: Retention) -> None:
    running = await wrote(crm, DUE, 2, 3)
    await run_of(crm, running, "running")
    assert await drop_all(retention) == 0
    await run_of(crm, running, "completed")
    assert await drop_all(retention) == 1


async def test_the_rows_of_a_job_go_together(crm: Crm, retention: Retention) -> None:
    """It wrote over the end of a month."""
    jobs = [await wrote(crm, DUE, 2, 3, 4) for _ in range(5)]
    await wrote(crm, NOT_DUE, 5, job_id=sorted(jobs)[3])
    assert await drop_all(retention) == 0
    await crm.owner.execute("DELETE FROM crm.import_rows WHERE month = $1", NOT_DUE)
    assert await drop_all(retention) == 1
    assert await kept(crm) == set()


async def test_a_chunk_that_is_writing_is_not_disturbed(crm: Crm, retention: Retention) -> None:
    await wrote(crm, DUE, 2)
    async with crm.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('app.account_id', $1, true)", str(crm.account_id))
        insert = "INSERT INTO crm.import_rows (account_id, job_id, row_no, outcome) VALUES ($1, $2, $3, 'created')"
        await connection.execute(insert, crm.account_id, UUID(int=1), 2)
        assert await retention.drop_row_outcomes() == 0
        await connection.execute(insert, crm.account_id, UUID(int=1), 3)
    assert await drop_all(retention) == 1
    assert await kept(crm) == {UUID(int=1)}


async def test_nobody_reads_a_month_past_the_policy_of_the_whole(crm: Crm, database: Database, superuser: Any) -> None:
    await wrote(crm, DUE, 2)
    await superuser.execute("GRANT SELECT ON ALL TABLES IN SCHEMA crm TO jobmonitor_worker")
    assert await crm.pool.fetch(f"SELECT * FROM crm.import_rows_{DUE:%Y_%m}") == []
    assert await crm.pool.fetch("SELECT * FROM crm.import_rows") == []
