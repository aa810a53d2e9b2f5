"""A whole file that reached a client counts as downloaded, whatever program it is; one that did not reach it, not."""

import asyncio
import socket
import struct
import sys
import urllib.request
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
import pytest

from jobmonitor.gateway.http import connections
from support.gateway import USER, RunningGateway
from support.waiting import until

SMALL = b"Email\r\nada@example.org\r\n"
MIDDLE = bytes(range(256)) * 4 * 300
BIG = bytes(range(256)) * 4 * 8 * 1024
"""8 MiB: more than all buffers on the way hold."""
TIMES = 25
SETTLED_S = 1.5


@dataclass(frozen=True)
class Asked:
    """Where a client finds the file, and what opens it."""

    host: str
    port: int
    path: str
    cookie: str

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}{self.path}"


Download = Callable[[Asked], Coroutine[Any, Any, bytes]]


async def _run(*command: str) -> bytes:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    content, _ = await process.communicate()
    assert process.returncode == 0, command
    return content


async def _curl(asked: Asked) -> bytes:
    return await _run("curl", "--silent", "--fail", "--cookie", asked.cookie, asked.url)


async def _curl_1_0(asked: Asked) -> bytes:
    return await _run("curl", "--http1.0", "--silent", "--fail", "--cookie", asked.cookie, asked.url)


async def _wget(asked: Asked) -> bytes:
    return await _run("wget", "--quiet", "--output-document=-", f"--header=Cookie: {asked.cookie}", asked.url)


async def _urllib(asked: Asked) -> bytes:
    request = urllib.request.Request(asked.url, headers={"cookie": asked.cookie})  # noqa: S310 - our own address

    def read() -> bytes:
        with urllib.request.urlopen(request) as response:  # noqa: S310 - our own address
            content: bytes = response.read()
            return content

    return await asyncio.to_thread(read)


async def _aiohttp(asked: Asked) -> bytes:
    async with aiohttp.ClientSession(headers={"cookie": asked.cookie}) as session, session.get(asked.url) as response:
        return await response.read()


async def _ends_at_once(asked: Asked) -> bytes:
    """A program that ends after the last byte, without closing anything itself."""
    program = (
        "import http.client, os, sys; c = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2])); "
        "c.request('GET', sys.argv[3], headers={'cookie': sys.argv[4]}); "
        "sys.stdout.buffer.write(c.getresponse().read()); sys.stdout.flush(); os._exit(0)"
    )
    return await _run(sys.executable, "-c", program, asked.host, str(asked.port), asked.path, asked.cookie)


def _bare(*lines: str, half_closed: bool = False, piece_bytes: int = 1 << 20, pause_s: float = 0.0) -> Download:
    """A socket that sends these lines and reads to the end of the connection."""

    async def download(asked: Asked) -> bytes:
        reader, writer = await asyncio.open_connection(asked.host, asked.port, limit=1 << 16)
        head = "\r\n".join((lines[0].format(path=asked.path), *lines[1:], f"Cookie: {asked.cookie}", "", ""))
        writer.write(head.encode())
        received = await reader.readexactly(15)
        if half_closed:
            writer.write_eof()
        while piece := await reader.read(piece_bytes):
            received += piece
            await asyncio.sleep(pause_s)
        writer.close()
        return received.partition(b"\r\n\r\n")[2]

    return download


CLIENTS: dict[str, Download] = {
    "curl": _curl,
    "curl, HTTP/1.0": _curl_1_0,
    "wget": _wget,
    "urllib": _urllib,
    "aiohttp": _aiohttp,
    "a program that ends": _ends_at_once,
    "HTTP/1.0 to the end": _bare("GET {path} HTTP/1.0"),
    "Connection: close to the end": _bare("GET {path} HTTP/1.1", "Host: test", "Connection: close"),
    "closes its own direction on the way": _bare("GET {path} HTTP/1.0", half_closed=True),
    "slow": _bare("GET {path} HTTP/1.1", "Host: test", "Connection: close", piece_bytes=1 << 19, pause_s=0.01),
}


async def _asked(gateway: RunningGateway, job: dict[str, Any]) -> Asked:
    client = await gateway.logged_in(USER)
    host, port = gateway.url.removeprefix("http://").split(":")
    cookie = f"jobmonitor_session={client.cookies['jobmonitor_session']}"
    return Asked(host, int(port), f"/api/v1/jobs/{job['number']}/result", cookie)


async def _busy(stop: asyncio.Event) -> None:
    """Somebody else wants the machine as well."""
    program = "import time; end = time.monotonic() + 60\nwhile time.monotonic() < end: pass"
    others = [await asyncio.create_subprocess_exec(sys.executable, "-c", program) for _ in range(4)]
    await stop.wait()
    for other in others:
        other.kill()
        await other.wait()


@pytest.mark.parametrize("content", [SMALL, MIDDLE, BIG], ids=["small", "middle", "big"])
async def test_every_client_that_has_the_whole_file_counts(
    gateway: RunningGateway, content: bytes, subtests: pytest.Subtests
) -> None:
    for name, download in CLIENTS.items():
        with subtests.test(client=name):
            job = await gateway.put_result(content)

            assert await download(await _asked(gateway, job)) == content

            await until(partial(gateway.downloaded, job), within_s=10)


@pytest.mark.parametrize("client", ["urllib", "curl", "Connection: close to the end"])
async def test_on_a_busy_machine_all_downloads_count(gateway: RunningGateway, client: str) -> None:
    jobs = [await gateway.put_result(MIDDLE) for _ in range(TIMES)]
    first = await _asked(gateway, jobs[0])
    idle = asyncio.Event()
    load = asyncio.ensure_future(_busy(idle))
    try:
        for job in jobs:
            asked = Asked(first.host, first.port, f"/api/v1/jobs/{job['number']}/result", first.cookie)
            assert await CLIENTS[client](asked) == MIDDLE

        async def counted() -> bool:
            return all([await gateway.downloaded(job) for job in jobs])

        await until(counted)
    finally:
        idle.set()
        await load


async def test_ranges_fetched_by_closing_clients_add_up(gateway: RunningGateway) -> None:
    job = await gateway.put_result(MIDDLE)
    asked = await _asked(gateway, job)
    middle = len(MIDDLE) // 2

    async def part(span: str) -> bytes:
        download = _bare("GET {path} HTTP/1.1", "Host: test", "Connection: close", f"Range: bytes={span}")
        return await download(asked)

    assert await part(f"{middle}-") + await part(f"0-{middle - 1}") == MIDDLE[middle:] + MIDDLE[:middle]
    await until(lambda: gateway.downloaded(job))


def _connected(asked: Asked, buffer_bytes: int) -> socket.socket:
    """A client whose kernel takes no more than this at a time; it has sent its request."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    client.connect((asked.host, asked.port))
    head = f"GET {asked.path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nCookie: {asked.cookie}\r\n\r\n"
    client.sendall(head.encode())
    return client


def _reset(client: socket.socket) -> None:
    """As a program that gives up does."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("leave", [_reset, socket.socket.close], ids=["reset", "closed"])
async def test_who_leaves_before_the_last_byte_does_not_count(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, leave: Callable[[socket.socket], None]
) -> None:
    """The headers come on top of what is read, so that even the last of these leaves something unread."""
    monkeypatch.setattr(connections, "SETTLE_S", 30.0)
    jobs = {}
    for size_bytes in (0, 1, 100_000, len(MIDDLE)):
        jobs[size_bytes] = await gateway.put_result(MIDDLE)
        client = _connected(await _asked(gateway, jobs[size_bytes]), 1 << 20)
        await asyncio.to_thread(_receive, client, size_bytes)
        leave(client)

    await asyncio.sleep(SETTLED_S)
    assert [size_bytes for size_bytes, job in jobs.items() if await gateway.downloaded(job)] == []


def _receive(client: socket.socket, size_bytes: int) -> None:
    received = 0
    while received < size_bytes:
        received += len(client.recv(min(65536, size_bytes - received)))


async def test_asking_for_the_headers_only_does_not_count(gateway: RunningGateway) -> None:
    job = await gateway.put_result(MIDDLE)
    asked = await _asked(gateway, job)

    head = _bare("HEAD {path} HTTP/1.1", "Host: test", "Connection: close")
    assert await head(asked) == b""
    assert b"200" in await _run("curl", "--silent", "--head", "--cookie", asked.cookie, asked.url)

    await asyncio.sleep(SETTLED_S)
    assert not await gateway.downloaded(job)
