"""A gateway on real servers, in a thread with its own event loop, and people who log in to it."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import msgspec
import uvloop

from jobmonitor.contract.events import Result, result_key
from jobmonitor.crm.passwords import hash_password
from jobmonitor.database.pool import Connection, open_pool
from jobmonitor.gateway.app import create_app
from jobmonitor.gateway.http.server import listening_socket, serve_http
from jobmonitor.gateway.settings import GatewaySettings
from jobmonitor.job_types.protocol import JobType
from jobmonitor.job_types.registry import offered
from jobmonitor.job_types.user_data_export.job_type import UserDataExport
from jobmonitor.runtime.objects import ObjectStore

PASSWORD = "correct horse battery"
NOON = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
"""Noon in New York, in winter."""

USER, ADMIN, SUPER, OTHER_USER, OTHER_SUPER = 1, 2, 3, 4, 5
EMAILS = {
    USER: "user@first.test",
    ADMIN: "admin@first.test",
    SUPER: "super@first.test",
    OTHER_USER: "user@second.test",
    OTHER_SUPER: "super@second.test",
}

SEED = """
INSERT INTO crm.accounts (id, name, country, display_tz, default_currency)
VALUES (1, 'First', 'US', 'America/New_York', 'USD'), (2, 'Second', 'GB', 'Europe/London', 'GBP');
INSERT INTO crm.permission_groups (id, account_id, name) VALUES (1, 1, 'Exports'), (2, 2, 'Exports'), (3, 1, 'Blind');
INSERT INTO crm.group_permissions (account_id, group_id, permission)
VALUES (1, 1, 'export'), (1, 1, 'jobs.view'), (2, 2, 'export'), (2, 2, 'jobs.view'), (1, 3, 'receipts');
"""


class StoppableExport(UserDataExport):
    """As the export, but it can be stopped: no real type of today can."""

    stoppable = True


@dataclass
class RunningGateway:
    """One gateway process's worth, and the ways into it."""

    url: str
    owner: Connection
    objects: ObjectStore
    settings: GatewaySettings
    clients: list[httpx2.AsyncClient] = field(default_factory=list)

    def visitor(self) -> httpx2.AsyncClient:
        """Somebody who is not logged in."""
        client = httpx2.AsyncClient(base_url=self.url, timeout=30)
        self.clients.append(client)
        return client

    async def logged_in(self, user_id: int) -> httpx2.AsyncClient:
        """Somebody who is."""
        client = self.visitor()
        response = await client.post("/api/v1/session", json={"email": EMAILS[user_id], "password": PASSWORD})
        assert response.status_code == 200, response.text
        return client

    async def put_job(self, view: str = "monitor", *, notify: bool = True, **columns: Any) -> dict[str, Any]:
        """Put a job into the projection, replacing what it had of it, and tell the listeners as the projection does."""
        job = job_columns(**columns)
        async with self.owner.transaction():
            for table in ("job_monitor", "job_history"):
                await self.owner.execute(f"DELETE FROM projection.{table} WHERE job_id = $1", job["job_id"])
            places = ", ".join(f"${place}" for place in range(1, len(job) + 1))
            await self.owner.execute(
                f"INSERT INTO projection.job_{view} ({', '.join(job)}) VALUES ({places})",
                *job.values(),
            )
            await self.owner.execute(
                "INSERT INTO registry.job_numbers (number, job_id) OVERRIDING SYSTEM VALUE VALUES ($1, $2) "
                "ON CONFLICT DO NOTHING",
                *(job["number"], job["job_id"]),
            )
            if notify:
                change = {"account_id": job["account_id"], "job_ids": [str(job["job_id"])]}
                await self.owner.execute("SELECT pg_notify('jobs_changed', $1)", msgspec.json.encode(change).decode())
        return job

    async def put_result(self, content: bytes, view: str = "monitor", **columns: Any) -> dict[str, Any]:
        """A completed job with this file in the object store, known to the ledger too, so that it can be downloaded."""
        job_id = columns.pop("job_id", None) or uuid4()
        result = result_of(content)
        await self.objects.put(result_key(columns.get("account_id", 1), job_id, result), content)
        ended = {"state": "completed", "completed_at": NOON + timedelta(minutes=5), "done": 10, "total": 10}
        told = {**ended, "result": msgspec.to_builtins(result), **columns}
        job = await self.put_job(view, job_id=job_id, **told)
        await self.owner.execute(
            "INSERT INTO ledger.runs (job_id, account_id, owner_id, job_type, parameters, state, sequence, result) "
            "VALUES ($1, $2, $3, 'user-data-export', '{}', $4, 5, $5)",
            *(job_id, job["account_id"], job["owner_id"], job["state"], job["result"]),
        )
        return job

    async def downloaded(self, job: dict[str, Any]) -> bool:
        """Whether the ledger has the download."""
        return bool(await self.owner.fetchval("SELECT downloaded FROM ledger.runs WHERE job_id = $1", job["job_id"]))


def result_of(content: bytes, **fields: Any) -> Result:
    """Metadata that fit the content."""
    known: dict[str, Any] = {
        "name": f"{uuid4().hex}.csv",
        "media_type": "text/csv; charset=utf-8",
        "extension": "csv",
        "size_bytes": len(content),
        "sha256": sha256(content).hexdigest(),
        "rows": content.count(b"\n"),
        "expires_at": datetime.now(UTC) + timedelta(days=30),
    }
    return Result(**known | fields)


_numbers = iter(range(10_001, 1_000_000))


def key_of(job: dict[str, Any]) -> str:
    """Where the job's result lies."""
    return f"results/{job['account_id']}/{job['job_id']}/{job['result']['name']}"


def job_columns(**columns: Any) -> dict[str, Any]:
    """A queued job of the first account's user, unless told otherwise."""
    known: dict[str, Any] = {
        "job_id": uuid4(),
        "number": None,
        "account_id": 1,
        "owner_id": USER,
        "job_type": "user-data-export",
        "state": "queued",
        "sequence": 1,
        "submitted_at": NOON,
        "done": 0,
        "total": 0,
        "rejected": 0,
        "updated_at": NOON,
    }
    job = known | columns
    return job | {"number": job["number"] or next(_numbers)}


@cache
def password_hash() -> str:
    return hash_password(PASSWORD)


async def seed_people(owner: Connection) -> None:
    """Two accounts: User, Admin and Super Admin in the first, User and Super Admin in the second."""
    await owner.execute(SEED)
    types = {USER: "user", ADMIN: "admin", SUPER: "super_admin", OTHER_USER: "user", OTHER_SUPER: "super_admin"}
    for user_id, email in EMAILS.items():
        account = 2 if user_id in (OTHER_USER, OTHER_SUPER) else 1
        group = account if types[user_id] == "user" else None
        await owner.execute(
            "INSERT INTO crm.users (id, account_id, email, name, user_type, permission_group_id, password_hash) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            *(user_id, account, email, f"Person {user_id}", types[user_id], group, password_hash()),
        )


@contextmanager
def serving(settings: GatewaySettings, job_types: Sequence[JobType[Any]]) -> Iterator[str]:
    """The gateway on a free port, in a thread; gives its address."""
    crashes: list[BaseException] = []
    with listening_socket(settings) as listening:
        port = listening.getsockname()[1]
        ended, loop = asyncio.Event(), uvloop.new_event_loop()

        async def serve() -> None:
            app = create_app(settings, job_types, crashes.append)
            await serve_http(app, settings, listening, _until(ended))

        def run() -> None:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(serve())

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join(timeout=20)
            assert not thread.is_alive(), "the gateway did not stop"
    assert not crashes, crashes


async def _until(ended: asyncio.Event) -> None:
    await ended.wait()


@asynccontextmanager
async def running_gateway(
    database: Any,
    kafka_bootstrap: str,
    folder: Path,
    *,
    job_types: Sequence[JobType[Any]] | None = None,
    wait_for: Sequence[str] = (),
    **settings: Any,
) -> AsyncIterator[RunningGateway]:
    """A gateway on this database, with people in it, that listens for changes and has found Kafka (``wait_for``)."""
    wanted = GatewaySettings(
        database_url=database.url("jobmonitor_gateway"),
        kafka_bootstrap=kafka_bootstrap,
        object_store_url=f"file://{folder}",
        http_port=0,
        **settings,
    )
    superuser_url = database.superuser_url  # whom no row-level security binds
    async with await open_pool(superuser_url, size=1, application_name="test") as pool, pool.acquire() as owner:
        if not await owner.fetchval("SELECT count(*) FROM crm.users"):
            await seed_people(owner)
        with serving(wanted, offered() if job_types is None else job_types) as url:
            gateway = RunningGateway(url, owner, ObjectStore(wanted.object_store_url), wanted)
            try:
                await until_checked(gateway, *wait_for)
                yield gateway
            finally:
                for client in gateway.clients:
                    await client.aclose()


async def until_checked(gateway: RunningGateway, *names: str, within_s: float = 30.0) -> None:
    """Wait until these checks of the gateway's readiness are well (all but the page's, if none are named)."""
    async with httpx2.AsyncClient(base_url=gateway.url, timeout=10) as client:
        ends_at = asyncio.get_running_loop().time() + within_s
        while True:
            checks = (await client.get("/readyz")).json()["checks"]
            if all(checks[name]["ok"] for name in names or ("database", "kafka", "changes")):
                return
            assert asyncio.get_running_loop().time() < ends_at, checks
            await asyncio.sleep(0.05)


async def events_of(client: httpx2.AsyncClient) -> AsyncGenerator[tuple[str, Any], None]:
    """The live stream's events, ``(name, data)``."""
    async with client.stream("GET", "/api/v1/jobs/stream", timeout=30) as response:
        assert response.status_code == 200
        name = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, msgspec.json.decode(line.removeprefix("data: "))


def id_of(job: dict[str, Any]) -> str:
    job_id: UUID = job["job_id"]
    return str(job_id)
