"""The HTTP address of the live stream (server-sent events)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from jobmonitor.gateway import metrics
from jobmonitor.gateway.access.dependencies import MonitorUser, ServicesDep
from jobmonitor.gateway.access.sessions import digest
from jobmonitor.gateway.http.cookies import SESSION_COOKIE
from jobmonitor.gateway.http.limits import HoldingResponse
from jobmonitor.gateway.http.openapi import answers
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.gateway.live.hub import Hub, frames_of
from jobmonitor.gateway.live.streams import Stream

KEEPALIVE_S = 15
SEND_TIMEOUT_S = 30.0
"""A page that takes nothing for so long is dropped; it connects again."""

router = APIRouter(prefix="/api/v1", tags=["jobs"])

_RESPONSES: dict[int | str, dict[str, Any]] = answers(
    200,
    None,
    "Events: `ready` once subscribed, `job` with a job as in the list, `reset` (load the list again), "
    "`ended` (the session is over); a comment every 15 s.",
    401,
    403,
    429,
    503,
)
_RESPONSES[200]["content"] = {"text/event-stream": {"schema": {"type": "string"}}}


def hub_of(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


HubDep = Annotated[Hub, Depends(hub_of)]


@router.get("/jobs/stream", responses=_RESPONSES, response_class=EventSourceResponse)
async def stream_jobs(request: Request, services: ServicesDep, hub: HubDep, viewer: MonitorUser) -> Response:
    """Changes of the jobs you may see, as they happen. Wait for `ready`, then load the list, then apply the events."""
    if hub.open_streams >= services.settings.streams_at_most:
        metrics.LIMITED.labels("streams").inc()
        raise Problem(503, "Too many pages are open here. Please try again later.", headers={"retry-after": "30"})
    stream = Stream(viewer, digest(request.cookies[SESSION_COOKIE]))
    response = EventSourceResponse(
        frames_of(hub, stream),
        ping=KEEPALIVE_S,
        ping_message_factory=lambda: ServerSentEvent(comment="keepalive", sep="\n"),
        send_timeout=SEND_TIMEOUT_S,
        sep="\n",
    )
    return HoldingResponse(services.rates.stream(viewer), response)
