"""Log-ins and sessions.

A session is a token of 256 random bits in the browser's cookie; the database holds its SHA-256 only, so a stolen table
opens nothing. It ends after 12 hours without use (a setting), a week after the log-in, and at log-out.
"""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from datetime import timedelta

import structlog

from jobmonitor.crm.passwords import verify_password
from jobmonitor.crm.users import Login, Viewer, find_login, load_viewer
from jobmonitor.database.sql import statements
from jobmonitor.gateway import metrics
from jobmonitor.gateway.database import Database
from jobmonitor.gateway.models import Credentials
from jobmonitor.gateway.problems import Problem

GREATEST_AGE = timedelta(days=7)
DEMO_PASSWORD = "jobmonitor-demo"  # noqa: S105 - public: it opens nothing but the demo
FAILURES_ALLOWED = 10
FAILURE_WINDOW_S = 300.0
WATCHED_AT_MOST = 10_000
HASHES_AT_ONCE = 2

_SQL = statements("jobmonitor.gateway.sql")
_OUTCOMES = {401: "wrong", 403: "not_permitted", 429: "throttled"}

log = structlog.stdlib.get_logger()


def digest(token: str) -> bytes:
    """What the database knows of a token."""
    return hashlib.sha256(token.encode()).digest()


class FailedLogins:
    """Counts failed log-ins per e-mail address and client, in this process, to slow down guessing."""

    def __init__(self) -> None:
        self._times: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def wait_s(self, key: tuple[str, str], now_s: float) -> float:
        """How long until the next try is allowed; 0: it is."""
        times = [time for time in self._times.get(key, []) if time > now_s - FAILURE_WINDOW_S]
        return times[-FAILURES_ALLOWED] + FAILURE_WINDOW_S - now_s if len(times) >= FAILURES_ALLOWED else 0.0

    def note(self, key: tuple[str, str], now_s: float) -> None:
        """One more has failed. Beyond 10,000 pairs the longest untouched is forgotten."""
        self._times[key] = [*self._times.get(key, [])[-FAILURES_ALLOWED:], now_s]
        self._times.move_to_end(key)
        if len(self._times) > WATCHED_AT_MOST:
            self._times.popitem(last=False)

    def forget(self, key: tuple[str, str]) -> None:
        self._times.pop(key, None)


class Sessions:
    """Opens, finds and ends sessions."""

    def __init__(self, database: Database, *, idle: timedelta, demo: bool) -> None:
        self._database = database
        self._idle = idle
        self._demo = demo
        self._failures = FailedLogins()
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)

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
        key, now_s = (credentials.email.casefold(), client), asyncio.get_running_loop().time()
        self._refuse_guessing(key, now_s)
        if credentials.password == DEMO_PASSWORD and not self._demo:
            raise Problem(401, "The demo's password opens nothing here.", code="demo_only")
        login = await self._checked_login(credentials)
        if login is None:
            self._failures.note(key, now_s)
            raise Problem(401, "The e-mail address or the password is wrong.", code="wrong_login")
        self._failures.forget(key)
        return await self._open(login)

    async def find(self, token: str) -> Viewer | None:
        """Who is logged in with this token, as they are now; None: nobody. Counts as use of the session."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_SQL["find_session"], digest(token), self._idle)
            if row is None:
                return None
            if not row["fresh"]:
                await connection.execute(_SQL["extend_session"], digest(token), self._idle, GREATEST_AGE)
            return await load_viewer(connection, row["account_id"], row["user_id"])

    async def end(self, token: str) -> None:
        """Log out. Repeatable."""
        async with self._database.connection() as connection:
            await connection.execute(_SQL["delete_session"], digest(token))

    def _refuse_guessing(self, key: tuple[str, str], now_s: float) -> None:
        wait_s = self._failures.wait_s(key, now_s)
        if wait_s > 0:
            wait_min = max(1, round(wait_s / 60))
            raise Problem(
                429,
                f"Too many failed log-ins. Please try again in {wait_min} min, or ask your administrator.",
                code="too_many_failures",
                headers={"retry-after": str(int(wait_s) + 1)},
            )

    async def _checked_login(self, credentials: Credentials) -> Login | None:
        """The login if the password is right. Takes as long for an unknown address as for a known one."""
        async with self._database.connection() as connection:
            login = await find_login(connection, credentials.email)
        password_hash = None if login is None else login.password_hash
        async with self._hashing:
            matches = await asyncio.to_thread(verify_password, credentials.password, password_hash)
        return login if matches else None

    async def _open(self, login: Login) -> tuple[str, Viewer]:
        token = secrets.token_urlsafe(32)
        async with self._database.connection() as connection:
            viewer = await load_viewer(connection, login.account_id, login.user_id) if login.may_log_in else None
            if viewer is None:
                raise Problem(403, _why_not(login), code="may_not_log_in")
            values = (digest(token), viewer.account_id, viewer.user_id, self._idle)
            await connection.execute(_SQL["insert_session"], *values)
        return token, viewer


def _why_not(login: Login) -> str:
    if not login.active:
        return "This user has been deactivated. Please ask your administrator."
    return "This user has no permission group yet. Please ask your administrator for one."
