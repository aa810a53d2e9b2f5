"""Whether the process in this container works: what the container's health check runs."""

from http.client import HTTPConnection, HTTPException
from typing import Annotated

from cyclopts import Parameter

from jobmonitor.cli.errors import USAGE, CommandError
from jobmonitor.cli.options import Injected
from jobmonitor.cli.output import print_line
from jobmonitor.cli.settings import HealthSettings

TIMEOUT_S = 8.0


def health(
    *,
    port: Annotated[int | None, Parameter(help="Default: JOBMONITOR_HTTP_PORT, else JOBMONITOR_METRICS_PORT.")] = None,
    context: Injected,
) -> None:
    """Ask the process on this machine whether it is ready. Exit status 0: yes; 1: no, or no answer."""
    settings = context.settings(HealthSettings)
    asked = port or settings.http_port or settings.metrics_port
    if not asked:
        raise CommandError("No port is known. Give --port or set JOBMONITOR_METRICS_PORT.", USAGE)
    connection = HTTPConnection("127.0.0.1", asked, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    except (OSError, HTTPException) as error:
        raise CommandError(f"Nothing answers on port {asked}: {error}.") from error
    finally:
        connection.close()
    if response.status != 200:
        raise CommandError(f"Not ready: {text}")
    print_line(text)
