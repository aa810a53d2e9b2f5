"""Hostile clients beside ordinary users: these go on, and those are told what is too much.

``make hostile`` measures how long ordinary users wait: there gateway, attackers and users are processes of their own.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.gateway import EMAILS, OTHER_USER, PASSWORD, USER, RunningGateway, running_gateway
from support.hostile import HOSTILE, ORDINARY, Attack
from support.servers import Database
from support.waiting import until

LIMITS: dict[str, Any] = {
    "connections_per_address": 100,
    "head_timeout_s": 5.0,
    "body_timeout_s": 5.0,
    "streams_per_user": 5,
    "submissions_per_minute_per_user": 60,
    "submissions_burst_per_user": 10,
    "uploads_at_once_per_user": 1,
    "downloads_at_once_per_user": 1,
}


@pytest.fixture
async def bounded(database: Database, broker: str, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway whose limits are reached in seconds."""
    async with running_gateway(database, broker, tmp_path, **LIMITS) as gateway:
        yield gateway


def attack_on(gateway: RunningGateway) -> Attack:
    host, port = gateway.url.removeprefix("http://").split(":")
    return Attack(host, int(port))


@pytest.fixture
def attack(bounded: RunningGateway) -> Attack:
    return attack_on(bounded)


async def _ordinary(client: httpx2.AsyncClient) -> list[int]:
    """What a user does: looks at the list again and again, then starts a job."""
    told = []
    for number in range(20):
        answer = await client.get(("/api/v1/jobs", "/api/v1/session", "/api/v1/job-types")[number % 3])
        told.append(answer.status_code)
        await asyncio.sleep(0.05)
    answer = await client.post("/api/v1/jobs", json={"type": "user-data-export", "parameters": {"format": "user"}})
    return [*told, answer.status_code]


@asynccontextmanager
async def _meanwhile(*attacks: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(each) for each in attacks]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_ordinary_users_go_on_beside_hostile_clients(bounded: RunningGateway, attack: Attack) -> None:
    async def under_attack() -> bool:
        return attack.told["guess 429"] > 0

    async with attack.client(ORDINARY) as user:
        log_in = {"email": EMAILS[OTHER_USER], "password": PASSWORD}
        assert (await user.post("/api/v1/session", json=log_in)).status_code == 200
        async with _meanwhile(
            attack.slow_heads(60),
            attack.slow_bodies(60),
            attack.idle(100),
            attack.large_heads(5, 2_000_000),
            attack.guesses(50, [EMAILS[USER], EMAILS[OTHER_USER], "nobody@first.test"]),
        ):
            await until(under_attack)
            told = await asyncio.gather(*(_ordinary(user) for _ in range(4)))

        assert told == [[200] * 20 + [202]] * 4
        # the attackers guessed for this account, too: who knows the password gets in
        assert (await user.post("/api/v1/session", json=log_in)).status_code == 200


async def test_headers_that_are_too_large_are_told_so(attack: Attack) -> None:
    await attack.large_heads(3, 2_000_000)

    assert attack.told == {"431": 3}


async def test_a_head_may_not_be_too_large_in_one_piece_either(bounded: RunningGateway) -> None:
    answer = await bounded.visitor().get("/api/v1/session", headers={"x-large": "x" * 66_000})
    fine = await bounded.visitor().get("/api/v1/session", headers={"x-large": "x" * 60_000})

    assert (answer.status_code, fine.status_code) == (431, 401)
    assert "64 KiB" in answer.text


async def test_requests_that_do_not_come_are_given_up(attack: Attack) -> None:
    await asyncio.wait_for(asyncio.gather(attack.slow_heads(5), attack.slow_bodies(5), attack.idle(5)), 60)

    assert attack.told == {"408": 10, "cut": 5}


async def test_an_address_has_so_many_connections_and_others_are_not_kept_out(
    database: Database, broker: str, tmp_path: Path
) -> None:
    async with running_gateway(database, broker, tmp_path, connections_per_address=100) as gateway:
        attack = attack_on(gateway)

        async def full() -> bool:
            async with attack.client(HOSTILE) as client:
                return (await client.get("/healthz")).status_code == 429

        async with _meanwhile(attack.idle(100)):
            await until(full)
            async with attack.client(ORDINARY) as user:
                assert (await user.get("/healthz")).status_code == 200


async def test_a_hundred_guesses_at_once_are_ten_tries(gateway: RunningGateway) -> None:
    client = gateway.visitor()

    async def guess() -> int:
        wish = {"email": EMAILS[USER], "password": "wrong"}
        return (await client.post("/api/v1/session", json=wish)).status_code

    told = await asyncio.gather(*(guess() for _ in range(100)))

    assert sorted(set(told)) == [401, 429]
    assert told.count(401) <= gateway.settings.failed_logins


async def test_nobody_can_lock_anybody_out(bounded: RunningGateway, attack: Attack) -> None:
    log_in = {"email": EMAILS[USER], "password": PASSWORD}
    async with attack.client(HOSTILE) as guessing, attack.client(ORDINARY) as user:
        for _ in range(12):
            last = await guessing.post("/api/v1/session", json=log_in | {"password": "wrong"})
        forged = await guessing.post("/api/v1/session", json=log_in, headers={"x-forwarded-for": "192.0.2.7"})
        right = await user.post("/api/v1/session", json=log_in)

    assert (last.status_code, forged.status_code, right.status_code) == (429, 429, 200)


async def test_behind_a_proxy_that_is_trusted_clients_are_told_apart(
    database: Database, broker: str, tmp_path: Path
) -> None:
    async with running_gateway(database, broker, tmp_path, trusted_proxies="127.0.0.1") as gateway:
        log_in = {"email": EMAILS[USER], "password": PASSWORD}
        for _ in range(11):
            guess = await gateway.visitor().post(
                "/api/v1/session", json=log_in | {"password": "x"}, headers={"x-forwarded-for": "192.0.2.7"}
            )
        right = await gateway.visitor().post("/api/v1/session", json=log_in, headers={"x-forwarded-for": "192.0.2.8"})

    assert (guess.status_code, right.status_code) == (429, 200)


async def test_a_user_has_so_many_live_pages(bounded: RunningGateway) -> None:
    user, other = await bounded.logged_in(USER), await bounded.logged_in(OTHER_USER)
    at_most = bounded.settings.streams_per_user
    opened = [user.stream("GET", "/api/v1/jobs/stream") for _ in range(at_most)]
    answers = [await each.__aenter__() for each in opened]

    refused = await user.get("/api/v1/jobs/stream")
    async with other.stream("GET", "/api/v1/jobs/stream") as others:
        assert others.status_code == 200
    for each in opened:
        await each.__aexit__(None, None, None)

    async def room_again() -> bool:
        async with user.stream("GET", "/api/v1/jobs/stream") as again:
            return again.status_code == 200

    assert {answer.status_code for answer in answers} == {200}
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert f"{at_most} of your pages" in refused.json()["detail"]
    await until(room_again)


async def test_a_user_starts_so_many_jobs(bounded: RunningGateway) -> None:
    user, other = await bounded.logged_in(USER), await bounded.logged_in(OTHER_USER)
    wish = {"type": "user-data-export", "parameters": {"format": "user"}}
    burst = bounded.settings.submissions_burst_per_user

    told = await asyncio.gather(*(user.post("/api/v1/jobs", json=wish) for _ in range(3 * burst)))
    others = await other.post("/api/v1/jobs", json=wish)

    refused = [answer for answer in told if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) > 0
    assert "too fast" in refused[0].json()["detail"]
    assert others.status_code != 429


async def test_what_a_session_sends_at_once_waits_in_its_own_line(
    database: Database, broker: str, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"requests_at_once_per_session": 2, "line_timeout_s": 2.0}
    async with running_gateway(database, broker, tmp_path, **settings) as gateway:
        user, other = await gateway.logged_in(USER), await gateway.logged_in(OTHER_USER)
        go_on = asyncio.Event()

        async def slow_body() -> AsyncIterator[bytes]:
            yield b"{"
            await go_on.wait()
            yield b"}"

        json = {"content-type": "application/json"}
        slow = [asyncio.ensure_future(user.post("/api/v1/jobs", content=slow_body(), headers=json)) for _ in range(2)]

        async def is_full() -> bool:
            return (await user.get("/api/v1/session")).status_code == 429

        await until(is_full)
        refused = await user.get("/api/v1/jobs")
        others = await other.get("/api/v1/jobs")
        go_on.set()
        answers = [(await each).status_code for each in slow]
        with_room = await asyncio.gather(*(user.get("/api/v1/session") for _ in range(10)))

    assert (refused.status_code, others.status_code) == (429, 200)
    assert int(refused.headers["retry-after"]) > 0
    assert "are waiting" in refused.json()["detail"]
    assert answers == [422, 422]
    assert {answer.status_code for answer in with_room} == {200}


async def test_a_live_page_takes_no_place_in_the_line_once_it_is_open(
    database: Database, broker: str, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"requests_at_once_per_session": 1, "line_timeout_s": 5.0}
    async with running_gateway(database, broker, tmp_path, **settings) as gateway:
        user = await gateway.logged_in(USER)
        async with user.stream("GET", "/api/v1/jobs/stream") as stream:
            assert stream.status_code == 200
            assert (await user.get("/api/v1/jobs")).status_code == 200
