"""A token given over HTTP is nowhere afterwards: in no topic, no table, no file, no log, no metric and no answer."""

import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import asyncpg
import httpx2
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from jobmonitor.crm.demo_login import PASSWORD
from support.more_types import write_more_types
from support.stack import RunningStack
from support.waiting import until

ADMIN = "admin@demo.test"
SLUG = "probe-01"


@pytest.fixture(scope="module")
def stack(servers_folder: Path) -> Iterator[RunningStack]:
    """A stack that offers the probe, which takes a token; its processes log all they can."""
    folder = write_more_types(servers_folder / "more-types")
    settings = {"demo_supporters": "100", "job_types": SLUG, "log_level": "debug"}
    with RunningStack(servers_folder / "stack-with-tokens", **settings) as running:
        running.packages.append(folder)
        yield running.start()


@pytest.fixture
async def client(stack: RunningStack) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=stack.http_url, timeout=30) as client:
        await client.post("/api/v1/session", json={"email": ADMIN, "password": PASSWORD})
        yield client


class Secret:
    """A token, and what was answered to whoever gave it, rightly and wrongly."""

    def __init__(self, client: httpx2.AsyncClient, token: str) -> None:
        self._client = client
        self._token = token
        self.answers: list[httpx2.Response] = []

    async def give_everywhere(self) -> None:
        token, bearer = self._token, {"authorization": f"Bearer {self._token}"}
        for path in ("/api/v1/job-preview", "/api/v1/jobs"):
            for parameters in ({}, {"token": token}, {"token": token, "units": "many"}, {"token": [token]}):
                body = {"type": SLUG, "parameters": {"units": 3, **parameters}}
                self.answers.append(await self._client.post(path, json=body))
                self.answers.append(await self._client.post(path, json=body, headers=bearer))
            other = {"type": "user-data-export", "parameters": {"token": token}}
            self.answers.append(await self._client.post(path, json=other, headers=bearer))
            self.answers.append(await self._client.post(path, json=other))
        for path in ("/api/v1/jobs", "/api/v1/tokens", "/api/v1/nothing", "/nothing"):
            self.answers.append(await self._client.get(path, params={"token": token}, headers=bearer))
        self.answers.append(await self._client.post("/api/v1/jobs", content=f"token={token}", headers=bearer))

    @property
    def accepted(self) -> list[str]:
        """The ids of jobs."""
        return [each.json()["id"] for each in self.answers if each.status_code == 202]


async def test_a_token_is_nowhere_and_its_id_in_its_place(stack: RunningStack, client: httpx2.AsyncClient) -> None:
    made = (await client.post("/api/v1/tokens")).json()
    secret = Secret(client, made["token"])

    await secret.give_everywhere()
    await client.delete(f"/api/v1/tokens/{made['id']}")
    await secret.give_everywhere()  # refused from now on
    for job in secret.accepted:
        await until(partial(_ended, client, job), within_s=120)

    found = [each.text for each in secret.answers] + [(await client.get("/metrics")).text]
    found += [(await client.get(f"/api/v1/jobs/{job}")).text for job in secret.accepted]
    topics, tables = await _topics(stack), await _tables(stack)
    id_in_place = f'"token_id":{made["id"]}'.encode()
    assert len(secret.accepted) >= 4
    assert sum(id_in_place in each for each in topics) >= 3, "so much is seen of what is published"
    assert any(f'"token_id": {made["id"]}' in each for each in tables), "and stored"
    assert not [each for each in found + tables if made["token"] in each or made["token"].encode().hex() in each]
    assert not [each for each in topics if made["token"].encode() in each]
    assert _files_with(made["token"].encode(), stack) == []
    assert f"token_id={made['id']}" in _logs(stack), "the logs tell who used it"


async def _ended(client: httpx2.AsyncClient, job: str) -> bool:
    return (await client.get(f"/api/v1/jobs/{job}")).json().get("completed_at") is not None


async def _topics(stack: RunningStack) -> list[bytes]:
    """All that was ever published, keys, values and headers."""
    places = await _partitions(stack)
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        records: list[bytes] = []
        for place in places:
            while await consumer.position(place) < ends[place]:
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    records += [repr((each.key, each.value, each.headers)).encode() for each in batch]
        return records
    finally:
        await consumer.stop()


async def _partitions(stack: RunningStack) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(await admin.list_topics())
    finally:
        await admin.close()
    return [
        TopicPartition(each["topic"], partition["partition"])
        for each in described
        for partition in each["partitions"]
        if not each["topic"].startswith("__")
    ]


async def _tables(stack: RunningStack) -> list[str]:
    """Every row of every table, as text."""
    connection = await asyncpg.connect(stack.superuser_url)
    try:
        names = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        rows = [await connection.fetch(f"SELECT to_jsonb(t)::text FROM {name} AS t") for (name,) in names]
    finally:
        await connection.close()
    return [text for table in rows for (text,) in table]


def _files_with(secret: bytes, stack: RunningStack) -> list[str]:
    """Logs, the broker's and the database's own files, the object store: all of the stack's."""
    files = [Path(folder) / name for folder, _, names in os.walk(stack.data_dir) for name in names]
    return [str(each) for each in [*files, stack.terminal] if each.is_file() and secret in each.read_bytes()]


def _logs(stack: RunningStack) -> str:
    texts = [each.read_text(errors="replace") for each in stack.data_dir.rglob("*.log") if each.is_file()]
    return stack.output + "".join(texts)
