"""A process under this one: started with a log of its own, asked whether it is ready, ended in order or at once."""

import http.client
import os
import shutil
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from jobmonitor.local.errors import LocalError
from jobmonitor.local.ports import HOST

POLL_S = 0.05
KILL_WAIT_S = 5.0
ANSWER_TIMEOUT_S = 2.0
PRIVATE_UMASK = 0o077
"""What the stack and its children write, only their user may read."""
BARE_ENVIRONMENT: Mapping[str, str] = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
"""For servers that take nothing from the environment."""


class Child(ABC):
    """What all children share. One that was stopped, or died, can be launched again."""

    stop_signal = signal.SIGTERM
    stop_timeout_s = 4.0
    """How long it may take to end by itself; then it is killed."""
    ready_timeout_s = 120.0
    orphan_signal = signal.SIGKILL
    """What the kernel sends it should this process die without ending it."""
    privileges: Sequence[str] = ()
    """Options of ``setpriv``: as whom it runs."""

    def __init__(self, name: str, *, log_path: Path, environment: Mapping[str, str] = BARE_ENVIRONMENT) -> None:
        self.name = name
        self.log_path = log_path.absolute()
        self.is_held = False
        """While it is, nobody starts it again should it end."""
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """What to run."""

    def news(self) -> str:
        """What changed at the last launch, for the person at the terminal; empty for nothing."""
        return ""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it can do its work now."""

    @property
    def pid(self) -> int | None:
        """None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def launch(self) -> None:
        """Start it without waiting for it.

        It gets a session of its own, so that Ctrl-C in a terminal reaches only this process, which then ends its
        children in order.
        """
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                [*_changing_to(self.privileges, self.orphan_signal), *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self._environment),
                start_new_session=True,
                umask=PRIVATE_UMASK,
            )

    def wait_until_ready(self) -> None:
        """Raises LocalError: it ended, or it took too long."""
        until = time.monotonic() + self.ready_timeout_s
        while not self.is_ready():
            if self.pid is None:
                raise LocalError(f"{self.name} {self.ending()} while starting: {self.last_words()} ({self.log_path})")
            if time.monotonic() > until:
                raise LocalError(f"{self.name} was not ready after {self.ready_timeout_s:g} s; see {self.log_path}.")
            time.sleep(POLL_S)

    def ask_to_stop(self) -> None:
        """Return at once. Repeatable."""
        if self._process is not None:
            self._process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Return when it ended, after ``stop_timeout_s`` by force. Repeatable."""
        self.ask_to_stop()
        if self._process is not None:
            try:
                self._process.wait(self.stop_timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it and all processes below it at once, as a power cut would. Repeatable."""
        if self._process is None or self.pid is None:
            return
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        for process in family:
            if process.is_running():
                process.kill()
        self._process.wait(KILL_WAIT_S)
        until = time.monotonic() + KILL_WAIT_S
        while any(map(_lives, family)) and time.monotonic() < until:
            time.sleep(POLL_S)

    def ending(self) -> str:
        """How it ended, in words."""
        status = self._process.poll() if self._process else None
        if status is None:
            return "runs"
        return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"

    def last_words(self) -> str:
        """The last line of its log that says something, cut to a size for a terminal."""
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(0, self.log_path.stat().st_size - 8192))
                lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        except OSError:
            lines = []
        return lines[-1][:300] if lines else "it said nothing"


class Server(Child):
    """A child that keeps data in a folder."""

    @property
    @abstractmethod
    def has_data(self) -> bool:
        """Whether it was used before."""

    @abstractmethod
    def prepare(self) -> None:
        """Make its data folder if there is none. Raises LocalError."""

    def start(self) -> None:
        """Return when it is ready. Repeatable. Raises LocalError."""
        if self.pid is None:
            self.prepare()
            self.launch()
            self.wait_until_ready()


def answers_ready(port: int) -> bool:
    """Whether the process that serves this port's ``/readyz`` says yes."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _changing_to(privileges: Sequence[str], orphan_signal: signal.Signals) -> list[str]:
    """How ``setpriv``, which every Debian and Ubuntu has, is to run a command.

    The kernel ties a process to the thread that started it; only the main thread lives as long as the process.
    """
    tie = ["--pdeathsig", orphan_signal.name.removeprefix("SIG")]
    options = [*(tie if threading.current_thread() is threading.main_thread() else []), *privileges]
    setpriv = shutil.which("setpriv")
    return [setpriv, *options, "--"] if setpriv and options else []


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
