"""The gateway: ``python -m jobmonitor.gateway``."""

import os
import sys

from jobmonitor.gateway.app import create_app
from jobmonitor.gateway.http.server import listening_socket, serve_http
from jobmonitor.gateway.settings import GatewaySettings
from jobmonitor.job_types.registry import enabled
from jobmonitor.runtime.process import Lifecycle, run_process


async def serve(settings: GatewaySettings, lifecycle: Lifecycle) -> None:
    """Serve until the lifecycle ends."""
    try:
        listening = listening_socket(settings)
    except OSError as error:
        address = f"{settings.http_host}:{settings.http_port}"
        advice = "Set JOBMONITOR_HTTP_HOST or JOBMONITOR_HTTP_PORT to another."
        sys.exit(f"Cannot listen on {address}: {error.strerror}. {advice}")
    with listening:
        app = create_app(settings, enabled(settings.job_types), lifecycle.crash)
        await serve_http(app, settings, listening, lifecycle.ended())


if __name__ == "__main__":
    sys.exit(run_process("gateway", GatewaySettings, os.environ, serve))
