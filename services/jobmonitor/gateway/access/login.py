"""The HTTP addresses of the session: log in, who am I, log out."""

from fastapi import APIRouter, Request, Response

from jobmonitor.crm.demo_login import PASSWORD
from jobmonitor.crm.users import Viewer
from jobmonitor.gateway.access import models
from jobmonitor.gateway.access.dependencies import ServicesDep, SignedIn, answer
from jobmonitor.gateway.access.sessions import GREATEST_AGE
from jobmonitor.gateway.http.bodies import read_body
from jobmonitor.gateway.http.clients import client_key
from jobmonitor.gateway.http.cookies import SESSION_COOKIE
from jobmonitor.gateway.http.openapi import answers, body

router = APIRouter(prefix="/api/v1/session", tags=["session"])


def _session(viewer: Viewer) -> models.Session:
    return models.Session(
        user=models.User(
            id=viewer.user_id,
            email=viewer.email,
            name=viewer.name,
            user_type=viewer.user_type,
            permissions=sorted(viewer.permissions),
        ),
        account=models.Account(id=viewer.account_id, name=viewer.account_name, time_zone=viewer.display_tz),
    )


@router.post(
    "",
    responses=answers(200, models.Session, "Logged in; the cookie is set", 400, 401, 403, 408, 413, 415, 422, 429, 503),
    openapi_extra=body(models.Credentials, {"email": "user@demo.test", "password": PASSWORD}),
)
async def log_in(request: Request, services: ServicesDep) -> Response:
    """Log in. A session this browser had before ends."""
    credentials = await read_body(request, models.Credentials)
    client = client_key(request.client.host if request.client else "unknown")
    token, viewer = await services.sessions.log_in(credentials, client)
    await _end(request, services)
    response = answer(_session(viewer))
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(GREATEST_AGE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@router.get("", responses=answers(200, models.Session, "Who is logged in", 401, 503))
async def get_session(viewer: SignedIn) -> Response:
    """Who is logged in."""
    return answer(_session(viewer))


@router.delete("", status_code=204, responses=answers(204, None, "Logged out", 503))
async def log_out(request: Request, services: ServicesDep) -> Response:
    """Log out; open streams of this session end. Repeatable."""
    await _end(request, services)
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
    return response


async def _end(request: Request, services: ServicesDep) -> None:
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        await services.sessions.end(token)
