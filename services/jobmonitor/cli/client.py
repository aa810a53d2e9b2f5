"""Talks to the gateway over HTTP, logged in, and turns what goes wrong into words."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import httpx2
import msgspec

from jobmonitor.cli.context import CommandContext
from jobmonitor.cli.errors import USAGE, CommandError
from jobmonitor.cli.session import SessionFile
from jobmonitor.crm.demo_login import EMAIL, PASSWORD
from jobmonitor.gateway.http.cookies import SESSION_COOKIE

TIMEOUT_S = 30.0
SESSION = "/api/v1/session"

Body = dict[str, Any]


class Unreachable(CommandError):
    """There was no answer, or the server is unavailable for now."""


class Client:
    """One gateway and one session. Use as a context manager."""

    def __init__(self, url: str, *, demo: bool, sessions: SessionFile) -> None:
        self.url = url
        self._demo = demo
        self._sessions = sessions
        cookie = sessions.load(url)
        self._http = _http_client(url, cookie)
        self._known = cookie is not None

    @classmethod
    def of(cls, context: CommandContext, url_option: str | None) -> Self:
        url, demo = context.http_url(url_option)
        return cls(url, demo=demo, sessions=SessionFile.of_user())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def log_in(self, email: str, password: str) -> Body:
        """Start a session and remember it. Returns the user and the account."""
        response = self._send("POST", SESSION, json={"email": email, "password": password})
        who = self._checked(response)
        self._sessions.save(self.url, response.cookies.get(SESSION_COOKIE))
        return who

    def log_out(self) -> None:
        """End the session here and there. Repeatable."""
        if self._known:
            self._send("DELETE", SESSION)
        self._sessions.save(self.url, None)

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Body:
        return self._checked(self.request("GET", path, params=params))

    def post(self, path: str, body: Body | None = None) -> Body:
        return self._checked(self.request("POST", path, json=body))

    def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send, logged in. Raises CommandError: no answer, or nobody is logged in."""
        self._ensure_session()
        return self._send(method, path, **options)

    @contextmanager
    def stream(self, method: str, path: str, **options: Any) -> Iterator[httpx2.Response]:
        """Like ``request``, the body still to be read. The library's errors pass through while it is read."""
        self._ensure_session()
        with self._http.stream(method, path, **options) as response:
            if response.is_error:
                response.read()
                raise refusal(response)
            yield response

    def _ensure_session(self) -> None:
        if self._known or not self._demo:
            return
        print(f"Not logged in: using the demo's {EMAIL}.", file=sys.stderr)
        self._checked(self._send("POST", SESSION, json={"email": EMAIL, "password": PASSWORD}))
        self._known = True

    def _send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        try:
            return self._http.request(method, path, **options)
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(f"{self.url} does not answer ({reason}). Is the stack running?") from error

    def _checked(self, response: httpx2.Response) -> Body:
        if response.is_error:
            raise refusal(response)
        return body_of(response)


def _http_client(url: str, cookie: str | None) -> httpx2.Client:
    cookies = {SESSION_COOKIE: cookie} if cookie else None
    try:
        is_local = httpx2.URL(url).host in ("127.0.0.1", "localhost", "::1")
        return httpx2.Client(base_url=url, timeout=TIMEOUT_S, cookies=cookies, trust_env=not is_local)
    except httpx2.InvalidURL as error:
        raise CommandError(f"{url!r} is no web address: {error}.", USAGE) from error


def body_of(response: httpx2.Response) -> Body:
    """The JSON object answered; empty where there is none. Raises CommandError: the answer is something else."""
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any]) if response.content else {}
    except msgspec.DecodeError as error:
        raise CommandError(
            f"{response.request.url} did not answer as a Job Monitor does. Is the address right?"
        ) from error


def refusal(response: httpx2.Response) -> CommandError:
    """What the server said, in one line: the problem's detail and each field at fault."""
    if response.status_code == httpx2.codes.UNAUTHORIZED and response.request.method != "POST":
        return CommandError(f"Not logged in at {response.request.url.host}. Use `jobmonitor login EMAIL`.")
    try:
        problem = body_of(response)
    except CommandError:
        problem = {}
    detail = problem.get("detail") or problem.get("title") or f"The server answered {response.status_code}."
    fields = [
        f"{entry.get('field') or entry.get('pointer')}: {entry.get('detail')}"
        for entry in problem.get("errors", [])
        if str(entry.get("detail")) not in detail
    ]
    kind = Unreachable if response.is_server_error else CommandError
    return kind(" ".join([detail, *fields]))
