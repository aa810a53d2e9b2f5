"""What handlers depend on: the services of the process, and the viewer."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyCookie

from jobmonitor.crm.users import Viewer
from jobmonitor.gateway.access.job_types import JobTypesBySlug
from jobmonitor.gateway.access.policy import may_look
from jobmonitor.gateway.access.sessions import Sessions
from jobmonitor.gateway.adapters.broker import Broker
from jobmonitor.gateway.adapters.changes import JobChanges
from jobmonitor.gateway.adapters.database import Database
from jobmonitor.gateway.http.cookies import SESSION_COOKIE
from jobmonitor.gateway.http.limits import Rates
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.gateway.settings import GatewaySettings
from jobmonitor.ledger.kept_results import KeptResults
from jobmonitor.runtime.objects import ObjectStore

_cookie = APIKeyCookie(name=SESSION_COOKIE, scheme_name="session", auto_error=False)


@dataclass(frozen=True)
class Services:
    """Everything that outlives a request."""

    settings: GatewaySettings
    job_types: JobTypesBySlug
    permissions: frozenset[str]
    """Those there are: the CRM's and what the job types need besides."""
    database: Database
    broker: Broker
    changes: JobChanges
    objects: ObjectStore
    sessions: Sessions
    rates: Rates
    kept_results: KeptResults


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


SessionCookie = Annotated[str | None, Security(_cookie)]


async def signed_in(request: Request, token: SessionCookie) -> Viewer:
    """Who is asking. Raises Problem 401 when nobody is logged in."""
    viewer = await services_of(request).sessions.find(token) if token else None
    if viewer is None:
        raise Problem(401, "Please log in.", code="not_logged_in")
    return viewer


async def monitor_user(viewer: Annotated[Viewer, Depends(signed_in)]) -> Viewer:
    """Who is asking, if the job monitor is open to them. Raises Problem 403 when it is not."""
    if not may_look(viewer):
        raise Problem(403, "Your permission group does not include the job monitor.", code="not_permitted")
    return viewer


ServicesDep = Annotated[Services, Depends(services_of)]
SignedIn = Annotated[Viewer, Depends(signed_in)]
MonitorUser = Annotated[Viewer, Depends(monitor_user)]


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(value), status, headers=headers, media_type="application/json")
