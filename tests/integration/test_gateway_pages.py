"""The page and its assets, errors of any address, security headers, metrics."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog

from jobmonitor.gateway import pages
from jobmonitor.job_types.user_data_export import UserDataExport
from support.gateway import USER, RunningGateway, running_gateway


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
            assert "unsafe" not in policy


async def test_assets_may_be_kept_for_ever(dist: Path, gateway: RunningGateway) -> None:
    response = await gateway.visitor().get("/assets/main-ABC.js")
    head = await gateway.visitor().head("/assets/main-ABC.js")
    again = await gateway.visitor().get("/assets/main-ABC.js", headers={"if-none-match": response.headers["etag"]})

    assert response.text == "export {}"
    assert "javascript" in response.headers["content-type"]
    assert "immutable" in response.headers["cache-control"]
    assert head.status_code == 200
    assert again.status_code in (200, 304)


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
