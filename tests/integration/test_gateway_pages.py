"""The page and its assets, errors of any address, security headers, metrics."""

import asyncio
import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog

from jobmonitor.gateway.http import pages
from jobmonitor.job_types.user_data_export.job_type import UserDataExport
from support.gateway import USER, RunningGateway, running_gateway

REPOSITORY = Path(__file__).resolve().parents[2]
BUILT = pages.DIST


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page as the build leaves it, so that these tests need no build."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Job monitor</title>")
    (folder / "assets" / "main-ABC.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(pages, "DIST", folder)
    return folder


@pytest.fixture(scope="module")
def built() -> None:
    """The real page, built if it is not."""
    subprocess.run([sys.executable, REPOSITORY / "deploy" / "build_page.py"], check=True, capture_output=True)


async def _decoded(sent: bytes, coding: str) -> bytes:
    """By Node, as a browser would."""
    unpack = {"br": "brotliDecompressSync", "gzip": "gunzipSync"}[coding]
    script = f"process.stdout.write(require('zlib').{unpack}(require('fs').readFileSync(0)))"
    node = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("node"),
        "-e",
        script,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    whole, _ = await node.communicate(sent)
    assert node.returncode == 0
    return whole


PAGE_PATHS: list[str] = [
    "/",
    "/history",
    "/start",
    "/login",
    "/anything/else?job=5",
]


async def test_every_address_of_the_page_gives_the_page(
    dist: Path, gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    for path in PAGE_PATHS:
        with subtests.test(path=path):
            response = await gateway.visitor().get(path)

            assert response.status_code == 200
            assert "Job monitor" in response.text
            assert response.headers["cache-control"] == "no-cache"
            policy = response.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self'" in policy
            assert "worker-src 'self'" in policy
            assert "unsafe" not in policy


async def test_assets_may_be_kept_for_ever(dist: Path, gateway: RunningGateway) -> None:
    response = await gateway.visitor().get("/assets/main-ABC.js")
    head = await gateway.visitor().head("/assets/main-ABC.js")
    again = await gateway.visitor().get("/assets/main-ABC.js", headers={"if-none-match": response.headers["etag"]})

    assert response.text == "export {}"
    assert "javascript" in response.headers["content-type"]
    assert "immutable" in response.headers["cache-control"]
    assert head.status_code == 200
    assert (again.status_code, again.content) == (304, b"")
    assert "immutable" in again.headers["cache-control"]


async def _received(gateway: RunningGateway, path: str, accepted: str) -> tuple[httpx2.Response, bytes]:
    """The answer, and the bytes of its body as they came over the wire."""
    async with (
        httpx2.AsyncClient(base_url=gateway.url) as client,
        client.stream("GET", path, headers={"accept-encoding": accepted}) as response,
    ):
        return response, b"".join([part async for part in response.aiter_raw()])


async def test_the_built_page_comes_compressed_and_is_the_same_file(
    built: None, gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    assets = [f"/assets/{file.name}" for file in (BUILT / "assets").iterdir() if file.suffix in (".js", ".css")]
    for path in ["/", *(path for path in assets if (BUILT / path[1:]).stat().st_size > 1000)]:
        plain, whole = await _received(gateway, path, "identity")
        for coding in ("br", "gzip"):
            with subtests.test(path=path, coding=coding):
                response, sent = await _received(gateway, path, f"deflate, {coding}")

                assert response.headers["content-encoding"] == coding
                assert int(response.headers["content-length"]) == len(sent) < len(whole) * 0.8
                assert await _decoded(sent, coding) == whole
                assert "accept-encoding" in response.headers["vary"].lower()
                assert response.headers["etag"] != plain.headers["etag"]
                for header in ("content-type", "cache-control"):
                    assert response.headers[header] == plain.headers[header]
        assert "content-encoding" not in plain.headers
        assert whole == (BUILT / (path[1:] or "index.html")).read_bytes()
        assert "accept-encoding" in plain.headers["vary"].lower(), "a cache between must not hand it to everybody"


ACCEPTED: list[tuple[str, str | None]] = [
    ("gzip, deflate, br, zstd", "br"),
    ("gzip", "gzip"),
    ("br;q=0, gzip;q=0.5", "gzip"),
    ("*", "br"),
    ("*;q=0", None),
    ("br;q=nonsense", None),
    ("GZIP", "gzip"),
    ("deflate", None),
    ("", None),
]


async def test_a_form_is_sent_only_to_those_who_take_it(
    dist: Path, gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    for suffix in ("br", "gz"):
        (dist / "assets" / f"main-ABC.js.{suffix}").write_bytes(suffix.encode())
    for accepted, coding in ACCEPTED:
        with subtests.test(accepted=accepted):
            response, sent = await _received(gateway, "/assets/main-ABC.js", accepted)

            assert response.headers.get("content-encoding") == coding
            assert sent == {"br": b"br", "gzip": b"gz", None: b"export {}"}[coding]
    assert (await gateway.visitor().get("/assets/main-ABC.js.br")).status_code == 404, "a form is no file of the page"


async def test_each_form_has_a_tag_of_its_own_that_follows_the_content(dist: Path, gateway: RunningGateway) -> None:
    (dist / "index.html.gz").write_bytes(gzip.compress(b"<title>One</title>"))
    first, _ = await _received(gateway, "/", "gzip")
    tag = first.headers["etag"]
    client = gateway.visitor()

    async def asked_with(known: str, accepted: str) -> int:
        headers = {"if-none-match": known, "accept-encoding": accepted}
        return (await client.get("/", headers=headers)).status_code

    assert await asked_with(f'"other", W/{tag}', "gzip") == 304
    assert await asked_with(tag, "identity") == 200, "it is the tag of the compressed form"
    (dist / "index.html.gz").write_bytes(gzip.compress(b"<title>Two</title>"))
    assert await asked_with(tag, "gzip") == 200


MISSING_PATHS: list[str] = [
    "/assets/missing.js",
    "/assets/",
    "/assets/../../secret.txt",
    "/assets/%2e%2e/%2e%2e/secret.txt",
    "/assets/%00",
    "/secret.txt",
    "/favicon.ico",
    "/../secret.txt",
    "/api",
    "/api/v1/nothing",
    "/api/v2/jobs",
]


async def test_what_is_not_there_is_a_problem(dist: Path, gateway: RunningGateway, subtests: pytest.Subtests) -> None:
    for path in MISSING_PATHS:
        with subtests.test(path=path):
            target = httpx2.URL(gateway.url, raw_path=path.encode())

            response = await gateway.visitor().get(target)

            assert response.status_code == 404
            assert response.headers["content-type"] == "application/problem+json"
            assert "secret" not in response.text


async def test_a_page_that_was_not_built_says_so(gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    async with httpx2.AsyncClient(base_url=gateway.url) as client:
        ready = (await client.get("/readyz")).json()["checks"]["page"]

    assert ready["ok"] == (pages.DIST / "index.html").is_file()
    assert pages.Pages(Path("/nowhere")).check().ok is False


WRONG_METHODS: list[tuple[str, str, str]] = [
    ("PUT", "/api/v1/jobs", "GET, POST"),
    ("DELETE", "/api/v1/jobs/5", "GET"),
    ("GET", "/api/v1/jobs/5/stop", "POST"),
    ("POST", "/history", "GET, HEAD"),
    ("PATCH", "/healthz", "GET"),
]


async def test_a_wrong_method_is_a_problem_that_names_the_right_ones(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    for method, path, allowed in WRONG_METHODS:
        with subtests.test(method=method):
            response = await gateway.visitor().request(method, path)

            assert response.status_code == 405
            assert response.headers["content-type"] == "application/problem+json"
            assert set(response.headers["allow"].split(", ")) >= set(allowed.split(", "))


async def test_a_bug_shows_nothing_of_our_insides(database: Any, broker: str, tmp_path: Path) -> None:
    class Broken(UserDataExport):
        async def count(self, *_: Any) -> int:
            raise RuntimeError("SELECT secret FROM insides")

    async with running_gateway(database, broker, tmp_path, job_types=[Broken()]) as gateway:
        client = await gateway.logged_in(USER)
        with structlog.testing.capture_logs() as logged:
            response = await client.post("/api/v1/job-preview", json={"type": "user-data-export", "parameters": {}})
        after = await client.get("/api/v1/jobs")

    assert [entry["path"] for entry in logged if entry["event"] == "request_failed"] == ["/api/v1/job-preview"]
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "insides" not in response.text
    assert "RuntimeError" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    assert after.status_code == 200


async def test_every_answer_carries_the_security_headers(gateway: RunningGateway) -> None:
    for path in ("/", "/api/v1/jobs", "/api/v1/nothing", "/healthz", "/openapi.json"):
        headers = (await gateway.visitor().get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers


async def test_metrics_count_by_route_and_not_by_path(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    await client.get("/api/v1/jobs/424242")

    text = (await client.get("/metrics")).text

    assert 'route="/api/v1/jobs/{job}",status="404"' in text
    assert "424242" not in text
    assert "jobmonitor_gateway_request_seconds_bucket" in text
