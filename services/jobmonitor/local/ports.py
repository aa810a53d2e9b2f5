"""Ports on the loopback interface."""

import random
import socket

from jobmonitor.local.errors import LocalError

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
