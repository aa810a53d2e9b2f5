"""What other sites' pages, strangers and odd characters cannot do."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.gateway import EMAILS, PASSWORD, USER, RunningGateway, running_gateway
from support.servers import Database


async def test_another_sites_link_starts_no_download(gateway: RunningGateway) -> None:
    job = await gateway.put_result(b"Email\r\n")
    client = await gateway.logged_in(USER)
    path = f"/api/v1/jobs/{job['number']}/result"

    foreign = [await client.get(path, headers={"sec-fetch-site": site}) for site in ("cross-site", "same-site")]
    ours = [await client.get(path, headers={"sec-fetch-site": site}) for site in ("same-origin", "none")]

    assert [answer.status_code for answer in (*foreign, *ours)] == [403, 403, 200, 200]
    assert "another site" in foreign[0].json()["detail"]


async def test_a_slash_too_many_is_not_found_and_leads_nowhere(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)

    answer = await client.get("/api/v1/jobs/", headers={"host": "evil.test"})

    assert answer.status_code == 404
    assert "location" not in answer.headers


async def test_only_named_hosts_are_answered_for(database: Database, broker: str, tmp_path: Path) -> None:
    async with running_gateway(database, broker, tmp_path, allowed_hosts="127.0.0.1, jobs.example.org") as gateway:
        told = {
            host: (await gateway.visitor().get("/api/v1/session", headers={"host": host})).status_code
            for host in ("jobs.example.org", "JOBS.example.org:8000", "evil.test", "jobs.example.org.evil.test")
        }

    assert list(told.values()) == [401, 401, 421, 421]


async def test_what_operators_ask_is_answered_to_this_machine_only_unless_set_otherwise(
    database: Database, broker: str, tmp_path: Path
) -> None:
    paths = ("/metrics", "/readyz", "/openapi.json", "/healthz")

    async def told(gateway: RunningGateway, **headers: str) -> list[bool]:
        client = gateway.visitor()
        return [(await client.get(path, headers=headers)).status_code != 404 for path in paths]

    async with running_gateway(database, broker, tmp_path, trusted_proxies="127.0.0.1") as gateway:
        here, elsewhere = await told(gateway), await told(gateway, **{"x-forwarded-for": "192.0.2.7"})
    settings: dict[str, Any] = {"trusted_proxies": "127.0.0.1", "operations_for": "everybody"}
    async with running_gateway(database, broker, tmp_path, **settings) as gateway:
        everybody = await told(gateway, **{"x-forwarded-for": "192.0.2.7"})

    assert here == everybody == [True] * 4
    assert elsewhere == [False, False, False, True]


@pytest.mark.parametrize(
    "reference", ["Spring\nappeal", "Spring\x85appeal", "Spring\u202eappeal", "Spring\u2028appeal"]
)
async def test_a_reference_with_a_character_nobody_sees_is_refused_in_a_sentence(
    gateway: RunningGateway, reference: str
) -> None:
    client = await gateway.logged_in(USER)

    refused = await client.post("/api/v1/jobs", json=_wish(reference))
    taken = await client.post("/api/v1/jobs", json=_wish("Größe 👩‍👩‍👧"))

    assert (refused.status_code, taken.status_code) == (422, 202)
    (error,) = refused.json()["errors"]
    assert error["field"] == "reference"
    assert "line break" in error["detail"]
    assert "regex" not in error["detail"]


async def test_a_refusal_names_the_field_and_quotes_nothing_without_end(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    wishes: list[dict[str, object]] = [
        {"type": "t" * 100_000},
        {"parameters": {"format": "x" * 100_000}},
        {"parameters": {"y" * 100_000: 1}},
        {"parameters": {f"unknown {number}": 1 for number in range(5_000)}},
        {"z" * 100_000: 1},
    ]
    for wish in wishes:
        refused = await client.post("/api/v1/jobs", json=_wish("Spring") | wish)
        assert refused.status_code == 422
        assert len(refused.content) < 20_000

    early = await client.post("/api/v1/jobs", json=_wish("Spring") | {"run_at": "0001-01-01T00:00:00Z"})
    assert [error["field"] for error in early.json()["errors"]] == ["run_at"]


def _wish(reference: str) -> dict[str, object]:
    return {"type": "user-data-export", "parameters": {"format": "user"}, "reference": reference}


async def test_a_plus_that_became_a_space_is_named(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)

    refused = await client.get("/api/v1/jobs?since=2026-01-01T00:00:00+05:30")
    taken = await client.get("/api/v1/jobs?since=2026-01-01T00:00:00%2B05:30")

    assert (refused.status_code, taken.status_code) == (422, 200)
    assert "%2B" in refused.json()["errors"][0]["detail"]


async def test_the_deepest_body_is_refused_or_taken_and_never_an_error_of_ours(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)

    for depth in (100, 500, 961, 980, 1100, 20_000):
        nested = '{"x":' * depth + "1" + "}" * depth
        body = f'{{"type":"user-data-export","parameters":{nested}}}'
        answer = await client.post("/api/v1/jobs", content=body, headers={"content-type": "application/json"})
        assert 400 <= answer.status_code < 500, (depth, answer.text[:200])


async def test_logging_in_with_a_password_that_is_no_text_is_refused(gateway: RunningGateway) -> None:
    wish = f'{{"email":"{EMAILS[USER]}","password":"{PASSWORD}\\ud800"}}'
    headers = {"content-type": "application/json"}

    answer: httpx2.Response = await gateway.visitor().post("/api/v1/session", content=wish, headers=headers)

    assert 400 <= answer.status_code < 500
