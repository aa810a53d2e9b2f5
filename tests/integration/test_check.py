"""``jobmonitor check`` on real servers: quiet about what is right, red about each kind of planted bug."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobmonitor.checker import CouldNotLook
from jobmonitor.local.kafka import KafkaServer
from support.checked_world import World, Worlds, told
from support.outside_bugs import BUGS
from support.planted_bugs import Bug, a_run_changes_its_owner
from support.servers import Postgres

TOOLS = Path(__file__).parents[2] / ".tools"


async def test_a_busy_system_without_a_bug_is_green(worlds: Worlds) -> None:
    """The log has gone on since the database was copied: what is newer is no violation."""
    report = await worlds.busy.check()
    assert report.holds, told(report)
    assert report.jobs == len(worlds.busy.jobs)


async def test_a_calm_system_without_a_bug_is_green_and_everything_was_looked_at(worlds: Worlds) -> None:
    report = await worlds.calm.check(calm=True)
    assert report.holds, told(report)
    looked_at = {finding.invariant: finding.looked_at for finding in report.findings if finding.status == "ok"}
    # chunks are forgotten by then, and no page wrote down what it saw
    numbers = (*range(1, 13), 14, 16, 19, 20, 21, 22, 23, 27, 29, 30, 31, 32, 36, 38, 39, 40)
    assert set(looked_at) == {f"I{n}" for n in numbers}
    assert [name for name, things in looked_at.items() if not things] == ["I20"]


async def test_what_is_open_is_no_longer_excused_when_all_is_said_to_be_calm(worlds: Worlds) -> None:
    report = await worlds.busy.check(calm=True)
    assert {"I6", "I32"} <= set(report.violated)


@pytest.mark.parametrize("role", ["jobmonitor_gateway", "jobmonitor_worker", "jobmonitor_projection"])
async def test_a_role_that_sees_only_some_rows_is_no_witness(worlds: Worlds, role: str) -> None:
    with pytest.raises(CouldNotLook, match="may not see everything"):
        await worlds.calm.check(role=role)


async def test_a_server_that_is_away_is_told_from_a_violation(worlds: Worlds) -> None:
    nowhere = replace(worlds.calm, kafka=KafkaServer(worlds.calm.folder / "none", jars=TOOLS))
    with pytest.raises(CouldNotLook, match="does not answer"):
        await nowhere.check()


async def test_without_a_clients_history_what_needs_it_does_not_apply(worlds: Worlds) -> None:
    report = await worlds.calm.check(with_clients=False, calm=True)
    assert report.holds
    unknown = [finding for finding in report.findings if finding.invariant in ("I2", "I28", "I29")]
    assert all(finding.status == "does not apply" and "history" in finding.why_not for finding in unknown)


async def test_the_command_tells_operators_and_scripts(worlds: Worlds, postgres: Postgres, tmp_path: Path) -> None:
    async with worlds.copy_of(postgres, tmp_path, calm=True) as world:
        clients = tmp_path / "clients.jsonl"
        clients.write_bytes(b"".join(msgspec.json.encode(asked) + b"\n" for asked in world.clients))
        well = await run_command(world, "--client-history", str(clients))
        assert (well.returncode, well.stderr) == (0, "")
        lines = well.stdout.splitlines()
        assert lines[0].startswith("I1   OK")
        assert "I15  does not apply: There are no receipts yet.  One live receipt per gift." in lines
        assert lines[-1].startswith(f"Everything holds; {len(world.jobs)} jobs in ")
        await a_run_changes_its_owner(world)
        red = await run_command(world)
        assert red.returncode == 1
        assert red.stdout.splitlines()[-1].startswith("Violated: I4; ")
        assert str(world.jobs["small"]) in red.stdout
        (found,) = [one for one in (await told_in_json(world))["findings"] if one["status"] == "violated"]
        assert (found["invariant"], found["examples"][0]["about"]) == ("I4", f"job {world.jobs['small']}")
        assert folder_of_stack(world) == tmp_path
        local = await run_command(
            world, JOBMONITOR_DATA_DIR=str(tmp_path), JOBMONITOR_OWNER_URL="", JOBMONITOR_OBJECT_STORE_URL=""
        )
        assert local.stdout.splitlines()[-1].startswith("Violated: I4; ")
        away = await run_command(world, "--kafka", "127.0.0.1:1")
        assert (away.returncode, away.stdout) == (2, "")
        assert away.stderr.startswith("jobmonitor: Kafka at 127.0.0.1:1 does not answer")


async def told_in_json(world: World) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads((await run_command(world, "--json")).stdout)
    return whole


def folder_of_stack(world: World) -> Path:
    """Say where this world is, as a local stack does of itself; returns the folder."""
    folder = world.folder.parent
    note = {"http_url": "", "kafka_bootstrap": world.kafka.bootstrap, "owner_url": world.database.owner_url}
    (folder / "stack.json").write_bytes(msgspec.json.encode(note))
    return folder


async def run_command(world: World, *options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """What ``jobmonitor check`` prints of this world."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": "services",
        "JOBMONITOR_OWNER_URL": world.database.owner_url,
        "JOBMONITOR_KAFKA_BOOTSTRAP": world.kafka.bootstrap,
        "JOBMONITOR_OBJECT_STORE_URL": f"file://{world.folder}",
        **variables,
    }
    command = [sys.executable, "-m", "jobmonitor.cli", "check", "--calm", *options]
    return await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: f"{bug.invariant}-{bug.name}")
async def test_a_planted_bug_turns_its_invariant_red_and_no_other(
    worlds: Worlds, postgres: Postgres, tmp_path: Path, bug: Bug
) -> None:
    async with worlds.copy_of(postgres, tmp_path, calm=bug.calm) as world:
        await bug.plant(world)
        report = await world.check(calm=bug.calm)
        assert report.violated == (bug.invariant,), told(report)
        (found,) = [finding for finding in report.findings if finding.status == "violated"]
        assert found.violations >= len(found.examples) >= 1
