"""Ports on the loopback interface."""

import random
import socket
from pathlib import Path

import msgspec

from jobmonitor.local.errors import LocalError
from jobmonitor.local.secrets import write_privately

HOST = "127.0.0.1"
SERVER_PORTS = range(20_000, 32_000)
"""Below those the kernel hands out to connections, which could take a port between choosing and using it."""
LAST_PORT = 65_535
NEXT_PORTS_TRIED = 100

_handed_out: set[int] = set()
"""A server listens on its port some time after the choice: until then only this tells it is taken."""


def free_port() -> int:
    """A port nobody listens on right now and this process was not given before."""
    for port in random.sample(SERVER_PORTS, NEXT_PORTS_TRIED):
        if port not in _handed_out and is_free(port):
            _handed_out.add(port)
            return port
    raise LocalError(f"No free port was found on {HOST}: see what listens there (ss -tln) and end some of it.")


class KeptPorts:
    """The ports of one data folder's servers: the same at each start, so that clients need not look for them."""

    def __init__(self, path: Path) -> None:
        """``path`` is the file that keeps them; one that cannot be read counts as empty."""
        self._path = path

    def port(self, name: str) -> int:
        """The server's port of last time; another where that is taken by now. Raises LocalError."""
        kept = self._read()
        port = kept.get(name, 0)
        if port in _handed_out or not 0 < port <= LAST_PORT or not is_free(port):
            port = free_port()
            write_privately(self._path, msgspec.json.encode({**kept, name: port}))
        _handed_out.add(port)
        return port

    def _read(self) -> dict[str, int]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, int])
        except (OSError, msgspec.MsgspecError):
            return {}


def next_free_port(first: int) -> int:
    """``first``, or the next one above that is free; 0 takes any. Raises LocalError."""
    if first == 0:
        return free_port()
    if not 0 < first <= LAST_PORT:
        raise LocalError(f"JOBMONITOR_HTTP_PORT must be 0 to {LAST_PORT}.")
    for port in range(first, min(first + NEXT_PORTS_TRIED, LAST_PORT + 1)):
        if is_free(port):
            return port
    raise LocalError(f"Port {first} and those after it are taken or not allowed: set JOBMONITOR_HTTP_PORT.")


def is_free(port: int) -> bool:
    """Whether a server could listen there now. Connections that still linger after a server's end do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Whether a server accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0
