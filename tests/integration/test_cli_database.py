"""``jobmonitor migrate`` and ``jobmonitor demo``, as a container runs them once, on a real database."""

import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from support.servers import ROLE_PASSWORDS, Database, Postgres

SERVICES = Path(__file__).parents[2] / "services"
PASSWORDS = {
    "JOBMONITOR_WORKER_PASSWORD": ROLE_PASSWORDS["jobmonitor_worker"],
    "JOBMONITOR_PROJECTION_PASSWORD": ROLE_PASSWORDS["jobmonitor_projection"],
    "JOBMONITOR_GATEWAY_PASSWORD": ROLE_PASSWORDS["jobmonitor_gateway"],
}


def _run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "jobmonitor.cli", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SERVICES), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


async def _users(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM crm.users WHERE email IS NOT NULL")
        return count
    finally:
        await connection.close()


async def test_an_empty_database_is_given_its_shape_its_roles_and_its_demo_any_number_of_times(
    postgres: Postgres,
) -> None:
    database = postgres.empty_database()
    try:
        for _ in range(2):
            migrated = _run("migrate", JOBMONITOR_OWNER_URL=database.owner_url, **PASSWORDS)
            assert (migrated.returncode, migrated.stderr) == (0, "")
        for role in ROLE_PASSWORDS:
            connection = await asyncpg.connect(database.url(role))
            await connection.close()
        first = _run("demo", "--supporters", "20", JOBMONITOR_OWNER_URL=database.owner_url)
        assert (first.returncode, first.stdout.splitlines()[-1]) == (0, "The demo's data is there.")
        again = _run("demo", "--supporters", "20", JOBMONITOR_OWNER_URL=database.owner_url)
        assert (again.returncode, again.stdout) == (0, "There are accounts already; nothing was added.\n")
        assert await _users(database.owner_url) == 5
    finally:
        postgres.drop(database)


@pytest.mark.parametrize("command", ["migrate", "demo"])
def test_a_wrong_password_is_told_in_one_line(database: Database, command: str) -> None:
    url = database.owner_url.replace("owner-password", "guessed")
    done = _run(command, JOBMONITOR_OWNER_URL=url, **PASSWORDS)
    assert done.returncode == 1
    assert "password" in done.stderr
    assert "guessed" not in done.stderr
    assert done.stderr.count("\n") == 1


async def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    connection = await asyncpg.connect(database.owner_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    done = _run("migrate", JOBMONITOR_OWNER_URL=database.owner_url, **PASSWORDS)
    assert done.returncode == 1
    assert "9999" in done.stderr
    assert done.stderr.count("\n") == 1
