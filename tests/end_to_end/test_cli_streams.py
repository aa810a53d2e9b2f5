"""The command line tool on terminals, pipes and files that are not what it would like: never a traceback."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import pytest

from jobmonitor.cli.errors import FAILED, USAGE
from jobmonitor.cli.tool import COMMANDS, INTERRUPTED, READER_LEFT
from support.stack import RunningStack

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 120
UTF8, ASCII = {"PYTHONIOENCODING": "utf-8"}, {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
PERSON = "Zoë Łuczak"
NOT_UTF8 = b"na\xefve.csv"
HOMELESS = [["types"], ["types", "--json"], ["topics"], ["topics", "--json"], ["--help"], ["jobs", "--help"]]
"""Commands that need no stack."""

Done: TypeAlias = "subprocess.CompletedProcess[bytes]"


def _environment(folder: Path, **more: str) -> dict[str, str]:
    services, state = str(ROOT / "services"), str(folder / "state")
    return {"PATH": os.environ["PATH"], "PYTHONPATH": services, "XDG_STATE_HOME": state, **more}


def _command(*arguments: "str | bytes") -> "list[str | bytes]":
    return [sys.executable, "-m", "jobmonitor.cli", *arguments]


def _shell(folder: Path, arguments: "list[str]", redirections: str, **more: str) -> Done:
    """Run the tool as a shell would, with these redirections behind it."""
    line = f'exec "$@" {redirections}'
    return subprocess.run(
        ["sh", "-c", line, "sh", *_command(*arguments)],
        cwd=folder,
        env=_environment(folder, **more),
        capture_output=True,
        check=False,
        timeout=TIMEOUT_S,
    )


def _says_one_line(complaint: bytes) -> str:
    text = complaint.decode()
    assert "Traceback" not in text, text
    assert "Exception ignored" not in text, text
    assert re.fullmatch(r"(Not logged in: .*\n)?jobmonitor: [^\n]+\n", text), text
    return text


@pytest.mark.parametrize("arguments", HOMELESS, ids=" ".join)
def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path, arguments: list[str]) -> None:
    done = _shell(tmp_path, arguments, "> /dev/full")
    assert done.returncode == FAILED
    assert "The output cannot be written: No space left on device." in _says_one_line(done.stderr)


@pytest.mark.parametrize("arguments", HOMELESS, ids=" ".join)
def test_a_reader_that_leaves_ends_it_as_a_signal_would_without_a_word(tmp_path: Path, arguments: list[str]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run(
        _command(*arguments), env=_environment(tmp_path), stdout=writes, stderr=subprocess.PIPE, check=False
    )
    os.close(writes)
    assert (done.returncode, done.stderr) == (READER_LEFT, b"")


@pytest.mark.parametrize("arguments", HOMELESS, ids=" ".join)
def test_an_ascii_terminal_gets_escapes(tmp_path: Path, arguments: list[str]) -> None:
    done = _shell(tmp_path, arguments, "", **ASCII)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    if "--json" in arguments:
        unicode = _shell(tmp_path, arguments, "", **UTF8)
        assert json.loads(done.stdout) == json.loads(unicode.stdout)


def test_closed_streams_are_told_or_done_without(tmp_path: Path) -> None:
    closed = _shell(tmp_path, ["types"], ">&-")
    assert closed.returncode == FAILED
    assert "Standard output is closed" in _says_one_line(closed.stderr)
    assert _shell(tmp_path, ["types"], "2>&- <&-").returncode == 0
    assert _shell(tmp_path, ["sumbit"], "2>&-").returncode == USAGE
    assert _shell(tmp_path, ["sumbit"], "2>/dev/full").returncode == USAGE
    nobody = _shell(tmp_path, ["rebuild"], "<&-")
    assert nobody.returncode == USAGE
    assert "Nobody can be asked here" in _says_one_line(nobody.stderr)


@pytest.mark.parametrize("words", [words for words in COMMANDS if words not in ("types", "health")])
def test_text_that_is_not_utf8_is_a_mistake_not_a_crash(tmp_path: Path, words: str) -> None:
    """As an option's value, or where the command takes a name."""
    bad = os.fsdecode(b"\xff\xfe")
    for arguments in ([*words.split(), bad], [*words.split(), "--kafka", bad], [*words.split(), "--url", bad]):
        done = subprocess.run(
            _command(*arguments),
            cwd=tmp_path,
            env=_environment(tmp_path, JOBMONITOR_DATA_DIR="/nowhere"),
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
        )
        assert done.returncode in (FAILED, USAGE) or words == "topics", (arguments, done)
        if done.returncode != 0:
            _says_one_line(done.stderr)


def test_ctrl_c_while_it_loads_its_libraries_ends_it_without_a_traceback(tmp_path: Path) -> None:
    """The interrupt comes where the first of them is imported."""
    (tmp_path / "cyclopts.py").write_text("raise KeyboardInterrupt\n")
    path = f"{tmp_path}{os.pathsep}{ROOT / 'services'}"
    done = _shell(tmp_path, ["types"], "", PYTHONPATH=path)
    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, b"", b"")


def test_ctrl_c_ends_the_following_of_a_job(tmp_path: Path, stack: RunningStack) -> None:
    later = ["submit", "user-data-export", "--account", "1", "--user", "3", "--wait", "--run-at"]
    start = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    waiting = subprocess.Popen(
        _command(*later, start),
        env=_environment(tmp_path, JOBMONITOR_DATA_DIR=str(stack.data_dir)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert waiting.stdout is not None
    waiting.stdout.readline()
    assert b"scheduled" in waiting.stdout.readline()
    waiting.send_signal(signal.SIGINT)
    _, complaint = waiting.communicate(timeout=TIMEOUT_S)
    assert waiting.returncode == INTERRUPTED
    assert b"Traceback" not in complaint


def test_names_of_files_need_not_be_utf8(tmp_path: Path, stack: RunningStack) -> None:
    environment = _environment(tmp_path, JOBMONITOR_DATA_DIR=str(stack.data_dir), **UTF8)
    source = tmp_path / os.fsdecode(NOT_UTF8)
    source.write_bytes(b"Email,First Name\nbytes@x.test,Zo\xc3\xab\n")

    def run(*arguments: "str | bytes") -> Done:
        command = _command(*arguments)
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=TIMEOUT_S
        )

    done = run("submit", "user-data-import", "--file", NOT_UTF8, "--wait", "--json")
    assert done.returncode == 0, done.stderr
    number = str(json.loads(done.stdout)["number"])
    told = run("download", number, "--output", b"out-\xff.csv")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(b"out-\xff.csv (")
    as_json = json.loads(run("download", number, "--output", b"out-\xff.csv", "--json").stdout)
    assert (tmp_path / as_json["path"]).read_bytes() == (tmp_path / os.fsdecode(b"out-\xff.csv")).read_bytes()
    missing = run("submit", "user-data-import", "--file", b"\xff.csv")
    assert missing.returncode == USAGE
    _says_one_line(missing.stderr)


@pytest.mark.parametrize("command", ["jobs", "show", "download", "watch"])
def test_names_beyond_ascii_reach_an_ascii_terminal_with_escapes(
    tmp_path: Path, stack: RunningStack, command: str
) -> None:
    environment = {"JOBMONITOR_DATA_DIR": str(stack.data_dir)}
    submit = ["submit", "user-data-export", "--account", "1", "--user", "3", "--reference", PERSON, "--wait", "--json"]
    done = _shell(tmp_path, submit, "", **environment, **ASCII)
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert job["reference"] == PERSON
    arguments = [command] if command == "jobs" else [command, str(job["number"])]
    shown = _shell(tmp_path, arguments, "", **environment, **ASCII)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.isascii()
    full = _shell(tmp_path, arguments, "> /dev/full", **environment)
    assert full.returncode == FAILED
    assert "The output cannot be written" in _says_one_line(full.stderr)
