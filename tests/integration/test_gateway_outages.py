"""Kafka or PostgreSQL away and back: a clear answer meanwhile, nothing lost, and no restart by hand."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2

from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.local.kafka import KafkaServer
from support.engine import read_events
from support.gateway import (
    EMAILS,
    PASSWORD,
    USER,
    RunningGateway,
    events_of,
    running_gateway,
    seed_people,
    until_checked,
)
from support.servers import Database, Postgres
from support.waiting import until

EXPORT: dict[str, Any] = {"type": "user-data-export", "parameters": {"format": "user"}}


async def _unavailable(response: httpx2.Response) -> bool:
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert int(response.headers["retry-after"]) > 0
    assert problem["type"] == "urn:jobmonitor:problem:unavailable"
    return response.status_code == 503


async def test_with_kafka_away_a_submission_is_refused_and_can_be_sent_again(
    gateway: RunningGateway, kafka: KafkaServer, broker: str
) -> None:
    client = await gateway.logged_in(USER)
    key = str(uuid4())

    async def submit() -> httpx2.Response:
        return await client.post("/api/v1/jobs", json=EXPORT, headers={"idempotency-key": key})

    kafka.stop()
    try:
        refused = await submit()
        again = await submit()
        listed = await client.get("/api/v1/jobs")
        unknown = await client.get(f"/api/v1/jobs/{job_id_for(1, key)}")
        ready = await client.get("/readyz")
        alive = await client.get("/healthz")
    finally:
        kafka.start()
    await until_checked(gateway, "kafka")
    accepted = await submit()

    assert await _unavailable(refused)
    assert await _unavailable(again)
    assert "broker" in refused.json()["detail"]
    assert listed.status_code == 200, "reading needs no Kafka"
    assert unknown.status_code == 404, "it was not accepted"
    assert (ready.status_code, ready.json()["checks"]["kafka"]["ok"]) == (503, False)
    assert alive.status_code == 200
    assert (accepted.status_code, accepted.json()["id"]) == (202, str(job_id_for(1, key)))
    events = [
        each
        for each in await read_events(broker, "requests.user-data-export")
        if str(each.job_id) == accepted.json()["id"]
    ]
    assert len({str(event.data) for event in events}) == 1
    assert (await client.get(f"/api/v1/jobs/{accepted.json()['id']}")).status_code == 200


async def test_a_gateway_started_without_kafka_serves_and_connects_by_itself(
    database: Database, kafka: KafkaServer, broker: str, tmp_path: Path
) -> None:
    kafka.stop()
    try:
        async with contextlib.AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(
                running_gateway(database, broker, tmp_path, wait_for=("database", "changes"))
            )
            client = await gateway.logged_in(USER)
            refused = await client.post("/api/v1/jobs", json=EXPORT)
            kafka.start()
            await until_checked(gateway, "kafka")
            accepted = await client.post("/api/v1/jobs", json=EXPORT)
    finally:
        kafka.start()

    assert await _unavailable(refused)
    assert accepted.status_code == 202


async def test_with_postgres_away_everything_is_refused_in_words_and_recovers(
    gateway: RunningGateway, postgres: Postgres, database: Database
) -> None:
    client = await gateway.logged_in(USER)
    job = await gateway.put_job()
    stream = events_of(client)
    assert await anext(stream) == ("ready", {})

    postgres.kill()
    try:
        answers = [
            await client.get("/api/v1/session"),
            await client.get("/api/v1/jobs"),
            await client.get(f"/api/v1/jobs/{job['number']}/result"),
            await client.post("/api/v1/jobs", json=EXPORT),
            await client.post("/api/v1/session", json={"email": EMAILS[USER], "password": PASSWORD}),
        ]
        ready = (await client.get("/readyz")).json()
    finally:
        postgres.start()
    await until_checked(gateway)

    assert [await _unavailable(answer) for answer in answers] == [True] * len(answers)
    assert not ready["checks"]["database"]["ok"]
    assert (await client.get("/api/v1/jobs")).json()["items"][0]["number"] == job["number"], "still logged in"
    assert await anext(stream) == ("reset", {}), "what was missed meanwhile is loaded afresh"
    await stream.aclose()


@contextlib.asynccontextmanager
async def _process(database: Database, kafka_bootstrap: str, folder: Path) -> AsyncIterator[tuple[Process, str]]:
    """``python -m jobmonitor.gateway`` as operators start it; gives the process and its address."""
    environment = {
        **os.environ,
        "PYTHONPATH": "services",
        "JOBMONITOR_DATABASE_URL": database.url("jobmonitor_gateway"),
        "JOBMONITOR_KAFKA_BOOTSTRAP": kafka_bootstrap,
        "JOBMONITOR_OBJECT_STORE_URL": f"file://{folder}",
        "JOBMONITOR_HTTP_PORT": "0",
        "JOBMONITOR_LOG_FORMAT": "json",
    }
    command = (sys.executable, "-m", "jobmonitor.gateway")
    process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=PIPE)
    assert process.stderr is not None
    port = 0
    while not port:
        line = await asyncio.wait_for(process.stderr.readline(), 60)
        assert line, "the gateway ended"
        if b'"gateway_listening"' in line:
            port = int(line.split(b'"port": ')[1].split(b",")[0].rstrip(b"}\n"))
    drain = asyncio.ensure_future(process.stderr.read())
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await drain


async def test_the_process_serves_and_leaves_in_order_with_a_page_open(
    database: Database, broker: str, tmp_path: Path
) -> None:
    owner = await asyncpg.connect(database.superuser_url)
    await seed_people(owner)
    await owner.close()
    async with _process(database, broker, tmp_path) as (process, url), httpx2.AsyncClient(base_url=url) as client:
        await client.post("/api/v1/session", json={"email": EMAILS[USER], "password": PASSWORD})

        async def connected() -> bool:
            checks = (await client.get("/readyz")).json()["checks"]
            return all(checks[name]["ok"] for name in ("database", "kafka", "changes"))

        await until(connected)
        accepted = await client.post("/api/v1/jobs", json=EXPORT)
        stream = events_of(client)
        assert await anext(stream) == ("ready", {})

        process.send_signal(signal.SIGTERM)
        rest = [event async for event in stream]
        status = await asyncio.wait_for(process.wait(), 15)

    assert accepted.status_code == 202
    assert rest == [], "the stream ends without a word, so that the page connects again"
    assert status == 0


async def test_the_process_starts_while_nothing_else_is_there(tmp_path: Path) -> None:
    class Nowhere:
        def url(self, role: str) -> str:
            return f"postgresql://{role}:x@127.0.0.1:1/none"

    async with (
        _process(Nowhere(), "127.0.0.1:1", tmp_path) as (process, url),  # type: ignore[arg-type]
        httpx2.AsyncClient(base_url=url) as client,
    ):
        alive, ready = await client.get("/healthz"), await client.get("/readyz")
        jobs = await client.get("/api/v1/jobs", headers={"cookie": "jobmonitor_session=x"})
        process.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(process.wait(), 15)

    assert (alive.status_code, ready.status_code, jobs.status_code) == (200, 503, 503)
    checks = ready.json()["checks"]
    assert [name for name in ("database", "kafka", "changes") if checks[name]["ok"]] == []
    assert status == 0


async def test_what_keeps_it_from_starting_is_one_line() -> None:
    async def words(**environment: str) -> tuple[int | None, list[str]]:
        command = (sys.executable, "-m", "jobmonitor.gateway")
        process = await asyncio.create_subprocess_exec(
            *command, env={"PYTHONPATH": "services", **environment}, stderr=PIPE
        )
        _, said = await process.communicate()
        return process.returncode, said.decode().splitlines()

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        complete = {"JOBMONITOR_DATABASE_URL": "postgresql://x", "JOBMONITOR_OBJECT_STORE_URL": "memory:///"}
        missing = await words()
        occupied = await words(**complete, JOBMONITOR_HTTP_PORT=port)

    assert missing[0] == 2
    assert len(missing[1]) == 1
    assert "is not set" in missing[1][0]
    assert occupied[0] == 1
    assert len(occupied[1]) == 1
    assert port in occupied[1][0]
    assert "JOBMONITOR_HTTP_PORT" in occupied[1][0]
