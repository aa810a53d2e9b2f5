"""A real job whose file takes longer to write than its lease lasts."""

import io
from typing import Any
from uuid import uuid4

import pytest
from python_calamine import CalamineWorkbook

from jobmonitor.contract.events import JobCompleted, JobSubmitted, result_key
from jobmonitor.contract.topics import jobs_topic, view_topics, work_topic
from jobmonitor.job_types.user_data_export.job_type import UserDataExport
from support.crm import Crm
from support.engine import Engine, create_topics, heard, read_events

SLUG = UserDataExport.slug
SUPPORTERS = 40_000


@pytest.fixture
def engine_settings() -> dict[str, Any]:
    """Its leases end after half a second, its silent transactions after two."""
    return {"lease_s": 0.5}


@pytest.fixture
async def engine(crm: Crm, engine: Engine) -> Engine:
    await create_topics(engine.bootstrap, *view_topics(SLUG), work_topic(SLUG))
    return engine


async def test_a_workbook_that_takes_longer_than_its_lease_completes_at_the_first_try(engine: Engine, crm: Crm) -> None:
    await crm.fields("Email", "City")
    await crm.supporters(SUPPORTERS)
    engine.serve(UserDataExport())
    job_id = uuid4()
    asked = JobSubmitted(account_id=1, owner_id=2, job_type=SLUG, parameters={"format": "user", "file_type": "xlsx"})

    await engine.acceptor.accept([heard(job_id, asked)])
    await engine.run_to_end(job_id)

    completed = [
        event.data for event in await read_events(engine.bootstrap, jobs_topic(SLUG)) if event.job_id == job_id
    ][-1]
    assert isinstance(completed, JobCompleted)
    assert completed.result is not None
    content = b"".join([piece async for piece in engine.objects.stream(result_key(1, job_id, completed.result))])
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert len(rows) == SUPPORTERS + 1
    chunks = await engine.owner.fetch("SELECT attempt, state FROM ledger.chunks WHERE job_id = $1", job_id)
    assert {tuple(chunk) for chunk in chunks} == {(1, "done")}
