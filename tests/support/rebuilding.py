"""``jobmonitor rebuild`` as a process, on views whose log is known."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg

from jobmonitor.contract.envelope import Event
from support.job_events import ordinary_life
from support.projecting import Views

SERVICES = Path(__file__).parents[2] / "services"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "jobmonitor.cli", "rebuild", *arguments]


def environment(views: Views) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SERVICES),
        "JOBMONITOR_OWNER_URL": views.owner_url,
        "JOBMONITOR_KAFKA_BOOTSTRAP": views.bootstrap,
    }


async def rebuild(views: Views, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run,
        command(*arguments),
        env={**environment(views), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


async def run_script(views: Views, script: str) -> None:
    """Several statements, as the owner."""
    connection = await asyncpg.connect(views.owner_url)
    await connection.execute(script)
    await connection.close()


def lives(views: Views, jobs: int) -> list[list[Event]]:
    """Lives of jobs of two accounts, the first whole, the others broken off at different places."""
    made = [ordinary_life(views.job(account_id=1 + number % 2)) for number in range(jobs)]
    return [life[: len(life) - number % 9] for number, life in enumerate(made)]


async def projected(views: Views, jobs: int = 20) -> list[list[Event]]:
    """Jobs that are in the log and in the live tables, among messages nobody can use."""
    made = lives(views, jobs)
    await views.publish(event for life in made for event in life)
    await views.publish_raw([(b"x", b"no event"), (b"y", None)])
    async with views.projecting():
        await views.caught_up()
    return made


async def schemas(views: Views) -> list[str]:
    """What a rebuild has beside the live tables."""
    rows = await views.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'projection\\_%' ORDER BY 1")
    return [row["nspname"] for row in rows]
