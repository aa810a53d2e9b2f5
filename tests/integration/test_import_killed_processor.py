"""A real processor, killed while it imports and followed by another: every row is imported once and reported once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.topics import requests_topic
from jobmonitor.job_types.user_data_import.job_type import UserDataImport
from support.crm import Crm
from support.engine import Engine
from support.import_engine import SLUG, import_engine
from support.imports import rows_of
from support.processors import processors
from support.waiting import until

ROWS = 6_000
ADDRESSES = 5_600
"""The last rows repeat the addresses of the first."""
KILLED_AFTER_ROWS = 1_000


async def submit_twice(engine: Engine, **parameters: Any) -> UUID:
    """As Kafka may deliver it."""
    job_id = uuid4()
    data = JobSubmitted(account_id=1, owner_id=2, job_type=SLUG, parameters=parameters)
    event = Event(id=str(job_id), source="/jobmonitor/test", job_id=job_id, time=datetime.now(UTC), data=data)
    for _ in range(2):
        await engine.producer.send(requests_topic(SLUG), event)
    return job_id


async def test_an_import_whose_processor_is_killed_goes_on_in_another(engine: Engine, crm: Crm) -> None:
    await crm.fields("Email", "City")
    page, _ = await crm.page("River", status="live")
    importing = await import_engine(engine, crm, UserDataImport())
    lines = [f"somebody{number % ADDRESSES}@example.org,City {number}" for number in range(ROWS)]
    upload = str(await importing.imports.upload("\r\n".join(["Email,City", *lines])))
    job_id = await submit_twice(engine, upload=upload, page=page)

    async def many_rows() -> bool:
        return bool(await crm.owner.fetchval("SELECT count(*) >= $1 FROM crm.import_rows", KILLED_AFTER_ROWS))

    async def state() -> str | None:
        found: str | None = await engine.owner.fetchval("SELECT state FROM ledger.runs WHERE job_id = $1", job_id)
        return found

    with processors() as some:
        killed = some.start(engine, SLUG, JOBMONITOR_KAFKA_INSTANCE="worker-1")
        await until(many_rows)
        killed.kill()
        assert await state() == "running"
        await asyncio.to_thread(killed.wait, 10)
        some.start(engine, SLUG, JOBMONITOR_KAFKA_INSTANCE="worker-1")
        await engine.mend_until(state, "completed", within_s=120)

    expected = {"created": ADDRESSES, "duplicate_in_file": ROWS - ADDRESSES}
    assert (await importing.completed(job_id)).outcomes == expected
    left = await importing.left_behind()
    assert sorted(row[0] for row in left["rows"]) == list(range(2, ROWS + 2))
    assert Counter(row[1] for row in left["rows"]) == expected
    assert [len(left[table]) for table in ("supporters", "values", "activities")] == [ADDRESSES] * 3
    assert {who: text for who, _, text in left["values"]}["somebody0@example.org"] == f"City {ADDRESSES}"
    reported = rows_of(await importing.result(job_id))
    assert [(int(row["Row"]), row["Outcome"]) for row in reported] == sorted((row[0], row[1]) for row in left["rows"])
