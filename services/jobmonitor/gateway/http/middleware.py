"""Middleware for every address: metrics, security headers, limits, and errors that reveal no internals."""

from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from urllib.parse import urlsplit

import structlog
from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobmonitor.gateway import metrics
from jobmonitor.gateway.http.body_limits import limited, lingering
from jobmonitor.gateway.http.clients import is_loopback
from jobmonitor.gateway.http.limits import Slots, slots_held
from jobmonitor.gateway.http.problems import Problem, not_found, problem_of, problem_response, unavailable
from jobmonitor.gateway.http.request_queue import RequestQueue
from jobmonitor.gateway.settings import GatewaySettings

NOT_COUNTED = frozenset({"/api/v1/jobs/stream", "/healthz", "/readyz", "/metrics"})
FOR_OPERATORS = frozenset({"/metrics", "/readyz", "/openapi.json"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

API_HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
"""Set unless the answer brings its own. ``same-origin`` and not ``no-referrer``: the latter makes ``Origin`` null."""
HSTS = "max-age=31536000"

DRAINED_AT_MOST = 2
"""Times the largest file: so much of a refused body is read, so that its sender receives the refusal."""

log = structlog.stdlib.get_logger()


class RequestMetrics:
    """Counts requests and times them by route, not by path: paths hold Job#s."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s, status = perf_counter(), 500
        streams = False

        async def sending(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                streams = Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "page")
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE") else "other"
            metrics.REQUESTS.labels(method, route, status).inc()
            if not streams:
                metrics.REQUEST_SECONDS.labels(method, route).observe(perf_counter() - started_s)


class SecurityHeaders:
    """Adds the security headers an answer does not bring itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in API_HEADERS.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers.setdefault("strict-transport-security", HSTS)
            await send(message)

        await self._app(scope, receive, sending)


class ErrorBoundary:
    """Answers unexpected errors with a bare 500, other sites' requests with 403, and too large bodies with 413."""

    def __init__(self, app: ASGIApp, settings: GatewaySettings, upload_bytes_max: int) -> None:
        self._app = app
        self._settings = settings
        self._upload_bytes_max = upload_bytes_max
        self._hosts = {each.strip().lower() for each in settings.allowed_hosts.split(",") if each.strip()}
        self._answering = Slots("requests at once", settings.requests_at_once)
        self._lines = RequestQueue(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        turn = self._lines.turn(scope)
        answering = lingering(receive, send, DRAINED_AT_MOST * self._upload_bytes_max)

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            turn.end()
            await answering(message)

        try:
            self._refuse_foreign_host(scope)
            self._require_operator(scope)
            _refuse_foreign_page(scope)
            await turn.begin()
            with self._slot(scope):
                body = limited(scope, receive, self._settings.body_timeout_s, self._upload_bytes_max)
                await self._app(scope, body, sending)
        except ClientDisconnect:
            log.info("request_broken_off", method=scope["method"], path=scope["path"])
        except Exception as error:
            if not isinstance(error, Problem):
                log.exception("request_failed", method=scope["method"], path=scope["path"])
            if started:
                raise
            await problem_response(problem_of(error))(scope, receive, answering)
        finally:
            turn.end()

    def _refuse_foreign_host(self, scope: Scope) -> None:
        """Raises Problem 421: the request is for another host."""
        host = Headers(scope=scope).get("host", "").rsplit(":", 1)[0].lower()
        if self._hosts and host not in self._hosts and scope["path"] not in NOT_COUNTED:
            raise Problem(421, "This server does not answer for that host.", code="foreign_host")

    def _require_operator(self, scope: Scope) -> None:
        """Raises Problem 404: this address is for operators only."""
        client = scope["client"][0] if scope.get("client") else ""
        if scope["path"] in FOR_OPERATORS and self._settings.operations_for == "loopback" and not is_loopback(client):
            raise not_found()

    def _slot(self, scope: Scope) -> AbstractContextManager[None]:
        """Streams have limits of their own, and operators need an answer most when there is most to do."""
        if scope["path"] in NOT_COUNTED:
            return nullcontext()
        return slots_held((self._answering, None, unavailable("Too many requests are being answered at the moment.")))


def _refuse_foreign_page(scope: Scope) -> None:
    """Another site's page may not act with our cookie. Raises Problem 403.

    Browsers say where a request comes from: Sec-Fetch-Site or, older ones, Origin. Programs say neither; they do not
    send cookies on somebody else's behalf.
    """
    request = Request(scope)
    if scope["method"] in SAFE_METHODS:
        # a download moves the job, and a link on another site's page is enough to start one
        if scope["path"].endswith("/result") and request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            raise Problem(403, "This download was started by another site's page.", code="foreign_page")
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        ours = site in ("same-origin", "none")
    else:
        ours = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not ours:
        raise Problem(403, "This request comes from another site's page.", code="foreign_page")
