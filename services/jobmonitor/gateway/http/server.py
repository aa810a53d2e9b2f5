"""The HTTP server around the application: uvicorn on uvloop and httptools, ended in order."""

import asyncio
import socket
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from fastapi import FastAPI

from jobmonitor.gateway.http.protocol import bounded_protocol
from jobmonitor.gateway.settings import GatewaySettings

SHUTDOWN_TIMEOUT_S = 5
BACKLOG = 2048

log = structlog.stdlib.get_logger()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The process listens for signals itself."""
        yield


def listening_socket(settings: GatewaySettings) -> socket.socket:
    """Take the address before anything else starts. Raises OSError: it is taken, or not ours."""
    return socket.create_server((settings.http_host, settings.http_port), backlog=BACKLOG)


async def serve_http(app: FastAPI, settings: GatewaySettings, listening: socket.socket, ended: Awaitable[None]) -> None:
    """Serve until ``ended``; then let streams go, downloads finish for five seconds, and leave. Raises its error."""
    config = uvicorn.Config(
        app,
        http=bounded_protocol(settings),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        log.info("gateway_listening", host=settings.http_host, port=listening.getsockname()[1])
        await ended
    finally:
        app.state.end_streams()
        server.should_exit = True
        await serving
