"""The addresses operators ask: what they answer when all is well, when something is away, and when a check breaks."""

import asyncio

import httpx2
import pytest
from prometheus_client import Counter

from jobmonitor.runtime import monitoring
from jobmonitor.runtime.monitoring import Check, serve_monitoring
from jobmonitor.runtime.settings import ProcessSettings

SEEN = Counter("test_monitoring_seen_total", "Counts for this test")


async def _get(port: int, path: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        return await client.get(path)


async def test_ready_only_when_every_check_is_ok() -> None:
    answers = {"database": Check(ok=True, detail="answers"), "kafka": Check(ok=True, detail="4 partitions")}

    async def checks() -> dict[str, Check]:
        return answers

    async with serve_monitoring(ProcessSettings(), checks) as port:
        ready = await _get(port, "/readyz")
        answers["kafka"] = Check(ok=False, detail="no broker")
        not_ready = await _get(port, "/readyz")

    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert not_ready.status_code == 503
    assert not_ready.json() == {
        "ready": False,
        "checks": {"database": {"ok": True, "detail": "answers"}, "kafka": {"ok": False, "detail": "no broker"}},
    }


async def test_a_check_that_raises_is_a_no_with_the_reason() -> None:
    async def checks() -> dict[str, Check]:
        raise ConnectionRefusedError("nobody listens")

    async with serve_monitoring(ProcessSettings(), checks) as port:
        answer = await _get(port, "/readyz")
        alive = await _get(port, "/healthz")

    assert answer.status_code == 503
    assert "nobody listens" in answer.json()["checks"]["checks"]["detail"]
    assert alive.status_code == 200


async def test_a_check_that_never_answers_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "CHECK_TIMEOUT_S", 0.05)

    async def checks() -> dict[str, Check]:
        await asyncio.Event().wait()
        return {}

    async with serve_monitoring(ProcessSettings(), checks) as port:
        answer = await _get(port, "/readyz")

    assert answer.status_code == 503
    assert "no answer" in answer.json()["checks"]["checks"]["detail"]


async def test_metrics_are_those_of_this_process_in_prometheus_text() -> None:
    SEEN.inc(3)

    async def checks() -> dict[str, Check]:
        return {}

    async with serve_monitoring(ProcessSettings(), checks) as port:
        answer = await _get(port, "/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert "test_monitoring_seen_total 3.0" in answer.text
    assert "process_resident_memory_bytes" in answer.text
