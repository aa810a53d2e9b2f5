"""The local stack's own life: it starts on any free port, heals, leaves nothing behind, and goes on where it was."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import httpx2
import psutil
import pytest

from jobmonitor.cli.stack_note import note_path
from support.browser import PASSWORD
from support.stack import RunningStack, is_gone, until

END_TIMEOUT_S = 15.0
"""A stack told to stop has left no process behind after so long."""


def wait_until_gone(processes: list[psutil.Process], log: Path) -> None:
    until(lambda: all(map(is_gone, processes)), END_TIMEOUT_S, log)


async def users(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM crm.users WHERE email IS NOT NULL"))
    finally:
        await connection.close()


def test_all_servers_listen_on_loopback_only(stack: RunningStack) -> None:
    listening = [
        connection.laddr.ip
        for process in stack.processes()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 7
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_the_note_with_the_database_login_is_private(stack: RunningStack) -> None:
    private = [note_path(stack.data_dir), stack.data_dir / "passwords.json"]
    assert [path.stat().st_mode & 0o777 for path in private] == [0o600, 0o600]


@pytest.mark.parametrize("name", ["objects", "logs", "kafka", "mail", "scratch", "postgres"])
def test_no_other_user_reads_what_the_stack_keeps(stack: RunningStack, name: str) -> None:
    """A folder nobody else may enter hides all below; PostgreSQL's belongs to the user it runs as."""
    folder = stack.data_dir / name
    if name == "objects":
        _export(stack.http_url)
        until(lambda: any(path.is_file() for path in folder.rglob("*")), END_TIMEOUT_S * 4, stack._log)
    assert folder.stat().st_mode & 0o077 == 0
    found = [path for path in folder.rglob("*") if not path.is_symlink()]
    assert found or name in ("mail", "scratch")
    assert [path for path in found if _mode(path) & 0o077] == []


def _export(url: str) -> None:
    """Have a file of supporters made."""
    with httpx2.Client(base_url=url) as client:
        client.post("/api/v1/session", json={"email": "user@demo.test", "password": PASSWORD}).raise_for_status()
        client.post("/api/v1/jobs", json={"type": "user-data-export", "parameters": {}}).raise_for_status()


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return 0  # it went while we looked


def test_a_second_stack_on_the_same_data_says_where_the_first_is_and_leaves(stack: RunningStack) -> None:
    second = RunningStack(stack.data_dir, http_port="0")
    second._log = stack.data_dir.with_name("second.log")
    assert second.launch().wait() == 1
    assert second.output == f"The stack on {stack.data_dir} is already running at {stack.http_url}.\n"
    assert stack.runs


async def test_a_child_that_dies_comes_back_with_a_clear_message(stack: RunningStack) -> None:
    before = stack.note.pids["mail-sink"]
    stack.kill("mail-sink")
    until(lambda: stack.note.pids.get("mail-sink", before) != before, END_TIMEOUT_S, stack._log)
    until(lambda: "mail-sink is back." in stack.output, END_TIMEOUT_S, stack._log)
    assert re.search(r"mail-sink was killed by SIGKILL; starting it again in [\d.]+ s\. Its log: /", stack.output)


async def test_a_process_whose_port_was_taken_meanwhile_comes_back_on_another(stack: RunningStack) -> None:
    before = stack.note.monitoring_urls["reconciler"]
    returns = stack.output.count("reconciler is back.")
    address = ("127.0.0.1", int(before.rpartition(":")[2]))
    os.kill(stack.note.pids["reconciler"], signal.SIGKILL)
    with _listening(address):
        until(lambda: stack.note.monitoring_urls["reconciler"] != before, END_TIMEOUT_S, stack._log)
        until(lambda: stack.output.count("reconciler is back.") > returns, END_TIMEOUT_S * 2, stack._log)
        assert f"reconciler: port {address[1]} is taken; it answers monitoring on" in stack.output
        assert httpx2.get(f"{stack.note.monitoring_urls['reconciler']}/readyz").status_code == 200


@contextmanager
def _listening(address: tuple[str, int]) -> Iterator[None]:
    """Take the port as soon as it is free."""
    taken: list[socket.socket] = []

    def take() -> bool:
        with suppress(OSError):
            taken.append(socket.create_server(address))
        return bool(taken)

    until(take, END_TIMEOUT_S, Path(os.devnull))
    with taken[0]:
        yield


async def test_who_finds_the_gateway_ready_finds_the_note(tmp_path: Path) -> None:
    with RunningStack(tmp_path / "data", http_port="0", demo_supporters="20") as starting:
        starting.launch()
        until(lambda: note_path(starting.data_dir).exists(), END_TIMEOUT_S * 8, starting._log)
        assert "gateway" not in starting.note.pids, "the note is there before the gateway is launched"
        until(lambda: _is_ready(starting.http_url), END_TIMEOUT_S * 4, starting._log)
        assert note_path(starting.data_dir).exists()


def _is_ready(url: str) -> bool:
    with suppress(httpx2.TransportError):
        return httpx2.get(f"{url}/readyz").status_code == 200
    return False


async def test_stopped_or_killed_and_started_again_it_goes_on_with_its_data(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        small = RunningStack(tmp_path / "data", http_port=str(port), demo_supporters="20").start()
        assert small.http_url != f"http://127.0.0.1:{port}", "the port is taken"
        assert int(small.http_url.rpartition(":")[2]) > port
    assert "user@demo.test" in small.output
    assert httpx2.get(f"{small.http_url}/readyz").status_code == 200
    connection = await asyncpg.connect(small.superuser_url)
    await connection.execute("UPDATE crm.users SET name = 'Somebody Else' WHERE id = 1")
    await connection.close()

    servers = (small.kafka_bootstrap, small.owner_url, small.note.smtp)
    everything = small.processes()
    small.send(signal.SIGINT)
    assert small.wait(END_TIMEOUT_S) == 0
    wait_until_gone(everything, small._log)
    assert not note_path(small.data_dir).exists()

    small.start()
    try:
        assert (small.kafka_bootstrap, small.owner_url, small.note.smtp) == servers, "clients need not look for them"
        connection = await asyncpg.connect(small.superuser_url)
        assert await connection.fetchval("SELECT name FROM crm.users WHERE id = 1") == "Somebody Else"
        await connection.close()
        assert await users(small.superuser_url) == 5
        everything = small.processes()
        small.process.kill()
        small.process.wait()
        small.start()  # at once, while its children may still be on their way out
        assert httpx2.get(f"{small.http_url}/readyz").status_code == 200
        wait_until_gone(everything, small._log)
    finally:
        small.stop()


def test_a_stop_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    with RunningStack(tmp_path / "data", demo_supporters="20") as starting:
        starting.launch()
        until(lambda: "Database:" in starting.output, END_TIMEOUT_S * 4, starting._log)
        everything = starting.processes()
        starting.send(signal.SIGTERM)
        assert starting.wait(END_TIMEOUT_S) == 0, starting.output
        wait_until_gone(everything, starting._log)


def test_interrupting_make_alone_ends_the_stack_as_well(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(f"up:\n\t@exec {sys.executable} -m jobmonitor.local\n")
    with RunningStack(tmp_path / "data", demo_supporters="20") as running:
        running.command = ["make", "--directory", str(tmp_path), "up"]
        running.start()
        everything = running.processes()
        running.send(signal.SIGINT)
        wait_until_gone(everything[1:], running._log)
        assert running.wait() != 0, "make says that it was interrupted"
        assert "Stopped." in running.output.splitlines()


def test_what_tests_start_hears_ctrl_c_also_when_a_script_started_the_tests_in_its_background(tmp_path: Path) -> None:
    """There the shell has SIGINT ignored, and what is ignored is handed down."""
    inner = tmp_path / "test_inner.py"
    inner.write_text(
        "import signal, subprocess\n"
        "def test_inner():\n"
        "    sleeper = subprocess.Popen(['sleep', '60'])\n"
        "    sleeper.send_signal(signal.SIGINT)\n"
        "    assert sleeper.wait(30) == -signal.SIGINT\n"
    )
    conftest = Path(__file__).parents[1] / "conftest.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--confcutdir", str(tmp_path)]
    (tmp_path / "conftest.py").write_text(conftest.read_text())
    services = os.pathsep.join(str(Path(__file__).parents[2] / name) for name in ("services", "tests"))
    done = subprocess.run(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command, str(inner)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": services},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
