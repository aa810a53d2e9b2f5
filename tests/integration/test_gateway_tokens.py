"""Tokens over HTTP: shown once, one of a user at a time, seen and revoked by their user and by Super Admins."""

import asyncio
from hashlib import sha256
from pathlib import Path

import asyncpg
import httpx2
import pytest

from support.gateway import ADMIN, OTHER_SUPER, SUPER, USER, RunningGateway, running_gateway
from support.servers import Database

TOKENS = "/api/v1/tokens"


async def _made(client: httpx2.AsyncClient) -> dict[str, object]:
    answer = await client.post(TOKENS)
    assert answer.status_code == 201, answer.text
    made: dict[str, object] = answer.json()
    return made


async def _listed(client: httpx2.AsyncClient) -> list[tuple[int, int, bool]]:
    """Id, user, and whether it is live."""
    items = (await client.get(TOKENS)).json()["items"]
    return [(each["id"], each["user"]["id"], each["revoked_at"] is None) for each in items]


async def test_a_token_is_shown_once_and_stored_hashed(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(ADMIN)

    made = await _made(client)

    token = str(made["token"])
    assert len(token) >= 43  # 256 random bits
    assert token not in (await client.get(TOKENS)).text
    row = await gateway.owner.fetchrow("SELECT * FROM crm.api_tokens WHERE id = $1", made["id"])
    assert row is not None
    assert row["token_hash"] == sha256(token.encode()).digest()
    assert (row["account_id"], row["user_id"], row["kind"], row["revoked_at"]) == (1, ADMIN, "private", None)


async def test_there_is_one_live_token_of_a_user(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(ADMIN)

    answers = await asyncio.gather(*(client.post(TOKENS) for _ in range(5)))

    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409, 409]
    (made,) = [each.json() for each in answers if each.status_code == 201]
    refused = next(each.json() for each in answers if each.status_code == 409)
    assert refused["detail"] == f"You have a token, number {made['id']}. Revoke it to make another one."
    assert (await client.delete(f"{TOKENS}/{made['id']}")).status_code == 204
    again = await _made(client)
    assert again["token"] != made["token"]
    assert await _listed(client) == [(again["id"], ADMIN, True), (made["id"], ADMIN, False)]


async def test_a_super_admin_sees_and_revokes_those_of_the_account_and_nobody_elses(gateway: RunningGateway) -> None:
    user, boss, stranger = [await gateway.logged_in(who) for who in (ADMIN, SUPER, OTHER_SUPER)]
    theirs, own = (await _made(user))["id"], (await _made(boss))["id"]
    foreign = (await _made(stranger))["id"]

    assert await _listed(user) == [(theirs, ADMIN, True)]
    assert await _listed(boss) == [(own, SUPER, True), (theirs, ADMIN, True)]
    told = [
        (await user.delete(f"{TOKENS}/{own}")).status_code,
        (await boss.delete(f"{TOKENS}/{foreign}")).status_code,
        (await boss.delete(f"{TOKENS}/no-number")).status_code,
        (await boss.delete(f"{TOKENS}/{theirs}")).status_code,
        (await user.delete(f"{TOKENS}/{theirs}")).status_code,  # repeatable
    ]
    assert told == [404, 404, 404, 204, 204]
    assert await _listed(user) == [(theirs, ADMIN, False)]


async def test_whoever_lost_the_permission_makes_none_and_can_still_revoke(gateway: RunningGateway) -> None:
    grant = "INSERT INTO crm.group_permissions (account_id, group_id, permission) VALUES (1, 1, 'api.token')"
    await gateway.owner.execute(grant)
    client = await gateway.logged_in(USER)
    made = await _made(client)
    await gateway.owner.execute("DELETE FROM crm.group_permissions WHERE permission = 'api.token'")

    assert (await client.post(TOKENS)).status_code == 403
    assert (await client.delete(f"{TOKENS}/{made['id']}")).status_code == 204


async def test_so_many_tokens_are_made_in_a_day(database: Database, broker: str, tmp_path: Path) -> None:
    async with running_gateway(database, broker, tmp_path, tokens_per_day_per_user=2) as gateway:
        client = await gateway.logged_in(ADMIN)
        for _ in range(2):
            await client.delete(f"{TOKENS}/{(await _made(client))['id']}")

        refused = await client.post(TOKENS)
        others = await (await gateway.logged_in(SUPER)).post(TOKENS)
        await gateway.owner.execute("UPDATE crm.api_tokens SET created_at = created_at - interval '1 day'")
        tomorrow = await client.post(TOKENS)

    assert (refused.status_code, others.status_code, tomorrow.status_code) == (429, 201, 201)
    assert int(refused.headers["retry-after"]) >= 60


FORBIDDEN = [
    "SELECT token_hash FROM crm.api_tokens",
    "INSERT INTO crm.api_tokens (account_id, user_id, token_hash) VALUES (1, 2, sha256('x'))",  # another user's
    "UPDATE crm.api_tokens SET revoked_at = NULL",
    "UPDATE crm.api_tokens SET token_hash = sha256('x')",
    "DELETE FROM crm.api_tokens",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_gateways_login_reads_no_hash_and_makes_nobody_elses_token(
    gateway: RunningGateway, database: Database, statement: str
) -> None:
    await gateway.owner.execute(
        "INSERT INTO crm.api_tokens (account_id, user_id, token_hash) VALUES (1, $1, sha256('live'))", USER
    )
    login = await asyncpg.connect(database.url("jobmonitor_gateway"))
    try:
        async with login.transaction():
            for name, value in (("account_id", "1"), ("user_id", str(USER)), ("user_type", "user")):
                await login.execute("SELECT set_config($1, $2, true)", f"app.{name}", value)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await login.execute(statement)
    finally:
        await login.close()
