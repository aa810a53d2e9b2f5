"""What is in the stack's way is said in one line that says what to do, and nothing is left running."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jobmonitor.local.data_folder import make_data_folder
from jobmonitor.local.errors import LocalError
from jobmonitor.local.jars import fetch_jars, locked_jars
from jobmonitor.local.ports import free_port
from support.maven import repository
from support.stack import REPOSITORY, RunningStack


def failure(data_dir: Path, **settings: str) -> str:
    """The last line a stack says that cannot start."""
    stack = RunningStack(data_dir, **settings).launch()
    assert stack.wait(60) in (1, 2)
    lines = stack.output.splitlines()
    assert not [line for line in lines if "Traceback" in line], stack.output
    return lines[-1]


def test_a_jar_that_is_not_the_locked_one_is_refused_and_not_kept(tmp_path: Path) -> None:
    with repository(b"something else") as url:
        said = failure(tmp_path / "data", maven_url=url, tools_dir=str(tmp_path / "tools"))
    assert re.search(r"\.jar from http://\S+ is not what was locked \(SHA-256 .*it was not kept", said)
    assert not list((tmp_path / "tools").rglob("*.jar"))


def test_a_jar_damaged_on_disk_is_fetched_again(tmp_path: Path) -> None:
    jar = locked_jars()[0]
    damaged = tmp_path / f"kafka-{jar.version}" / jar.file_name
    damaged.parent.mkdir()
    damaged.write_bytes(b"half a jar")
    with repository(b"", status=404) as url, pytest.raises(LocalError, match="cannot be downloaded"):
        fetch_jars(tmp_path, repository_url=url)


def test_without_network_it_says_what_could_not_be_fetched(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    said = failure(tmp_path / "data", maven_url=nobody, tools_dir=str(tmp_path / "tools"))
    assert said.startswith(f"Kafka cannot be downloaded from {nobody}/")
    assert "Connection refused. Check the network" in said


def test_data_of_another_kafka_is_left_alone(tmp_path: Path) -> None:
    note = tmp_path / "data" / "kafka" / "version"
    note.parent.mkdir(parents=True)
    note.write_text("3.9.1\n")
    said = failure(tmp_path / "data")
    assert "was written by Kafka 3.9.1, this is 4.3.1: move the folder away, or choose another" in said
    assert note.read_text() == "3.9.1\n"


def test_data_of_another_postgres_is_left_alone(tmp_path: Path) -> None:
    version = tmp_path / "data" / "postgres" / "data" / "PG_VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("17\n")
    assert "was written by PostgreSQL 17, this is 18: move the folder away" in failure(tmp_path / "data")


@pytest.mark.parametrize(
    ("setting", "text", "said"),
    [
        ("http_port", "eighty", "JOBMONITOR_HTTP_PORT cannot be read"),
        ("http_port", "70000", "JOBMONITOR_HTTP_PORT must be 0 to 65535."),
        ("demo_supporters", "1000001", "JOBMONITOR_DEMO_SUPPORTERS must be 1 to 1,000,000."),
        ("demo_supporters", "0", "JOBMONITOR_DEMO_SUPPORTERS must be 1 to 1,000,000."),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path: Path, setting: str, text: str, said: str) -> None:
    assert failure(tmp_path / "data", **{setting: text}).startswith(said)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    said = failure(tmp_path / "data")
    assert str(tmp_path / "data") in said
    assert "may be written to" in said


def test_too_little_space_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"MB are free in .*the stack needs [\d,]+ MB: free some space"):
        make_data_folder(tmp_path / "data", supporters=10**12)


def set_up(folder: Path, *command: str, path: str) -> "subprocess.CompletedProcess[str]":
    """Run a copy of the set-up in a folder with nothing but what it reads."""
    (folder / "deploy").mkdir()
    for name in ("deploy/setup.py", "deploy/uv.requirements.lock", "requirements.lock", "pyproject.toml"):
        (folder / name).write_bytes((REPOSITORY / name).read_bytes())
    environment = {**os.environ, "PATH": path}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_an_old_python_is_told_so(tmp_path: Path) -> None:
    pretend = (
        "import runpy, sys; sys.version_info = (3, 10, 2); sys.version = '3.10.2 (old)'; runpy.run_path(sys.argv[1])"
    )
    done = set_up(tmp_path, "-c", pretend, "deploy/setup.py", path="")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Python 3.11 or newer is needed, this is 3.10.2: install one, or name it: make PYTHON=…"
    ]


def test_packages_that_cannot_be_fetched_are_one_line(tmp_path: Path) -> None:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\n[ $1 = venv ] || { echo 'error: dns error: failed to look up host' >&2; exit 2; }\n")
    uv.chmod(0o755)
    done = set_up(tmp_path, "deploy/setup.py", path=f"{uv.parent}:{os.defpath}")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "failed: error: dns error: failed to look up host. Check the network and the space on the disk" in line
