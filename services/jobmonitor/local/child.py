"""One operating system process under this one: started with a log of its own, ended with this one whatever happens."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from jobmonitor.local.errors import LocalError

POLL_S = 0.05
KILL_WAIT_S = 10.0


def start_child(
    command: Sequence[str],
    *,
    log_path: Path,
    environment: Mapping[str, str],
    orphan_signal: signal.Signals = signal.SIGKILL,
    privileges: Sequence[str] = (),
) -> "subprocess.Popen[bytes]":
    """Start ``command`` with its output appended to ``log_path``.

    It gets a session of its own, so that Ctrl-C in a terminal reaches only this process, which then ends its children
    in order. Should this process die without ending them, the kernel sends each child ``orphan_signal``. As the kernel
    goes by the thread that started the child, this holds for children started by the main thread only.

    ``privileges`` are options of ``setpriv`` that change whom the child runs as.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own commands
            [*_tether(orphan_signal, privileges), *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )


def _tether(orphan_signal: signal.Signals, privileges: Sequence[str]) -> list[str]:
    tether = ["--pdeathsig", orphan_signal.name.removeprefix("SIG")]
    options = [*(tether if threading.current_thread() is threading.main_thread() else []), *privileges]
    setpriv = shutil.which("setpriv")  # part of util-linux, which every Debian and Ubuntu has; it execs the command
    return [setpriv, *options, "--"] if setpriv and options else []


def end_child(child: "subprocess.Popen[bytes]", first: signal.Signals, timeout_s: float) -> bool:
    """Ask the child to end, and make it after ``timeout_s``. Returns whether it went by itself. Repeatable."""
    if child.poll() is not None:
        return True
    child.send_signal(first)
    try:
        child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        kill_child(child)
        return False
    return True


def kill_child(child: "subprocess.Popen[bytes]") -> None:
    """End the child and all processes below it at once, as a power cut would. Repeatable."""
    if child.poll() is not None:
        return
    family = psutil.Process(child.pid).children(recursive=True)
    child.kill()
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    child.wait(KILL_WAIT_S)
    until = time.monotonic() + KILL_WAIT_S
    while any(_lives(process) for process in family) and time.monotonic() < until:
        time.sleep(POLL_S)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_ready(
    name: str, child: "subprocess.Popen[bytes]", ready: Callable[[], bool], *, log_path: Path, timeout_s: float
) -> None:
    """Return as soon as ``ready()``. Raises LocalError: the child ended, or it took longer than ``timeout_s``."""
    until = time.monotonic() + timeout_s
    while not ready():
        if child.poll() is not None:
            raise LocalError(f"{name} ended while starting: {last_words(log_path)} (all of it in {log_path})")
        if time.monotonic() > until:
            raise LocalError(f"{name} was not ready after {timeout_s:g} s; see {log_path}, then try again.")
        time.sleep(POLL_S)


def last_words(log_path: Path) -> str:
    """The last line of a log that says something, cut to a size for a terminal."""
    try:
        with log_path.open("rb") as log:
            log.seek(max(0, log_path.stat().st_size - 8192))
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return lines[-1][:300] if lines else "it said nothing"


def inherited_environment() -> dict[str, str]:
    """This process's own environment, for children that are not ours and read none of our settings."""
    return {name: text for name, text in os.environ.items() if not name.startswith("JOBMONITOR_")}
