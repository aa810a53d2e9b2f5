"""Serves the built page: its assets for ever, and index.html at every address that is the page's own business."""

from importlib.resources import files
from pathlib import Path

from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from jobmonitor.gateway.problems import Problem, not_found
from jobmonitor.runtime.monitoring import Check

DIST = Path(str(files("jobmonitor.gateway"))) / "web" / "dist"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
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
"""An asset's name carries its content's hash (``web/build.mjs``)."""


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
        await self._file(scope["method"], scope["path"])(scope, receive, send)

    def _file(self, method: str, path: str) -> FileResponse:
        """Raises Problem: 404 no such file, 405 not a reading method, 503 the page was not built."""
        if path == "/api" or path.startswith("/api/"):
            raise not_found()
        if method not in ("GET", "HEAD"):
            raise Problem(405, "A page can only be read.", headers={"allow": "GET, HEAD"})
        if path.startswith("/assets/"):
            return FileResponse(self._asset(path), headers=_ASSET_HEADERS)
        if "." in path:
            raise not_found()
        if not self.check().ok:
            raise Problem(503, "The page was not built. Run `make` to build it.", code="no_page")
        return FileResponse(self._folder / "index.html", headers=_PAGE_HEADERS)

    def _asset(self, path: str) -> Path:
        if "\0" in path:
            raise not_found()
        file = (self._folder / path.lstrip("/")).resolve()
        if not file.is_relative_to(self._folder) or not file.is_file():
            raise not_found()
        return file
