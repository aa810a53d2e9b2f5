"""Log-ins and sessions.

A session is a token of 256 random bits in the browser's cookie; the database holds its SHA-256 only, so a stolen table
opens nothing. It ends after 12 hours without use (a setting), a week after the log-in, and at log-out.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta

import asyncpg
import structlog

from jobmonitor.crm.demo_login import PASSWORD
from jobmonitor.crm.users import Viewer, how_to_hash, load_viewer
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements
from jobmonitor.gateway import metrics
from jobmonitor.gateway.access.guesses import Guesses, PasswordChecks
from jobmonitor.gateway.access.models import Credentials
from jobmonitor.gateway.adapters.database import Database
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.gateway.settings import GatewaySettings

GREATEST_AGE = timedelta(days=7)

_SQL = statements("jobmonitor.gateway.access.sql")
_OUTCOMES = {401: "wrong", 403: "not_permitted", 429: "throttled"}

log = structlog.stdlib.get_logger()


def digest(token: str) -> bytes:
    """What the database stores of a token."""
    return hashlib.sha256(token.encode()).digest()


class Sessions:
    """Opens, finds and ends sessions."""

    def __init__(self, database: Database, settings: GatewaySettings, permissions: frozenset[str]) -> None:
        """``permissions`` are those there are."""
        self._database = database
        self._on_end: list[Callable[[bytes], None]] = []
        self._permissions = permissions
        self._idle = timedelta(hours=settings.session_idle_h)
        self._demo = settings.demo
        self._guesses = Guesses(settings.failed_logins, settings.failed_logins_per_address)
        self._checks = PasswordChecks(settings)

    async def log_in(self, credentials: Credentials, client: str) -> tuple[str, Viewer]:
        """A fresh token and its viewer. Raises Problem: 401 wrong, 403 not allowed to log in, 429 too many failures."""
        try:
            token, viewer = await self._log_in(credentials, client)
        except Problem as problem:
            outcome = _OUTCOMES.get(problem.status_code, "refused")
            metrics.LOGINS.labels(outcome).inc()
            log.warning("login_refused", outcome=outcome, client=client)
            raise
        metrics.LOGINS.labels("accepted").inc()
        log.info("logged_in", user_id=viewer.user_id, client=client)
        return token, viewer

    async def _log_in(self, credentials: Credentials, client: str) -> tuple[str, Viewer]:
        if credentials.password == PASSWORD and not self._demo:
            raise Problem(401, "The demo password does not work here.", code="demo_only")
        with self._checks.slot(client):
            address = credentials.email.casefold()
            guess = self._guesses.reserve(address, client, asyncio.get_running_loop().time())
            try:
                password_hash = await self._hash(credentials)
            except BaseException:
                self._guesses.give_back(guess)  # the guess was not answered
                raise
        return await self._open(address, client, password_hash)

    async def find(self, token: str) -> Viewer | None:
        """Who is logged in with this token, as they are now; None: nobody. Counts as use of the session."""
        async with self._database.connection() as connection:
            row = await _SQL["find_session"].fetchrow(
                connection, token_sha256=digest(token), idle=self._idle, greatest_age=GREATEST_AGE
            )
            return None if row is None else await self._viewer(connection, row)

    def when_ended(self, on_end: Callable[[bytes], None]) -> None:
        """Call this with the digest of each token whose session is ended here."""
        self._on_end.append(on_end)

    async def end(self, token: str) -> None:
        """Log out. Repeatable."""
        async with self._database.connection() as connection:
            await _SQL["end_session"].execute(connection, token_sha256=digest(token))
        for on_end in self._on_end:
            on_end(digest(token))

    async def _hash(self, credentials: Credentials) -> str | None:
        """For the database to compare, which never shows its own. It takes as long for unknown addresses."""
        async with self._database.connection() as connection:
            pattern = await how_to_hash(connection, credentials.email)
        return await self._checks.hash(credentials.password, pattern)

    async def _open(self, address: str, client: str, password_hash: str | None) -> tuple[str, Viewer]:
        token = secrets.token_urlsafe(32)
        async with self._database.connection() as connection:
            login = await _SQL["open_session"].fetchrow(
                connection, email=address, password_hash=password_hash, token_sha256=digest(token), idle=self._idle
            )
            if login is None:
                raise Problem(401, "The e-mail address or the password is wrong.", code="wrong_login")
            self._guesses.forgive(address, client)
            viewer = await self._viewer(connection, login) if login["opened"] else None
        if viewer is None:
            raise Problem(403, _why_not(active=login["active"]), code="may_not_log_in")
        return token, viewer

    async def _viewer(self, connection: Connection, row: asyncpg.Record) -> Viewer | None:
        return await load_viewer(connection, row["account_id"], row["user_id"], self._permissions)


def _why_not(*, active: bool) -> str:
    if not active:
        return "This user has been deactivated. Please ask your administrator."
    return "This user has no permission group yet. Please ask your administrator for one."
