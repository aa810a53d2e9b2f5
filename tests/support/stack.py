"""The whole local stack as somebody starts it: a process with children, on a data folder of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from jobmonitor.cli.stack_note import StackNote, note_path, read_note
from jobmonitor.local.postgres import OWNER, SUPERUSER

START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 30.0
POLL_S = 0.05
TIED_TO_US = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
"""The kernel tells a stack to stop when the tests that started it are killed."""
REPOSITORY = Path(__file__).parent.parent.parent


class RunningStack:
    """One stack; ``output`` is what its terminal would show."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        """``settings`` are given as ``http_port="0"``; the page is served on a free port unless told otherwise."""
        self.data_dir = data_dir
        self.packages = [REPOSITORY / "services"]
        """Folders of Python packages, as if they were installed."""
        self._log = data_dir.with_name(f"{data_dir.name}.terminal.log")
        self._settings = {"http_port": "0", "tools_dir": str(REPOSITORY / ".tools"), **settings}
        self.command = [sys.executable, "-m", "jobmonitor.local"]
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> "RunningStack":
        """Start without waiting."""
        ours = {f"JOBMONITOR_{name.upper()}": text for name, text in self._settings.items()}
        told_of_crashes = {"PYTHONFAULTHANDLER": "1"}
        environment = {**os.environ, **told_of_crashes, "PYTHONPATH": os.pathsep.join(map(str, self.packages)), **ours}
        environment["JOBMONITOR_DATA_DIR"] = str(self.data_dir)
        with self._log.open("wb") as log:
            command = [*TIED_TO_US, *self.command]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        return self

    def start(self) -> "RunningStack":
        """Return when the page can be opened."""
        self.launch()
        until(lambda: not self.runs or self._is_noted(), START_TIMEOUT_S, self._log)
        assert self.runs, self.output
        return self

    def _is_noted(self) -> bool:
        """Whether the note is this stack's own, not that of one killed before, and whole."""
        if not note_path(self.data_dir).exists() or "Job Monitor runs at" not in self.output:
            return False
        return self.note.pids["stack"] in [process.pid for process in self.processes()]

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "not launched"
        return self._process

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    @property
    def terminal(self) -> Path:
        """The file that holds ``output``."""
        return self._log

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def note(self) -> StackNote:
        return read_note(self.data_dir)

    @property
    def http_url(self) -> str:
        return self.note.http_url

    @property
    def kafka_bootstrap(self) -> str:
        return self.note.kafka_bootstrap

    @property
    def owner_url(self) -> str:
        return self.note.owner_url

    @property
    def superuser_url(self) -> str:
        return self.owner_url.replace(OWNER, SUPERUSER, 1)

    def kill(self, name: str) -> None:
        """Kill a child (``gateway``, ``kafka``, …) at once; the stack starts it again by itself."""
        self._end(name, signal.SIGKILL)

    def restart(self, name: str) -> None:
        """End a child in order and return when the stack has launched it again."""
        pid = self.note.pids[name]
        self._end(name, signal.SIGTERM)
        until(lambda: self.note.pids.get(name, pid) != pid, STOP_TIMEOUT_S, self._log)

    def processes(self) -> list[psutil.Process]:
        """All of it: the stack, its children and theirs."""
        stack = psutil.Process(self.process.pid)
        return [stack, *stack.children(recursive=True)]

    def send(self, number: signal.Signals) -> None:
        """Send the stack itself a signal."""
        self.process.send_signal(number)

    def wait(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Its exit status, once it ended."""
        return self.process.wait(timeout_s)

    def stop(self) -> None:
        """End it as Ctrl-C does. Repeatable."""
        if self._process is not None and self.runs:
            self.send(signal.SIGINT)
            self.wait()

    def __enter__(self) -> "RunningStack":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing of it running, however the test ended."""
        if self._process is None or not self.runs:
            return
        family = self.processes()
        self.send(signal.SIGTERM)
        psutil.wait_procs(family, STOP_TIMEOUT_S)
        for process in family:
            if not is_gone(process):
                process.kill()
        self.wait()

    def _end(self, name: str, number: signal.Signals) -> None:
        child = psutil.Process(self.note.pids[name])
        child.send_signal(number)
        until(lambda: is_gone(child), STOP_TIMEOUT_S, self._log)


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def until(condition: Callable[[], bool], timeout_s: float, log: Path) -> None:
    """Wait for something about the stack; what its terminal shows goes into the failure."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s; the terminal shows:\n{log.read_text()}"
        time.sleep(POLL_S)
