"""What drops old months, and months to drop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from jobmonitor.database.pool import open_pool
from jobmonitor.ledger import Ledger
from jobmonitor.reconciler.retention import Retention
from jobmonitor.reconciler.settings import ReconcilerSettings
from jobmonitor.runtime.kafka import Producer
from support.brokers import broker_at
from support.job_events import JobEvents
from support.servers import Database


def months_ago(months: int) -> date:
    """The month so many before this one."""
    today = datetime.now(UTC)
    number = today.year * 12 + today.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def job_of(month: date, **who: Any) -> JobEvents:
    """A job whose events are of this month."""
    return JobEvents(began_at=datetime(month.year, month.month, 2, tzinfo=UTC), **who)


async def number_in(superuser: Any, month: date, job_id: UUID) -> None:
    """Give the job its Job# as if that had been in this month."""
    await superuser.execute("INSERT INTO registry.job_numbers (job_id, month) VALUES ($1, $2)", job_id, month)


@asynccontextmanager
async def open_retention(database: Database, **changed: Any) -> AsyncIterator[Retention]:
    """With the rights of the reconciler."""
    settings = ReconcilerSettings(
        database_url=database.url("jobmonitor_worker"), object_store_url="memory://", **changed
    )
    async with await open_pool(settings.database_url, size=2, application_name="test") as pool:
        yield Retention(Ledger(pool, Producer(broker_at("127.0.0.1:1")), "/tests", settings), settings)


async def drop_all(retention: Retention) -> int:
    """Until nothing old is left; returns in how many steps."""
    steps = 0
    while await retention.drop_month():
        steps += 1
    return steps
