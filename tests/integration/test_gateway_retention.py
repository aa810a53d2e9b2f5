"""What the gateway says of jobs that are not kept any more: as of any job that never was, and their keys stay used."""

from uuid import UUID, uuid4

import httpx2

from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.job_ids import job_id_for
from support.engine import read_events
from support.gateway import OTHER_USER, USER, RunningGateway
from support.retention import drop_all, months_ago, open_retention
from support.servers import Database

EXPORT = {"type": "user-data-export", "parameters": {"format": "user"}}


async def submit(client: httpx2.AsyncClient, key: str) -> httpx2.Response:
    return await client.post("/api/v1/jobs", json=EXPORT, headers={"idempotency-key": key})


async def published(broker: str, job_id: UUID) -> int:
    events = await read_events(broker, "requests.user-data-export")
    return sum(isinstance(event.data, JobSubmitted) for event in events if event.job_id == job_id)


async def old_job(gateway: RunningGateway, key: str, months: int) -> int:
    """A job of the first account that was done so many months ago, its run long gone; returns its Job#."""
    job_id, month = job_id_for(1, key), months_ago(months)
    await gateway.owner.execute("SELECT registry.add_month('projection', $1)", month)
    job = await gateway.put_job("history", job_id=job_id, state="cancelled", month=month)
    await gateway.owner.execute("UPDATE registry.job_numbers SET month = $1 WHERE job_id = $2", month, job_id)
    await gateway.owner.execute("UPDATE projection.job_history SET updated_at = month WHERE job_id = $1", job_id)
    await gateway.owner.execute("INSERT INTO ledger.taken_up VALUES ($1, 1)", job_id)
    return int(job["number"])


async def test_a_repeat_of_a_job_whose_run_is_gone_is_the_job(gateway: RunningGateway, broker: str) -> None:
    client, key = await gateway.logged_in(USER), str(uuid4())
    number = await old_job(gateway, key, 3)
    await gateway.owner.execute(
        'UPDATE projection.job_history SET parameters = \'{"format": "user"}\' WHERE number = $1', number
    )
    again = await submit(client, key)
    assert (again.status_code, again.json()["number"]) == (202, number)
    assert await published(broker, job_id_for(1, key)) == 0


async def test_a_dropped_job_is_found_by_nobody_and_its_key_starts_no_other(
    gateway: RunningGateway, broker: str, database: Database
) -> None:
    client, stranger, key = await gateway.logged_in(USER), await gateway.logged_in(OTHER_USER), str(uuid4())
    number, kept = await old_job(gateway, key, 30), await old_job(gateway, str(uuid4()), 3)
    job_id = job_id_for(1, key)
    assert (await client.get(f"/api/v1/jobs/{number}")).status_code == 200
    async with open_retention(database) as retention:
        assert await drop_all(retention) == 1

    for place in (number, job_id):
        for viewer in (client, stranger):
            assert (await viewer.get(f"/api/v1/jobs/{place}")).status_code == 404
    assert (await client.get(f"/api/v1/jobs/{kept}")).status_code == 200
    again = await submit(client, key)
    assert again.status_code == 409
    assert "Take a fresh key for a new job." in again.text
    assert await published(broker, job_id) == 0
    assert (await submit(client, str(uuid4()))).status_code == 202
