"""Every address for everybody: who is not logged in, each kind of user, owner or not, of the account or another.

The routes are those the application describes: one that is not in the table fails the test.
"""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from support.gateway import ADMIN, EMAILS, OTHER_SUPER, OTHER_USER, PASSWORD, SUPER, USER, RunningGateway, password_hash

BLIND = 6
"""Of the first account; the group grants neither the job monitor nor anything used here."""
NOBODY = 0
EVERYBODY = (NOBODY, USER, BLIND, ADMIN, SUPER, OTHER_USER, OTHER_SUPER)
NAMES = ("nobody", "owner", "blind user", "admin", "super admin", "other user", "other super admin")
PEOPLE = b"Email\r\nada@x.test\r\n"
EXPORT = {"type": "user-data-export", "parameters": {"format": "user"}}

# In the order of EVERYBODY. The second account's user may neither import nor have a token; admins and super
# admins may do everything.
ANYBODY = (200, 200, 200, 200, 200, 200, 200)
LOGGED_IN = (401, 200, 200, 200, 200, 200, 200)
MAY_LOOK = (401, 200, 403, 200, 200, 200, 200)
OWNERS_JOB = (401, 200, 403, 404, 200, 404, 404)
MAY_IMPORT = (401, 200, 403, 200, 200, 403, 200)
OWNERS_UPLOAD = (401, 200, 403, 404, 200, 403, 404)
MAY_HAVE_TOKEN = (401, 200, 403, 200, 200, 403, 200)
OWNERS_TOKEN = (401, 200, 404, 404, 200, 404, 404)


def _with(statuses: tuple[int, ...], well: int) -> tuple[int, ...]:
    """The same where all is well with another status."""
    return tuple(well if status == 200 else status for status in statuses)


EXPECTED: dict[tuple[str, str], tuple[int, ...]] = {
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
    ("GET", "/metrics"): ANYBODY,
    ("POST", "/api/v1/session"): (401,) * 7,  # a wrong password
    ("GET", "/api/v1/session"): LOGGED_IN,
    ("GET", "/api/v1/job-types"): LOGGED_IN,
    ("GET", "/api/v1/job-types/{job_type}/options"): MAY_IMPORT,
    ("POST", "/api/v1/job-preview"): MAY_LOOK,
    ("POST", "/api/v1/jobs"): _with(MAY_LOOK, 202),
    ("GET", "/api/v1/jobs"): MAY_LOOK,
    ("GET", "/api/v1/jobs/stream"): MAY_LOOK,
    ("GET", "/api/v1/jobs/{job}"): OWNERS_JOB,
    ("POST", "/api/v1/jobs/{job}/stop"): _with(OWNERS_JOB, 409),  # an export cannot be stopped
    ("GET", "/api/v1/jobs/{job}/result"): OWNERS_JOB,
    ("HEAD", "/api/v1/jobs/{job}/result"): OWNERS_JOB,
    ("POST", "/api/v1/uploads"): _with(MAY_IMPORT, 201),
    ("GET", "/api/v1/uploads"): MAY_IMPORT,
    ("GET", "/api/v1/uploads/{upload}"): OWNERS_UPLOAD,
    ("DELETE", "/api/v1/uploads/{upload}"): _with(OWNERS_UPLOAD, 204),
    ("POST", "/api/v1/tokens"): _with(MAY_HAVE_TOKEN, 201),
    ("GET", "/api/v1/tokens"): LOGGED_IN,
    ("DELETE", "/api/v1/tokens/{token}"): _with(OWNERS_TOKEN, 204),
    ("GET", "/api/v1/schedules"): MAY_LOOK,
    ("POST", "/api/v1/schedules"): _with(MAY_LOOK, 201),
    ("POST", "/api/v1/schedules/{schedule}/pause"): OWNERS_JOB,
    ("POST", "/api/v1/schedules/{schedule}/resume"): OWNERS_JOB,
    ("POST", "/api/v1/schedules/{schedule}/run"): _with(OWNERS_JOB, 202),
    ("DELETE", "/api/v1/schedules/{schedule}"): _with(OWNERS_JOB, 204),
    ("DELETE", "/api/v1/session"): (204,) * 7,  # the last, as it ends what the others need
}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/session"): {"json": {"email": "nobody@first.test", "password": "wrong"}},
    ("POST", "/api/v1/job-preview"): {"json": EXPORT},
    ("POST", "/api/v1/jobs"): {"json": EXPORT},
    ("POST", "/api/v1/schedules"): {"json": EXPORT | {"name": "Nightly", "time": "03:00"}},
    ("POST", "/api/v1/uploads"): {"params": {"name": "people.csv"}, "content": PEOPLE},
}


@dataclass
class World:
    """Everybody, and what belongs to the owner."""

    gateway: RunningGateway
    clients: list[httpx2.AsyncClient]
    job: int

    async def upload(self) -> str:
        """A file of the owner's."""
        owner = self.clients[EVERYBODY.index(USER)]
        answer = await owner.post("/api/v1/uploads", params={"name": "people.csv"}, content=PEOPLE)
        return str(answer.json()["id"])

    async def token(self) -> int:
        """The id of the owner's live token."""
        live = "SELECT id FROM crm.api_tokens WHERE user_id = $1 AND revoked_at IS NULL"
        await self.clients[EVERYBODY.index(USER)].post("/api/v1/tokens")
        return int(await self.gateway.owner.fetchval(live, USER))

    async def schedule(self) -> str:
        """A schedule of the owner's."""
        owner = self.clients[EVERYBODY.index(USER)]
        added = {"name": str(uuid4()), "time": "03:00"}
        return str((await owner.post("/api/v1/schedules", json=EXPORT | added)).json()["id"])

    async def told(self, method: str, path: str) -> tuple[int, ...]:
        """What each of them is answered there."""
        statuses = []
        for client in self.clients:
            upload = await self.upload() if "{upload}" in path else ""
            token = await self.token() if "{token}" in path else 0
            schedule = await self.schedule() if "{schedule}" in path else ""
            ids = {"job": self.job, "upload": upload, "token": token, "schedule": schedule}
            url = path.format(**ids, job_type="user-data-import")
            async with client.stream(method, url, **BODIES.get((method, path), {})) as answer:
                statuses.append(answer.status_code)
        return tuple(statuses)


@pytest.fixture
async def world(gateway: RunningGateway) -> World:
    owner = gateway.owner
    await owner.execute(
        "INSERT INTO crm.users (id, account_id, email, name, user_type, permission_group_id, password_hash) "
        "VALUES ($1, 1, 'blind@first.test', 'Blind', 'user', 3, $2)",
        *(BLIND, password_hash()),
    )
    await owner.execute(
        "INSERT INTO crm.group_permissions (account_id, group_id, permission) "
        "VALUES (1, 1, 'import'), (1, 1, 'api.token')"
    )
    clients = [await _client(gateway, who) for who in EVERYBODY]
    job = await gateway.put_result(b"Email\r\n", owner_id=USER)
    return World(gateway, clients, job["number"])


async def _client(gateway: RunningGateway, who: int) -> httpx2.AsyncClient:
    client = gateway.visitor()
    if who != NOBODY:
        log_in = {"email": EMAILS.get(who, "blind@first.test"), "password": PASSWORD}
        assert (await client.post("/api/v1/session", json=log_in)).status_code == 200
    return client


async def _routes(gateway: RunningGateway) -> set[tuple[str, str]]:
    paths = (await gateway.visitor().get("/openapi.json")).json()["paths"]
    return {(method.upper(), path) for path, operations in paths.items() for method in operations}


async def test_every_route_answers_everybody_as_the_table_says(world: World, subtests: pytest.Subtests) -> None:
    assert await _routes(world.gateway) == set(EXPECTED)

    for (method, path), expected in EXPECTED.items():
        with subtests.test(method=method, path=path):
            told = await world.told(method, path)
            assert dict(zip(NAMES, told, strict=True)) == dict(zip(NAMES, expected, strict=True))


async def test_what_a_type_offers_is_for_who_may_start_it(world: World) -> None:
    path = "/api/v1/job-types/{}/options"

    exports = await world.told("GET", path.format("user-data-export"))
    unknown = await world.told("GET", path.format("unknown"))

    assert dict(zip(NAMES, exports, strict=True)) == dict(zip(NAMES, MAY_LOOK, strict=True))
    assert unknown == (401, 404, 404, 404, 404, 404, 404)
