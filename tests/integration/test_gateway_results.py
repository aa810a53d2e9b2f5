"""Downloads: what is sent, and that a job leaves the monitor only when somebody has really received all of it."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import msgspec
import pytest

from jobmonitor.contract.events import ResultDownloaded
from jobmonitor.gateway.http import connections
from support.engine import read_events
from support.gateway import NOON, OTHER_USER, SUPER, USER, RunningGateway, key_of, result_of
from support.waiting import until

BIG = bytes(range(256)) * 4 * 8 * 1024
"""8 MiB: more than all buffers on the way hold."""
SMALL = b"Email\r\nada@example.org\r\nbob@example.org\r\n"
SETTLED_S = 1.5
"""Longer than the gateway doubts a download; then whatever it was going to record is recorded."""


async def _left_alone(gateway: RunningGateway, job: dict[str, Any]) -> bool:
    """Whether the job is still not downloaded once the gateway has made up its mind."""
    await asyncio.sleep(SETTLED_S)
    return not await gateway.downloaded(job)


class BareClient:
    """A connection that has sent its request, and reads from the kernel only what it is told to."""

    def __init__(self, gateway: RunningGateway, client: httpx2.AsyncClient, path: str) -> None:
        host, port = gateway.url.removeprefix("http://").split(":")
        self._socket = socket.create_connection((host, int(port)))
        cookie = client.cookies["jobmonitor_session"]
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: jobmonitor_session={cookie}\r\n\r\n".encode()
        )

    async def read(self, size_bytes: int) -> bytes:
        """So many bytes, the headers included."""
        received = b""
        while len(received) < size_bytes:
            received += await asyncio.to_thread(self._socket.recv, min(1 << 20, size_bytes - len(received)))
        return received

    async def read_headers(self) -> bytes:
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            received += await self.read(1)
        return received

    def close(self) -> None:
        """As an ending program does: the kernel resets the connection if something was left unread."""
        self._socket.close()


async def _bytes_sent(gateway: RunningGateway) -> float:
    text = (await gateway.visitor().get("/metrics")).text
    (line,) = [each for each in text.splitlines() if each.startswith("jobmonitor_gateway_result_bytes_total ")]
    return float(line.split()[1])


@pytest.mark.parametrize("content", [SMALL, BIG], ids=["small", "big"])
async def test_a_whole_download_is_the_file_and_counts(gateway: RunningGateway, broker: str, content: bytes) -> None:
    job = await gateway.put_result(content, number=30_000 + len(content) % 1000)
    client = await gateway.logged_in(USER)

    response = await client.get(f"/api/v1/jobs/{job['number']}/result")

    assert response.status_code == 200
    assert response.content == content
    name = f"J{job['number']}_user-data-export_20260115-1205.csv"
    assert response.headers["content-disposition"].startswith(f'attachment; filename="{name}"')
    assert response.headers["content-length"] == str(len(content))
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["etag"] == f'"{job["result"]["sha256"]}"'
    assert "no-store" in response.headers["cache-control"]
    assert response.headers["x-content-type-options"] == "nosniff"
    await until(lambda: gateway.downloaded(job))

    async def fact() -> Any:
        events = await read_events(broker, "jobs.user-data-export")
        return [each.data for each in events if each.job_id == job["job_id"]]

    (said,) = await until(fact)
    assert isinstance(said, ResultDownloaded)
    assert said.downloaded_by == USER


async def test_head_and_not_modified_never_count(gateway: RunningGateway) -> None:
    job = await gateway.put_result(SMALL)
    client = await gateway.logged_in(USER)
    path = f"/api/v1/jobs/{job['number']}/result"

    head = await client.head(path)
    unchanged = await client.get(path, headers={"if-none-match": head.headers["etag"]})

    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(SMALL)))
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert await _left_alone(gateway, job)


async def test_who_breaks_off_a_big_download_leaves_the_job_listed(gateway: RunningGateway) -> None:
    job = await gateway.put_result(BIG)
    client = await gateway.logged_in(USER)

    async with client.stream("GET", f"/api/v1/jobs/{job['number']}/result") as response:
        async for _ in response.aiter_bytes(100_000):
            break

    assert await _left_alone(gateway, job)


async def test_who_breaks_off_a_small_download_leaves_the_job_listed(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it lies in the client's own kernel by then; that it was not read shows in how the connection ends."""
    monkeypatch.setattr(connections, "SETTLE_S", 30.0)
    job = await gateway.put_result(b"x" * 50_000)
    client = await gateway.logged_in(USER)
    sent_before = await _bytes_sent(gateway)
    bare = BareClient(gateway, client, f"/api/v1/jobs/{job['number']}/result")
    await bare.read_headers()

    async def all_sent() -> bool:
        return await _bytes_sent(gateway) == sent_before + 50_000

    await until(all_sent)
    bare.close()

    assert await _left_alone(gateway, job)


async def test_who_reads_all_and_leaves_at_once_has_received_it(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As curl does; nobody has to wait for the doubts to settle."""
    monkeypatch.setattr(connections, "SETTLE_S", 30.0)
    job = await gateway.put_result(SMALL)
    client = await gateway.logged_in(USER)
    bare = BareClient(gateway, client, f"/api/v1/jobs/{job['number']}/result")

    await bare.read_headers()
    assert await bare.read(len(SMALL)) == SMALL
    bare.close()

    await until(lambda: gateway.downloaded(job), within_s=10)


@pytest.mark.parametrize("size_bytes", [1_500_000, len(BIG)], ids=["fits our buffers", "does not"])
async def test_who_stops_reading_has_not_received_it(gateway: RunningGateway, size_bytes: int) -> None:
    job = await gateway.put_result(BIG[:size_bytes])
    client = await gateway.logged_in(USER)
    bare = BareClient(gateway, client, f"/api/v1/jobs/{job['number']}/result")
    await bare.read_headers()
    await bare.read(1000)

    still_listed = await _left_alone(gateway, job)
    await bare.read(size_bytes - 1000)

    assert still_listed
    await until(lambda: gateway.downloaded(job))
    bare.close()


async def test_ranges_that_cover_the_file_count_in_any_order(gateway: RunningGateway) -> None:
    job = await gateway.put_result(BIG)
    client = await gateway.logged_in(USER)
    path, third = f"/api/v1/jobs/{job['number']}/result", len(BIG) // 3

    async def part(first: int, last: int) -> bytes:
        response = await client.get(path, headers={"range": f"bytes={first}-{last}"})
        assert response.status_code == 206
        assert response.headers["content-range"] == f"bytes {first}-{last}/{len(BIG)}"
        return response.content

    end = await part(2 * third, len(BIG) - 1)
    start = await part(0, third - 1)
    assert await _left_alone(gateway, job), "the middle is missing"
    middle = await part(third, 2 * third - 1)

    assert start + middle + end == BIG
    await until(lambda: gateway.downloaded(job))


async def test_a_gap_of_one_byte_is_a_gap(gateway: RunningGateway) -> None:
    job = await gateway.put_result(SMALL)
    client = await gateway.logged_in(USER)
    path = f"/api/v1/jobs/{job['number']}/result"

    await client.get(path, headers={"range": "bytes=0-9"})
    await client.get(path, headers={"range": "bytes=11-"})

    assert await _left_alone(gateway, job)


async def test_parts_of_two_viewers_do_not_make_a_whole(gateway: RunningGateway) -> None:
    job = await gateway.put_result(SMALL)
    path = f"/api/v1/jobs/{job['number']}/result"

    await (await gateway.logged_in(USER)).get(path, headers={"range": "bytes=0-9"})
    await (await gateway.logged_in(SUPER)).get(path, headers={"range": "bytes=10-"})

    assert await _left_alone(gateway, job)


async def test_a_broken_download_that_is_resumed_counts(gateway: RunningGateway) -> None:
    content = BIG * 3  # of which a good part is still on its way when the client breaks off
    job = await gateway.put_result(content)
    client = await gateway.logged_in(USER)
    path = f"/api/v1/jobs/{job['number']}/result"
    received = b""
    async with client.stream("GET", path) as response:
        async for piece in response.aiter_bytes(100_000):
            received += piece
            if len(received) > 2_000_000:
                break
    transfers = "SELECT 1 FROM gateway.transfers WHERE job_id = $1"
    await until(lambda: gateway.owner.fetchval(transfers, job["job_id"]))

    headers = {"range": f"bytes={len(received)}-", "if-range": f'"{job["result"]["sha256"]}"'}
    rest = await client.get(path, headers=headers)

    assert received + rest.content == content
    await until(lambda: gateway.downloaded(job))


async def test_what_was_on_its_way_to_a_client_that_left_was_not_received(gateway: RunningGateway) -> None:
    job = await gateway.put_result(BIG)
    client = await gateway.logged_in(USER)
    path = f"/api/v1/jobs/{job['number']}/result"
    sent_before = await _bytes_sent(gateway)
    bare = BareClient(gateway, client, path)
    await bare.read(1000)

    async def beyond_a_megabyte() -> bool:
        return await _bytes_sent(gateway) > sent_before + 1_000_000

    await until(beyond_a_megabyte)
    bare.close()

    await client.get(path, headers={"range": "bytes=1000000-"})

    assert await _left_alone(gateway, job)


RANGES: list[tuple[str, int, bytes | None]] = [
    ("bytes=0-0", 206, SMALL[:1]),
    ("bytes=-5", 206, SMALL[-5:]),
    ("bytes=5-", 206, SMALL[5:]),
    ("bytes=5-999999", 206, SMALL[5:]),
    ("bytes=-999999", 206, SMALL),
    ("bytes=9999-", 416, None),
    ("bytes=-0", 416, None),
    ("bytes=0-1,3-4", 200, SMALL),
    ("bytes=5-3", 200, SMALL),
    ("bytes=x", 200, SMALL),
    ("lines=1-2", 200, SMALL),
]


async def test_the_range_header(gateway: RunningGateway, subtests: pytest.Subtests) -> None:
    job = await gateway.put_result(SMALL)
    client = await gateway.logged_in(USER)
    for header, status, content in RANGES:
        with subtests.test(header=header):
            response = await client.get(f"/api/v1/jobs/{job['number']}/result", headers={"range": header})

            assert response.status_code == status
            if content is None:
                assert response.headers["content-range"] == f"bytes */{len(SMALL)}"
                assert response.headers["content-type"] == "application/problem+json"
            else:
                assert response.content == content


async def test_a_range_of_another_version_gets_the_whole_file(gateway: RunningGateway) -> None:
    job = await gateway.put_result(SMALL)
    client = await gateway.logged_in(USER)

    headers = {"range": "bytes=5-", "if-range": '"another"'}
    response = await client.get(f"/api/v1/jobs/{job['number']}/result", headers=headers)

    assert (response.status_code, response.content) == (200, SMALL)


async def test_a_super_admin_downloads_for_the_owner(gateway: RunningGateway) -> None:
    job = await gateway.put_result(SMALL, owner_id=USER)

    response = await (await gateway.logged_in(SUPER)).get(f"/api/v1/jobs/{job['number']}/result")

    assert response.content == SMALL
    await until(lambda: gateway.downloaded(job))


async def test_from_the_history_it_can_be_downloaded_again(gateway: RunningGateway) -> None:
    job = await gateway.put_result(SMALL, view="history", downloaded_at=NOON, downloaded_by=USER)
    client = await gateway.logged_in(USER)

    response = await client.get(f"/api/v1/jobs/{job['number']}/result")

    assert response.content == SMALL


@pytest.mark.parametrize(
    "columns",
    [{"expired_at": NOON}, {"expires": datetime.now(UTC) - timedelta(seconds=1)}],
    ids=["purged", "past its time"],
)
async def test_an_expired_result_is_gone(gateway: RunningGateway, columns: dict[str, Any]) -> None:
    expires = columns.pop("expires", datetime.now(UTC) + timedelta(days=1))
    result = msgspec.to_builtins(result_of(SMALL, expires_at=expires))
    job = await gateway.put_job("history", state="completed", completed_at=NOON, result=result, **columns)
    client = await gateway.logged_in(USER)

    response = await client.get(f"/api/v1/jobs/{job['number']}/result")
    item = (await client.get(f"/api/v1/jobs/{job['number']}")).json()

    assert response.status_code == 410
    assert item["result"]["expired"] is True


@pytest.mark.parametrize(("state", "status"), [("running", 409), ("scheduled", 409), ("cancelled", 404)])
async def test_where_there_is_no_result(gateway: RunningGateway, state: str, status: int) -> None:
    job = await gateway.put_job(state=state)
    client = await gateway.logged_in(USER)

    response = await client.get(f"/api/v1/jobs/{job['number']}/result")

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_failed_job_has_a_report_whose_download_counts(gateway: RunningGateway) -> None:
    job = await gateway.put_result(b"", number=31_000, reference="Spring", state="failed", result=None)
    await gateway.put_job(
        **{
            **job,
            "failure_code": "csv_required",
            "failure_reason": "An Excel file holds at most 65,535 rows.",
            "total": 70_000,
            "done": 2_000,
            "unit": "supporters",
            "started_at": NOON,
        }
    )
    client = await gateway.logged_in(USER)

    item = (await client.get("/api/v1/jobs/31000")).json()["result"]
    response = await client.get("/api/v1/jobs/31000/result")

    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert 'filename="J31000_user-data-export_20260115-1205.txt"' in response.headers["content-disposition"]
    assert len(response.content) == item["size_bytes"]
    for words in ("Job #31000", "User Data Export (Spring)", "at most 65,535 rows", "2026-01-15 12:05 EST", "2,000 of"):
        assert words in response.text
    await until(lambda: gateway.downloaded(job))


async def test_a_file_of_another_size_is_not_sent(gateway: RunningGateway) -> None:
    job = await gateway.put_result(SMALL)
    await gateway.objects.put(key_of(job), SMALL + b"more")
    client = await gateway.logged_in(USER)
    path = f"/api/v1/jobs/{job['number']}/result"

    longer = await client.get(path)
    await gateway.objects.delete([key_of(job)])
    missing = await client.get(path)

    assert (longer.status_code, missing.status_code) == (500, 500)
    assert "damaged or missing" in longer.json()["detail"]
    assert job["result"]["name"] not in longer.text
    assert await _left_alone(gateway, job)


async def test_a_file_with_an_altered_byte_breaks_off_before_its_end(gateway: RunningGateway) -> None:
    job = await gateway.put_result(BIG)
    await gateway.objects.put(key_of(job), BIG[:-1] + b"!")
    client = await gateway.logged_in(USER)

    with pytest.raises(httpx2.RemoteProtocolError):
        await client.get(f"/api/v1/jobs/{job['number']}/result")

    assert await _left_alone(gateway, job)


async def test_foreign_results_are_not_there(gateway: RunningGateway) -> None:
    job = await gateway.put_result(SMALL, owner_id=OTHER_USER, account_id=2)

    response = await (await gateway.logged_in(SUPER)).get(f"/api/v1/jobs/{job['number']}/result")

    assert response.status_code == 404
    assert b"ada" not in response.content
