"""The whole stack over HTTP: a real export from submission to history, also with crashes in the middle."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest_asyncio

from support.waiting import until

PASSWORD = "jobmonitor-demo"


@pytest_asyncio.fixture
async def client(stack: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody logged in as the first account's User."""
    async with httpx2.AsyncClient(base_url=stack.http_url, timeout=30) as opened:
        answer = await opened.post("/api/v1/session", json={"email": "user@demo.test", "password": PASSWORD})
        assert answer.status_code == 200
        yield opened


async def submit(client: httpx2.AsyncClient, **parameters: Any) -> str:
    answer = await client.post("/api/v1/jobs", json={"type": "user-data-export", "parameters": parameters})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def job(client: httpx2.AsyncClient, job_id: str) -> dict[str, Any]:
    """The job as the API tells it; an empty one while the gateway is away."""
    try:
        answer = await client.get(f"/api/v1/jobs/{job_id}")
    except httpx2.TransportError:
        return {}
    return dict(answer.json()) if answer.status_code == 200 else {}


async def ended(client: httpx2.AsyncClient, job_id: str) -> dict[str, Any]:
    async def completed() -> dict[str, Any] | None:
        seen = await job(client, job_id)
        return seen if seen.get("completed_at") else None

    return await until(completed, within_s=120)


async def rows_of(client: httpx2.AsyncClient, item: dict[str, Any]) -> list[dict[str, str]]:
    answer = await client.get(item["result"]["href"])
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def count(stack: Any, question: str) -> int:
    connection = await asyncpg.connect(stack.superuser_url)
    try:
        return int(await connection.fetchval(question))
    finally:
        await connection.close()


async def test_an_export_runs_is_downloaded_and_moves_to_history(stack: Any, client: httpx2.AsyncClient) -> None:
    supporters = await count(stack, "SELECT count(*) FROM crm.supporters WHERE account_id = 1")
    item = await ended(client, await submit(client, format="user"))
    assert item["state"] == "completed"
    assert item["progress"] == {"done": supporters, "total": supporters, "percent": 100, "unit": "supporters"}
    assert item["view"] == "monitor"
    assert item["result"]["name"].startswith(f"J{item['number']}_user-data-export_")
    assert len(await rows_of(client, item)) == supporters >= 5000

    async def left() -> bool:
        return bool((await job(client, item["id"]))["view"] == "history")

    await until(left)
    history = (await client.get("/api/v1/jobs", params={"view": "history"})).json()["items"]
    assert item["number"] in [listed["number"] for listed in history]


async def test_a_worker_killed_in_the_middle_costs_time_and_no_row(stack: Any, client: httpx2.AsyncClient) -> None:
    """The same rows as without a crash: each activity and gift of each supporter once."""
    job_id = await submit(client, format="transaction")

    async def in_the_middle() -> bool:
        return bool((await job(client, job_id)).get("progress", {}).get("done"))

    await until(in_the_middle)
    stack.kill("processor")
    item = await ended(client, job_id)
    assert item["state"] == "completed"
    expected = await count(
        stack,
        "SELECT (SELECT count(*) FROM crm.activities WHERE account_id = 1)"
        " + (SELECT count(*) FROM crm.transactions WHERE account_id = 1 AND supporter_id IS NOT NULL"
        " AND removed_at IS NULL)",
    )
    assert item["progress"]["done"] == item["result"]["rows"] == expected
    assert len(await rows_of(client, item)) == expected


async def test_every_service_killed_in_turn_loses_nothing(stack: Any, client: httpx2.AsyncClient) -> None:
    jobs = []
    for name in ("projection", "reconciler", "processor", "gateway"):
        jobs.append(await submit(client, format="user", file_type="csv"))
        stack.kill(name)
        await until(lambda: reachable(client))
    ends = [await ended(client, job_id) for job_id in jobs]
    assert [item["state"] for item in ends] == ["completed"] * len(jobs)
    assert len({item["number"] for item in ends}) == len(jobs)


async def test_servers_killed_and_restarted_lose_nothing(stack: Any, client: httpx2.AsyncClient) -> None:
    jobs = [await submit(client, format="transaction")]
    stack.kill("postgres")
    await until(lambda: reachable(client), within_s=60)
    jobs.append(await submit_until_taken(client))
    stack.kill("kafka")
    jobs.append(await submit_until_taken(client))
    for job_id in jobs:
        assert (await ended(client, job_id))["state"] == "completed"


async def reachable(client: httpx2.AsyncClient) -> bool:
    """Whether the gateway says it can work."""
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx2.TransportError:
        return False


async def submit_until_taken(client: httpx2.AsyncClient) -> str:
    """What a client does in an outage: the same submission under the same key, until it is answered 202."""
    body = {"type": "user-data-export", "parameters": {"format": "user"}}
    key = str(uuid4())

    async def taken() -> str | None:
        try:
            answer = await client.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": key})
        except httpx2.TransportError:
            return None
        assert answer.status_code in (202, 503), answer.text
        return str(answer.json()["id"]) if answer.status_code == 202 else None

    return await until(taken, within_s=60)
