"""Jobs asked for with a token: over HTTP it becomes its id before it is published, by Kafka only the id is taken."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from jobmonitor.contract.envelope import decode
from jobmonitor.contract.events import JobCompleted, JobFailed, JobSubmitted
from jobmonitor.crm.tokens import new_token, token_hash
from jobmonitor.job_types.probe import JOB_TYPE as PROBE
from jobmonitor.job_types.registry import offered
from jobmonitor.processor.requests import RequestHandler
from support.engine import Engine, read_events
from support.gateway import ADMIN, OTHER_SUPER, SUPER, USER, RunningGateway, running_gateway
from support.people import add_people
from support.servers import Database

PARAMETERS = {"units": 1}
EXPORT = {"type": "user-data-export", "parameters": {"format": "user"}}
DOORS = ("/api/v1/jobs", "/api/v1/job-preview")


@pytest.fixture
async def gateway(database: Database, broker: str, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """It offers the probe too, which may be asked for with a token."""
    async with running_gateway(database, broker, tmp_path, job_types=(PROBE, *offered())) as running:
        yield running


async def _token(gateway: RunningGateway, who: int) -> tuple[int, str]:
    made = (await (await gateway.logged_in(who)).post("/api/v1/tokens")).json()
    return made["id"], made["token"]


def _job(**parameters: Any) -> dict[str, Any]:
    return {"type": "probe", "parameters": PARAMETERS | parameters}


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def _published(broker: str, answer: httpx2.Response) -> JobSubmitted:
    assert answer.status_code == 202, answer.text
    job_id = UUID(answer.json()["id"])
    (event,) = [each for each in await read_events(broker, "requests.probe") if each.job_id == job_id]
    assert isinstance(event.data, JobSubmitted)
    return event.data


async def test_a_bearer_token_starts_a_job_of_its_user_that_names_its_id(gateway: RunningGateway, broker: str) -> None:
    token_id, token = await _token(gateway, ADMIN)

    answer = await gateway.visitor().post("/api/v1/jobs", json=_job(), headers=_bearer(token))

    said = await _published(broker, answer)
    assert (said.account_id, said.owner_id, said.parameters["token_id"]) == (1, ADMIN, token_id)
    assert token not in answer.text + str(said)


async def test_the_parameter_token_becomes_the_id(gateway: RunningGateway, broker: str) -> None:
    token_id, token = await _token(gateway, ADMIN)
    client, body = await gateway.logged_in(ADMIN), _job(token=token)

    answers = [
        await client.post("/api/v1/jobs", json=body),
        await gateway.visitor().post("/api/v1/jobs", json=body, headers=_bearer(token)),
        await client.post("/api/v1/jobs", json=_job(token_id=token_id)),
    ]

    said = [await _published(broker, each) for each in answers]
    assert [each.parameters["token_id"] for each in said] == [token_id] * 3
    assert all("token" not in each.parameters for each in said)


async def test_a_repeat_with_the_same_key_is_the_same_job_however_the_token_is_given(gateway: RunningGateway) -> None:
    _, token = await _token(gateway, ADMIN)
    client, headers = gateway.visitor(), {"idempotency-key": str(uuid4()), **_bearer(token)}

    first = await client.post("/api/v1/jobs", json=_job(), headers=headers)
    again = await client.post("/api/v1/jobs", json=_job(token=token), headers=headers)

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]


async def test_whatever_is_no_usable_token_is_refused_in_the_same_words(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    revoked_id, revoked = await _token(gateway, ADMIN)
    await (await gateway.logged_in(ADMIN)).delete(f"/api/v1/tokens/{revoked_id}")
    asking = await gateway.logged_in(ADMIN)
    _, colleagues = await _token(gateway, SUPER)
    _, foreign = await _token(gateway, OTHER_SUPER)
    given = {
        "unknown": new_token(),
        "revoked": revoked,
        "a colleague's": colleagues,
        "foreign": foreign,
        "no token": "é",
    }

    told = set()
    for path in DOORS:
        for kind, token in given.items():
            answer = await asking.post(path, json=_job(token=token))
            told.add((answer.status_code, answer.text))
            with subtests.test(path=path, kind=kind):
                assert token not in answer.text
        for token in (given["unknown"], given["revoked"], "!"):
            answer = await gateway.visitor().post(path, json=_job(), headers=_bearer(token))
            told.add((answer.status_code, answer.text))

    ((status, text),) = told
    assert status == 401
    assert json.loads(text)["type"].endswith(":bad_token")


async def test_a_token_of_somebody_who_may_not_use_it_any_more_is_refused(gateway: RunningGateway) -> None:
    await gateway.owner.execute(
        "INSERT INTO crm.group_permissions (account_id, group_id, permission) VALUES (1, 1, 'api.token')"
    )
    _, token = await _token(gateway, USER)

    async def told() -> int:
        return (await gateway.visitor().post("/api/v1/job-preview", json=_job(), headers=_bearer(token))).status_code

    statuses = [await told()]
    for statement in (
        "DELETE FROM crm.group_permissions WHERE permission = 'api.token'",
        "UPDATE crm.users SET active = false WHERE id = 1",
    ):
        await gateway.owner.execute(statement)
        statuses.append(await told())

    assert statuses == [200, 401, 401]


async def test_a_token_opens_what_takes_one_and_nothing_else(gateway: RunningGateway) -> None:
    token_id, token = await _token(gateway, ADMIN)
    client = gateway.visitor()

    exports = [await client.post(path, json=EXPORT, headers=_bearer(token)) for path in DOORS]
    others = [
        await client.get("/api/v1/jobs", headers=_bearer(token)),
        await client.post("/api/v1/tokens", headers=_bearer(token)),
        await client.delete(f"/api/v1/tokens/{token_id}", headers=_bearer(token)),
    ]

    assert [each.status_code for each in exports] == [403, 403]
    assert "not started with a token" in exports[0].json()["detail"]
    assert [each.status_code for each in others] == [401] * 3


async def test_who_is_logged_in_names_only_their_own_live_token(gateway: RunningGateway) -> None:
    own, _ = await _token(gateway, ADMIN)
    colleagues, _ = await _token(gateway, SUPER)
    client = await gateway.logged_in(ADMIN)

    named = [await client.post("/api/v1/job-preview", json=_job(token_id=each)) for each in (own, colleagues, 999_999)]
    await client.delete(f"/api/v1/tokens/{own}")
    revoked = await client.post("/api/v1/jobs", json=_job(token_id=own))

    assert [each.status_code for each in (*named, revoked)] == [200, 422, 422, 422]
    assert revoked.json()["errors"][0]["field"] == "parameters.token_id"
    assert revoked.json()["detail"] == named[1].json()["detail"].replace(str(colleagues), str(own))


# By Kafka -----------------------------------------------------------------------------------------------------------


def _request(job_id: UUID, **says: Any) -> Any:
    """A submission as any producer may send it."""
    envelope = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/tests",
        "type": "jobmonitor.job_submitted.v1",
        "subject": str(job_id),
        "time": "2026-11-27T12:00:00Z",
        "data": {"account_id": 1, "owner_id": 2, "job_type": "probe", "parameters": PARAMETERS, **says},
    }
    return decode(json.dumps(envelope).encode())


@pytest.fixture
async def tokens(engine: Engine, database: Database) -> dict[str, int]:
    """Ids; user 2 of account 1 asks."""
    await add_people(database.superuser_url, (1, 21), (7, 70))
    holders = {"revoked": (1, 2), "live": (1, 2), "colleague's": (1, 21), "foreign": (7, 70)}
    ids = {"unknown": 10**15}
    for kind, holder in holders.items():
        ids[kind] = await engine.owner.fetchval(
            "INSERT INTO crm.api_tokens (account_id, user_id, token_hash, revoked_at) "
            "VALUES ($1, $2, $3, CASE WHEN $4 THEN now() END) RETURNING id",
            *(*holder, token_hash(new_token()), kind == "revoked"),
        )
    return ids


def _handler(engine: Engine) -> RequestHandler:
    """As a worker has it: who is named in a request is looked up."""
    return RequestHandler(engine.probe, engine.ledger, engine.acceptor_for(engine.probe, load_standings=None))


async def test_a_producer_names_a_live_token_of_the_jobs_owner_and_no_other(
    engine: Engine, tokens: dict[str, int], subtests: pytest.Subtests
) -> None:
    engine.probe.small = True
    jobs = {kind: uuid4() for kind in tokens}
    requests = [_request(jobs[kind], parameters=PARAMETERS | {"token_id": each}) for kind, each in tokens.items()]

    await _handler(engine).handle(requests)

    for kind, job_id in jobs.items():
        with subtests.test(kind=kind):
            end = (await engine.facts(job_id))[-1]
            if kind == "live":
                assert isinstance(end, JobCompleted)
            else:
                assert isinstance(end, JobFailed)
                assert (end.code, end.reason) == (
                    "unknown_token",
                    f"The job's owner has no token {tokens[kind]} that can be used.",
                )


async def test_a_job_that_was_accepted_outlives_its_token(engine: Engine, tokens: dict[str, int]) -> None:
    engine.probe.small = False
    token_id, job_id = tokens["live"], uuid4()
    await _handler(engine).handle([_request(job_id, parameters=PARAMETERS | {"token_id": token_id})])
    await engine.owner.execute("UPDATE crm.api_tokens SET revoked_at = now() WHERE id = $1", token_id)

    await engine.run_to_end(job_id)

    assert isinstance((await engine.facts(job_id))[-1], JobCompleted)
