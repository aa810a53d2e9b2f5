"""Schedules on the command line, against a stack of its own that is stopped and started again in between."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest

from support.documents import ROOT
from support.schedules import SYSTEM
from support.stack import RunningStack, until

DONE_S = 120.0
PEOPLE = 'query={"profiles":[1]}'

Done: TypeAlias = "subprocess.CompletedProcess[str]"
Cli: TypeAlias = Callable[..., Done]


@pytest.fixture
def own_stack(tmp_path: Path, jars: Path) -> Iterator[RunningStack]:
    with RunningStack(tmp_path / "data", demo_supporters="50") as stack:
        yield stack.start()


@pytest.fixture
def cli(own_stack: RunningStack, tmp_path: Path) -> Cli:
    """Runs one command beside the stack, as its Super Admin."""

    def run(*arguments: object) -> Done:
        return subprocess.run(
            [sys.executable, "-m", "jobmonitor.cli", *map(str, arguments)],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT / "services"),
                "JOBMONITOR_DATA_DIR": str(own_stack.data_dir),
                "XDG_STATE_HOME": str(tmp_path / "state"),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=DONE_S,
        )

    return run


def listed(cli: Cli) -> Any:
    """The only schedule."""
    (item,) = json.loads(cli("schedules", "list", "--json").stdout)["items"]
    return item


async def test_a_schedule_starts_jobs_by_itself_and_when_told_before_and_after_a_restart(
    own_stack: RunningStack, cli: Cli
) -> None:
    added = cli(
        *("schedules", "add", "Nightly", "user-data-export", "--time", "03:00", "--zone", "America/New_York"),
        *("--param", PEOPLE, "--reference", "Staging", "--system"),
    )
    assert re.fullmatch(
        r"Schedule Nightly starts user-data-export daily at 03:00 America/New_York, "
        r"next \d{4}-\d\d-\d\d 03:00:00 E[SD]T\.\n",
        added.stdout,
    ), added.stderr
    tomorrow = listed(cli)["next_at"]

    assert cli("schedules", "pause", "Nightly").stdout == "Schedule Nightly is paused.\n"
    assert re.search(r"Nightly .* paused .* System", cli("schedules", "list").stdout)
    job_id = cli("schedules", "run-now", "Nightly").stdout.strip()
    until(lambda: _state(cli) == "completed", DONE_S, own_stack._log)
    assert (listed(cli)["last_job"]["id"], listed(cli)["next_at"]) == (job_id, tomorrow)
    assert cli("schedules", "resume", "Nightly").stdout.startswith("Schedule Nightly goes on, next ")

    own_stack.stop()
    own_stack.start()
    assert listed(cli)["next_at"] == tomorrow
    await _make_due(own_stack)
    until(lambda: listed(cli)["last_job"]["id"] != job_id and _state(cli) == "completed", DONE_S, own_stack._log)
    item = listed(cli)
    assert item["next_at"] == tomorrow
    assert item["last_job"]["owner"] == {"id": SYSTEM, "name": "System"}
    shown = cli("schedules", "list").stdout
    assert f"{item['last_job']['number']} completed, 100 %" in shown

    assert cli("schedules", "remove", "Nightly", "--yes").returncode == 0
    assert cli("schedules", "list").stdout == "No schedules.\n"
    gone = cli("schedules", "pause", "Nightly")
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "There is no schedule 'Nightly'" in gone.stderr


def _state(cli: Cli) -> str | None:
    job: dict[str, str] | None = listed(cli)["last_job"]
    return job["state"] if job else None


async def _make_due(stack: RunningStack) -> None:
    """As if the time of the next date had come yesterday."""
    connection = await asyncpg.connect(stack.superuser_url)
    await connection.execute("UPDATE crm.schedules SET next_date = next_date - 1, next_at = next_at - interval '1 day'")
    await connection.close()
