"""What a process tells its operators over HTTP: ``/metrics``, ``/healthz`` (alive), ``/readyz`` (able to work).

"Alive" says only that the event loop answers: restart a process that does not. "Ready" asks what the process depends
on, each time it is asked.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from jobmonitor.runtime.settings import ProcessSettings

if TYPE_CHECKING:  # aiohttp takes long to import, and the gateway and the command line serve nothing with it
    from aiohttp import web

CHECK_TIMEOUT_S = 5.0
"""A dependency that does not answer for so long counts as away."""

log = structlog.stdlib.get_logger()


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one question about the process."""

    ok: bool
    detail: str
    """What was found, for an operator; also when all is well."""


Checks = Callable[[], Awaitable[dict[str, Check]]]


class _Readiness(msgspec.Struct, frozen=True, kw_only=True):
    ready: bool
    checks: dict[str, Check]


async def _readiness(checks: Checks) -> _Readiness:
    """A question that raises or takes too long is answered "no", with the error as detail."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            answers = await checks()
    except TimeoutError:
        answers = {"checks": Check(ok=False, detail=f"no answer within {CHECK_TIMEOUT_S:g} s")}
    except Exception as error:  # whatever it is, the process is not ready, and the operator wants to read why
        answers = {"checks": Check(ok=False, detail=repr(error))}
    return _Readiness(ready=all(check.ok for check in answers.values()), checks=answers)


def _application(checks: Checks) -> "web.Application":
    from aiohttp import web

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(body=b'{"alive":true}', content_type="application/json")

    async def readyz(_: web.Request) -> web.Response:
        readiness = await _readiness(checks)
        status = 200 if readiness.ready else 503
        return web.Response(status=status, body=msgspec.json.encode(readiness), content_type="application/json")

    application = web.Application()
    application.add_routes([web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return application


@asynccontextmanager
async def serve_monitoring(settings: ProcessSettings, checks: Checks) -> AsyncIterator[int]:
    """Serve the three addresses while the context lasts; gives the port. ``checks`` is awaited at each ``/readyz``.

    Raises OSError: the port is taken.
    """
    from aiohttp import web

    runner = web.AppRunner(_application(checks), access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.metrics_host, settings.metrics_port).start()
        port: int = runner.addresses[0][1]
        log.info("monitoring_listening", host=settings.metrics_host, port=port)
        yield port
    finally:
        await runner.cleanup()
