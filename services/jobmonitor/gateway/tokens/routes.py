"""The HTTP addresses of tokens: make one, list them, revoke one. Log lines name a token by its id."""

import asyncpg
import structlog
from fastapi import APIRouter, Response

from jobmonitor.crm.tokens import TOKEN_PERMISSION, new_token, token_hash
from jobmonitor.crm.users import Viewer
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements
from jobmonitor.gateway import metrics
from jobmonitor.gateway.access.dependencies import ServicesDep, SignedIn, answer
from jobmonitor.gateway.access.policy import may_have_token, owner_seen
from jobmonitor.gateway.http.limits import too_many
from jobmonitor.gateway.http.openapi import answers
from jobmonitor.gateway.http.problems import Problem, not_found
from jobmonitor.gateway.tokens.models import ListedToken, MadeToken, TokenList, TokenUser

LISTED_AT_MOST = 500
RETRY_S = 3600.0
"""A day after the first of too many, another one may be made."""
ID_DIGITS_MAX = 18
TOKENS = "/api/v1/tokens"

SQL = statements("jobmonitor.gateway.tokens.sql")
router = APIRouter(prefix="/api/v1", tags=["tokens"])
log = structlog.stdlib.get_logger()


@router.post(
    "/tokens",
    status_code=201,
    responses=answers(201, MadeToken, "Made; nobody is shown it again", 401, 403, 409, 429, 503),
)
async def make_token(services: ServicesDep, viewer: SignedIn) -> Response:
    """Make a token of your own, for programs that ask in your name. There is one of a user at a time."""
    if not may_have_token(viewer):
        raise Problem(403, f"Tokens need the permission {TOKEN_PERMISSION!r}.", code="not_permitted")
    token = new_token()
    async with services.database.as_viewer(viewer) as connection:
        row = await SQL["insert_token"].fetchrow(
            connection,
            account_id=viewer.account_id,
            user_id=viewer.user_id,
            token_hash=token_hash(token),
            a_day=services.settings.tokens_per_day_per_user,
        )
        if row is None:
            raise await _why_not(connection, viewer)
    _told("token_made", row["id"], viewer)
    return answer(MadeToken(token=token, **row), 201, {"location": f"{TOKENS}/{row['id']}"})


@router.get("/tokens", responses=answers(200, TokenList, "Tokens, without the tokens themselves", 401, 503))
async def list_tokens(services: ServicesDep, viewer: SignedIn) -> Response:
    """Your tokens; for a Super Admin those of the account."""
    async with services.database.as_viewer(viewer) as connection:
        rows = await SQL["list_tokens"].fetch(connection, **_seen_by(viewer), limit=LISTED_AT_MOST)
    return answer(TokenList(items=[_listed(row) for row in rows]))


@router.delete("/tokens/{token}", status_code=204, responses=answers(204, None, "It is revoked", 401, 404, 503))
async def revoke_token(services: ServicesDep, viewer: SignedIn, token: str) -> Response:
    """Revoke a token, named by its id: nothing can be asked for with it any more. Repeatable.

    For its user, and Super Admins of the account. Jobs that were accepted go on.
    """
    if not (token.isascii() and token.isdecimal() and len(token) <= ID_DIGITS_MAX):
        raise not_found()
    wanted = {"token_id": int(token), **_seen_by(viewer)}
    async with services.database.as_viewer(viewer) as connection:
        user_id = await SQL["revoke_token"].fetchval(connection, **wanted)
        if user_id is None and not await SQL["token_exists"].fetchval(connection, **wanted):
            raise not_found()
    if user_id is not None:
        _told("token_revoked", int(token), viewer, user_id=user_id)
    return Response(status_code=204)


def _seen_by(viewer: Viewer) -> dict[str, int | None]:
    return {"account_id": viewer.account_id, "owner": owner_seen(viewer)}


async def _why_not(connection: Connection, viewer: Viewer) -> Problem:
    owner = {"account_id": viewer.account_id, "user_id": viewer.user_id}
    if (live := await SQL["live_token"].fetchval(connection, **owner)) is not None:
        return Problem(409, f"You have a token, number {live}. Revoke it to make another one.", code="token_exists")
    detail = "You made many tokens today. Please make the next one tomorrow."
    return too_many("tokens made per user", detail, code="too_many_tokens", retry_after_s=RETRY_S)


def _told(event: str, token_id: int, viewer: Viewer, **more: int) -> None:
    metrics.TOKENS.labels(event.removeprefix("token_")).inc()
    log.info(event, token_id=token_id, account_id=viewer.account_id, by=viewer.user_id, **more)


def _listed(row: asyncpg.Record) -> ListedToken:
    return ListedToken(
        id=row["id"],
        user=TokenUser(id=row["user_id"], name=row["user_name"]),
        kind=row["kind"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )
