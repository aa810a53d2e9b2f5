"""Wires the gateway together: services, addresses, what runs in the background."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import FastAPI

from jobmonitor.crm.permissions import known_permissions
from jobmonitor.gateway import operations
from jobmonitor.gateway.access import login
from jobmonitor.gateway.access.dependencies import Services
from jobmonitor.gateway.access.sessions import Sessions
from jobmonitor.gateway.adapters.broker import Broker
from jobmonitor.gateway.adapters.changes import JobChanges
from jobmonitor.gateway.adapters.database import Database
from jobmonitor.gateway.adapters.housekeeping import tidy_all_the_time
from jobmonitor.gateway.downloads import routes as results
from jobmonitor.gateway.http import openapi, pages, problems
from jobmonitor.gateway.http.body_limits import JSON_BYTES_AT_MOST
from jobmonitor.gateway.http.limits import Rates
from jobmonitor.gateway.http.middleware import ErrorBoundary, RequestMetrics, SecurityHeaders
from jobmonitor.gateway.jobs import job_type_routes
from jobmonitor.gateway.jobs import routes as jobs
from jobmonitor.gateway.live import routes as stream
from jobmonitor.gateway.live.hub import Hub
from jobmonitor.gateway.schedules import routes as schedules
from jobmonitor.gateway.settings import GatewaySettings
from jobmonitor.gateway.tokens import routes as tokens
from jobmonitor.gateway.uploads import routes as uploads
from jobmonitor.gateway.uploads.receiving import UploadSlots
from jobmonitor.gateway.uploads.sweep import sweep_all_the_time
from jobmonitor.job_types.protocol import JobType
from jobmonitor.ledger.kept_results import KeptResults
from jobmonitor.runtime.objects import ObjectStore

Crash = Callable[[BaseException], None]


def create_app(settings: GatewaySettings, job_types: Sequence[JobType[Any]], crash: Crash) -> FastAPI:
    """The gateway as an ASGI application. ``crash`` is told of a bug in what runs in the background."""
    app = FastAPI(
        title="Job Monitor",
        version="1",
        description="Start long jobs, see how far they are, download what they made.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # the redirect would name whatever host the request did
        lifespan=lambda app: _running(app.state.services, app.state.hub, crash),
    )
    services = _services(settings, job_types)
    hub = Hub(services.database, services.changes, services.job_types, services.permissions)
    services.sessions.when_ended(hub.end_session)
    app.state.services, app.state.hub, app.state.end_streams = services, hub, hub.close
    app.state.pages = pages.Pages(pages.DIST)
    app.state.upload_slots = UploadSlots(settings)
    # the stream's address would otherwise be taken for a job called "stream"
    for room in (login, stream, job_type_routes, jobs, results, uploads, tokens, schedules, operations):
        app.include_router(room.router)
    app.router.default = app.state.pages
    app.add_middleware(ErrorBoundary, settings=settings, upload_bytes_max=_upload_bytes_max(job_types))
    for middleware in (SecurityHeaders, RequestMetrics):  # the last added is the outermost
        app.add_middleware(middleware)
    problems.install(app)
    openapi.install(app, job_types)
    return app


def _upload_bytes_max(job_types: Sequence[JobType[Any]]) -> int:
    """Of the largest file that any of them reads."""
    return max((job_type.upload.bytes_max for job_type in job_types if job_type.upload), default=JSON_BYTES_AT_MOST)


def _services(settings: GatewaySettings, job_types: Sequence[JobType[Any]]) -> Services:
    permissions = known_permissions(each.permission for each in job_types)
    database = Database(settings.database_url, size=settings.database_pool_size)
    return Services(
        settings=settings,
        job_types={job_type.slug: job_type for job_type in job_types},
        permissions=permissions,
        database=database,
        broker=Broker(settings),
        changes=JobChanges(database),
        objects=ObjectStore(settings.object_store_url),
        sessions=Sessions(database, settings, permissions),
        rates=Rates(settings),
        kept_results=KeptResults(settings.result_bytes_per_account),
    )


@asynccontextmanager
async def _running(services: Services, hub: Hub, crash: Crash) -> AsyncIterator[None]:
    """What runs in the background while the application serves. Nothing here waits for Kafka or PostgreSQL."""
    upload_age = timedelta(days=services.settings.upload_retention_days)
    work = (
        services.broker.run(),
        services.changes.run(),
        hub.run(),
        tidy_all_the_time(services.database),
        sweep_all_the_time(services.database, services.objects, upload_age),
    )
    tasks = [_start(each, crash) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await services.broker.close()
        await services.database.close()


def _start(work: Coroutine[Any, Any, None], crash: Crash) -> "asyncio.Task[None]":
    def look(task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            crash(error)

    task = asyncio.ensure_future(work)
    task.add_done_callback(look)
    return task
