"""Serves the built page: its assets for ever, and index.html at every address that is the page's own business.

Files are sent in the smallest encoding the browser accepts; ``services/page/build.mjs`` puts the compressed ones beside
each file. Starlette's StaticFiles knows no compressed files, and leaves the Content-Security-Policy out of its 304: the
browser would take over the one of the API.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from mimetypes import guess_type
from pathlib import Path

from fastapi.datastructures import Headers
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from jobmonitor.gateway.http.problems import Problem, not_found
from jobmonitor.runtime.monitoring import Check

DIST = Path(str(files("jobmonitor.gateway"))) / "page"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_PAGE_HEADERS = {"content-security-policy": CONTENT_SECURITY_POLICY, "cache-control": "no-cache"}
_ASSET_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cache-control": "public, max-age=31536000, immutable",
}
"""An asset's name carries its content's hash (``services/page/build.mjs``)."""

_FORMS: Mapping[str, str] = {"br": ".br", "gzip": ".gz"}
"""Content encodings and the endings of their files; the smallest first."""
_FILES_IN_MEMORY = 64


class Pages:
    """An ASGI application for all addresses the API does not have."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def check(self) -> Check:
        """Whether the page was built."""
        if (self._folder / "index.html").is_file():
            return Check(ok=True, detail="built")
        return Check(ok=False, detail=f"{self._folder} holds no index.html: build the page")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await self._file(scope["method"], scope["path"], Headers(scope=scope))(scope, receive, send)

    def _file(self, method: str, path: str, asked: Headers) -> Response:
        """Raises Problem: 404 no such file, 405 not a reading method, 503 the page was not built."""
        if path == "/api" or path.startswith("/api/"):
            raise not_found()
        if method not in ("GET", "HEAD"):
            raise Problem(405, "A page can only be read.", headers={"allow": "GET, HEAD"})
        if path.startswith("/assets/"):
            return _answer(self._asset(path), asked, _ASSET_HEADERS)
        if "." in path:
            raise not_found()
        if not self.check().ok:
            raise Problem(503, "The page was not built. Run `make` to build it.", code="no_page")
        return _answer(self._folder / "index.html", asked, _PAGE_HEADERS)

    def _asset(self, path: str) -> Path:
        if "\0" in path or path.endswith(tuple(_FORMS.values())):
            raise not_found()
        file = (self._folder / path.lstrip("/")).resolve()
        if not file.is_relative_to(self._folder) or not file.is_file():
            raise not_found()
        return file


def _answer(file: Path, asked: Headers, headers: Mapping[str, str]) -> Response:
    """The file in an encoding this browser accepts; 304 if the browser has it already."""
    coding, form = _form(file, asked.get("accept-encoding", ""))
    content, etag = _read(form, form.stat().st_mtime_ns)
    headers = {**headers, "etag": etag, "vary": "accept-encoding"}
    if _has(asked.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    if coding is not None:
        headers["content-encoding"] = coding
    return Response(content, headers=headers, media_type=guess_type(file.name)[0] or "application/octet-stream")


def _form(file: Path, accepted: str) -> tuple[str | None, Path]:
    """The content encoding, None for none, and its file."""
    weights = _weights(accepted)
    for coding, suffix in _FORMS.items():
        form = file.with_name(file.name + suffix)
        if weights.get(coding, weights.get("*", 0.0)) > 0 and form.is_file():
            return coding, form
    return None, file


def _weights(accepted: str) -> dict[str, float]:
    """The weight of each encoding in an ``Accept-Encoding``; 0 for those refused, and for what cannot be read."""
    weights = {}
    for each in accepted.lower().split(","):
        coding, _, weight = each.partition(";")
        name, _, value = weight.partition("=")
        try:
            weights[coding.strip()] = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    return weights


@lru_cache(_FILES_IN_MEMORY)
def _read(file: Path, _changed_ns: int) -> tuple[bytes, str]:
    """The content and its ETag: a hash of it, so that all gateways give the same."""
    content = file.read_bytes()
    return content, f'"{sha256(content).hexdigest()[:32]}"'


def _has(if_none_match: str, etag: str) -> bool:
    """Whether the browser has this content. Weak tags count: proxies weaken them when they compress."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return etag in known or "*" in known
