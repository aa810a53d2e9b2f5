"""Tokens from the command line: printed once, listed and revoked by their id."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from support.gateway import ADMIN, EMAILS, PASSWORD, SUPER, RunningGateway

SERVICES = Path(__file__).parents[2] / "services"
Cli: TypeAlias = Callable[..., Awaitable[tuple[int, str, str]]]
"""Runs a command; gives its exit status and what it said on both streams."""


@pytest.fixture
def cli(gateway: RunningGateway, tmp_path: Path) -> Cli:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SERVICES),
        "JOBMONITOR_URL": gateway.url,
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }

    async def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        command = (sys.executable, "-m", "jobmonitor.cli", *arguments)
        process = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        out, err = await process.communicate(stdin.encode())
        return process.returncode or 0, out.decode(), err.decode()

    return run


async def test_a_token_is_made_listed_and_revoked(cli: Cli, gateway: RunningGateway) -> None:
    await cli("login", EMAILS[ADMIN], stdin=PASSWORD)

    status, token, told = await cli("tokens", "create")
    twice = await cli("tokens", "create")
    _, listed, _ = await cli("tokens", "list", "--json")
    (item,) = json.loads(listed)["items"]
    revoked = await cli("tokens", "revoke", str(item["id"]))
    _, table, _ = await cli("tokens", "list")

    assert (status, len(token.split())) == (0, 1), "only the token is on standard output, for scripts to keep"
    assert f"This is token {item['id']}." in told
    assert twice[0] == 1
    assert f"You have a token, number {item['id']}." in twice[2]
    assert revoked[:2] == (0, f"Token {item['id']} is revoked.\n")
    assert f"Person {ADMIN} ({ADMIN})" in table
    assert token.strip() not in listed + table + told


async def test_a_super_admin_revokes_anothers(cli: Cli, gateway: RunningGateway) -> None:
    made = (await (await gateway.logged_in(ADMIN)).post("/api/v1/tokens")).json()
    await cli("login", EMAILS[SUPER], stdin=PASSWORD)

    status, _, _ = await cli("tokens", "revoke", str(made["id"]))
    unknown = await cli("tokens", "revoke", "999999")

    assert status == 0
    assert unknown[0] == 1
    assert "Not found" in unknown[2]
