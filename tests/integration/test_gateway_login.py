"""Logging in and out: who gets in, what is said to who does not, and when a session ends."""

from pathlib import Path

import httpx2

from jobmonitor.crm.passwords import hash_password
from support.gateway import ADMIN, EMAILS, PASSWORD, USER, RunningGateway, running_gateway
from support.servers import Database


async def _try(gateway: RunningGateway, email: str, password: str) -> httpx2.Response:
    return await gateway.visitor().post("/api/v1/session", json={"email": email, "password": password})


async def test_a_log_in_says_who_is_logged_in_and_sets_a_careful_cookie(gateway: RunningGateway) -> None:
    client = gateway.visitor()

    response = await client.post("/api/v1/session", json={"email": "USER@first.test", "password": PASSWORD})

    assert response.status_code == 200
    assert response.json() == {
        "user": {
            "id": USER,
            "email": EMAILS[USER],
            "name": "Person 1",
            "user_type": "user",
            "permissions": ["export", "jobs.view"],
        },
        "account": {"id": 1, "name": "First", "time_zone": "America/New_York"},
    }
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("jobmonitor_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert (await client.get("/api/v1/session")).json() == response.json()


async def test_behind_https_the_cookie_is_for_https_only(database: Database, broker: str, tmp_path: Path) -> None:
    async def log_in(gateway: RunningGateway) -> httpx2.Response:
        wish = {"email": EMAILS[USER], "password": PASSWORD}
        return await gateway.visitor().post("/api/v1/session", json=wish, headers={"x-forwarded-proto": "https"})

    async with running_gateway(database, broker, tmp_path, trusted_proxies="127.0.0.1") as gateway:
        response = await log_in(gateway)
    async with running_gateway(database, broker, tmp_path) as gateway:
        not_believed = await log_in(gateway)

    assert "Secure" in response.headers["set-cookie"]
    assert "max-age" in response.headers["strict-transport-security"]
    assert "Secure" not in not_believed.headers["set-cookie"]


async def test_the_database_holds_no_token(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)

    stored = await gateway.owner.fetchval("SELECT token_sha256 FROM gateway.sessions")

    token = client.cookies["jobmonitor_session"]
    assert len(token) >= 43
    assert token.encode() not in stored
    assert len(stored) == 32


async def test_wrong_password_and_unknown_address_get_the_same_words(gateway: RunningGateway) -> None:
    wrong = await _try(gateway, EMAILS[USER], "wrong")
    unknown = await _try(gateway, "nobody@first.test", PASSWORD)

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.headers["content-type"] == "application/problem+json"
    assert "wrong" in wrong.json()["detail"]
    assert "set-cookie" not in wrong.headers


async def test_who_may_not_log_in_is_told_why_after_the_right_password_only(gateway: RunningGateway) -> None:
    await gateway.owner.execute("UPDATE crm.users SET permission_group_id = NULL WHERE id = $1", USER)
    no_group = await _try(gateway, EMAILS[USER], PASSWORD)
    await gateway.owner.execute("UPDATE crm.users SET active = false WHERE id = $1", USER)
    inactive = await _try(gateway, EMAILS[USER], PASSWORD)
    wrong = await _try(gateway, EMAILS[USER], "wrong")

    assert (no_group.status_code, inactive.status_code, wrong.status_code) == (403, 403, 401)
    assert "permission group" in no_group.json()["detail"]
    assert "deactivated" in inactive.json()["detail"]


async def test_the_demo_password_opens_nothing_outside_the_demo(
    database: Database, broker: str, tmp_path: Path
) -> None:
    async def set_password(gateway: RunningGateway) -> None:
        demo = hash_password("jobmonitor-demo")
        await gateway.owner.execute("UPDATE crm.users SET password_hash = $1 WHERE id = $2", demo, USER)

    async with running_gateway(database, broker, tmp_path) as gateway:
        await set_password(gateway)
        refused = await _try(gateway, EMAILS[USER], "jobmonitor-demo")
    async with running_gateway(database, broker, tmp_path, demo=True) as gateway:
        accepted = await _try(gateway, EMAILS[USER], "jobmonitor-demo")

    assert (refused.status_code, accepted.status_code) == (401, 200)
    assert "demo" in refused.json()["detail"]


async def test_guessing_is_slowed_down_for_one_address_and_not_for_others(gateway: RunningGateway) -> None:
    for _ in range(10):
        assert (await _try(gateway, EMAILS[USER], "wrong")).status_code == 401

    refused = await _try(gateway, EMAILS[USER], PASSWORD)
    other = await _try(gateway, "admin@first.test", PASSWORD)

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "Too many" in refused.json()["detail"]
    assert other.status_code == 200


async def test_after_log_out_the_cookie_opens_nothing(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    token = client.cookies["jobmonitor_session"]

    assert (await client.delete("/api/v1/session")).status_code == 204

    again = await gateway.visitor().get("/api/v1/session", headers={"cookie": f"jobmonitor_session={token}"})
    assert again.status_code == 401
    assert (await client.delete("/api/v1/session")).status_code == 204, "logging out twice is fine"


async def test_a_session_ends_by_itself_and_lives_on_with_use(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    await gateway.owner.execute("UPDATE gateway.sessions SET expires_at = now() + interval '1 min'")

    assert (await client.get("/api/v1/session")).status_code == 200
    extended = await gateway.owner.fetchval("SELECT expires_at > now() + interval '11 h' FROM gateway.sessions")
    await gateway.owner.execute("UPDATE gateway.sessions SET expires_at = now()")

    assert extended
    assert (await client.get("/api/v1/session")).status_code == 401


async def test_use_does_not_carry_a_session_beyond_a_week(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    await gateway.owner.execute(
        "UPDATE gateway.sessions SET created_at = now() - interval '7 days' + interval '1 h', "
        "expires_at = now() + interval '1 min'"
    )

    await client.get("/api/v1/session")

    left = await gateway.owner.fetchval("SELECT expires_at <= now() + interval '1 h' FROM gateway.sessions")
    assert left


async def test_logging_in_again_ends_the_session_before(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)

    await client.post("/api/v1/session", json={"email": EMAILS[USER], "password": PASSWORD})

    assert await gateway.owner.fetchval("SELECT count(*) FROM gateway.sessions") == 1


async def test_a_deactivated_user_is_out_at_once(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)

    await gateway.owner.execute("UPDATE crm.users SET active = false WHERE id = $1", USER)

    assert (await client.get("/api/v1/jobs")).status_code == 401


async def test_another_sites_page_cannot_act_with_the_cookie(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)

    foreign = [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.test"},
        {"origin": "null"},
    ]
    refused = [(await client.delete("/api/v1/session", headers=headers)).status_code for headers in foreign]
    ours = {"origin": gateway.url, "sec-fetch-site": "same-origin"}
    allowed = await client.delete("/api/v1/session", headers=ours)

    assert refused == [403, 403, 403, 403]
    assert allowed.status_code == 204


async def test_a_new_password_ends_the_sessions_that_the_old_one_opened(gateway: RunningGateway) -> None:
    client, other = await gateway.logged_in(USER), await gateway.logged_in(ADMIN)

    await gateway.owner.execute("UPDATE crm.users SET password_hash = $1 WHERE id = $2", hash_password("new"), USER)

    assert (await client.get("/api/v1/session")).status_code == 401
    assert (await other.get("/api/v1/session")).status_code == 200
    assert (await _try(gateway, EMAILS[USER], "new")).status_code == 200
