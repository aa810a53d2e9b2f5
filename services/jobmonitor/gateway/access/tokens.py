"""Who asks with a token, and the token's id in its place: behind here nobody has the token itself.

What is no live token of somebody who may use it, or one of somebody else than who asks, is refused in the same words
after the same look-up: nobody learns which of it is true.
"""

from typing import Annotated, Any, NamedTuple

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from jobmonitor.crm.tokens import Holder, find_holder
from jobmonitor.crm.users import Viewer, load_viewer
from jobmonitor.gateway import metrics
from jobmonitor.gateway.access.dependencies import Services, SessionCookie, services_of, signed_in
from jobmonitor.gateway.access.policy import may_have_token
from jobmonitor.gateway.http.bodies import invalid
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.job_types.parameters import FieldProblem
from jobmonitor.job_types.protocol import JobType
from jobmonitor.job_types.token_ids import TOKEN, TOKEN_ID, takes_token

_bearer = HTTPBearer(scheme_name="token", description="A private token; for jobs that take one.", auto_error=False)

log = structlog.stdlib.get_logger()


class Asker(NamedTuple):
    """Who asks for a job."""

    viewer: Viewer
    token_id: int | None
    """Of the token they ask with; None where they are logged in."""


async def asker(
    request: Request,
    cookie: SessionCookie,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Asker:
    """Whoever has the token in the header ``Authorization``; without one, who is logged in. Raises Problem 401."""
    if bearer is None:
        return Asker(await signed_in(request, cookie), None)
    return await asker_with(services_of(request), bearer.credentials)


AskerDep = Annotated[Asker, Depends(asker)]


async def asker_with(services: Services, token: str) -> Asker:
    """The user of a token. Raises Problem 401."""
    async with services.database.connection() as connection:
        holder = await find_holder(connection, token)
        if holder is None:
            raise _refused()
        viewer = await load_viewer(connection, holder.account_id, holder.user_id, services.permissions)
    if viewer is None or not may_have_token(viewer):
        raise _refused()
    _note_use(holder)
    return Asker(viewer, holder.token_id)


async def with_token_id(services: Services, asking: Asker, slug: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a job of this type with the id of the token it is asked for with, and without the token.

    Raises Problem: 401 not a token of who asks, 403 jobs of this type are not asked for with one, 422 no text.
    """
    job_type = services.job_types.get(slug)
    if job_type is None or not takes_token(job_type.params_type):
        _refuse_use(asking, job_type)
        return parameters
    rest = {name: value for name, value in parameters.items() if name != TOKEN}
    if TOKEN in parameters:
        return rest | {TOKEN_ID: await _own_token(services, asking.viewer, parameters[TOKEN])}
    return rest if asking.token_id is None else rest | {TOKEN_ID: asking.token_id}


async def _own_token(services: Services, viewer: Viewer, token: object) -> int:
    """Raises Problem."""
    if not isinstance(token, str):
        raise invalid([FieldProblem(TOKEN, "A token is a text.")], under="parameters")
    async with services.database.connection() as connection:
        holder = await find_holder(connection, token)
    if holder is None or holder[:2] != (viewer.account_id, viewer.user_id) or not may_have_token(viewer):
        raise _refused(by=viewer.user_id)
    _note_use(holder)
    return holder.token_id


def _refuse_use(asking: Asker, job_type: JobType[Any] | None) -> None:
    """Raises Problem 403: a token opens what takes one, and nothing else."""
    if asking.token_id is not None and job_type is not None:
        raise Problem(403, f"Jobs of the type {job_type.title} are not started with a token.", code="token_not_taken")


def _refused(**who: int) -> Problem:
    metrics.TOKENS.labels("refused").inc()
    log.warning("token_refused", **who)
    return Problem(
        401,
        "This token cannot be used: it is unknown or revoked, or not yours, or its user may not use it any more.",
        code="bad_token",
        headers={"www-authenticate": 'Bearer error="invalid_token"'},
    )


def _note_use(holder: Holder) -> None:
    metrics.TOKENS.labels("used").inc()
    log.info("token_used", **holder._asdict())
