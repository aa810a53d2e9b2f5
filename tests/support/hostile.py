"""Clients that mean harm, or behave as if: each does one thing for as long as it may. Loopback only, and bounded."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

HOSTILE, GUESSING, CUSTOMER, ORDINARY = "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.2"
"""Linux takes all of 127.0.0.0/8 for this machine: so clients have addresses of their own."""


LARGE_FILE = b"email,first name\r\n" + b"".join(b"%d@large.test,Somebody\r\n" % number for number in range(400_000))


@dataclass
class Attack:
    """What the attackers were told: HTTP status, or ``cut``."""

    host: str
    port: int
    told: Counter[str] = field(default_factory=Counter)

    async def slow_heads(self, connections: int) -> None:
        """Half a request on each, which never becomes a whole one."""
        await self._many(connections, b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-Slow: y\r\n")

    async def slow_bodies(self, connections: int) -> None:
        head = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        await self._many(connections, head + b"Content-Length: 9999\r\n\r\n", b" ")

    async def idle(self, connections: int) -> None:
        """Connections that never say a thing."""
        await self._many(connections, b"", b"")

    async def large_heads(self, connections: int, size_bytes: int) -> None:
        """Headers without an end."""
        line = b"X-Large: " + b"x" * 1000 + b"\r\n"
        await self._many(connections, b"GET / HTTP/1.1\r\nHost: x\r\n", line, pause_s=0.0, at_most=size_bytes)

    async def guesses(self, at_once: int, emails: list[str]) -> None:
        """Wrong passwords, many at once, for as long as it may."""

        async def guess(client: httpx2.AsyncClient, number: int) -> None:
            while True:
                email = emails[number % len(emails)]
                answer = await client.post("/api/v1/session", json={"email": email, "password": f"guess {number}"})
                self.told[f"guess {answer.status_code}"] += 1
                if answer.status_code == 429:
                    await asyncio.sleep(0.2)

        async with self.client(GUESSING) as client:
            await asyncio.gather(*(guess(client, number) for number in range(at_once)), return_exceptions=True)

    async def customer(self, login: dict[str, str]) -> None:
        """Somebody who has an account: too many of everything at once, for as long as it may."""
        async with self.client(CUSTOMER) as client:
            (await client.post("/api/v1/session", json=login)).raise_for_status()
            deep = "/api/v1/jobs?view=history&limit=200&q=" + "x" * 150
            export = {"type": "user-data-export", "parameters": {"format": "hybrid"}}
            await asyncio.gather(
                *(self._streams(client) for _ in range(100)),
                *(self._asks(client, "GET", deep) for _ in range(20)),
                *(self._asks(client, "POST", "/api/v1/jobs", json=export) for _ in range(10)),
                *(self._asks(client, "POST", "/api/v1/job-preview", json=export) for _ in range(10)),
                *(self._asks(client, "POST", "/api/v1/uploads?name=a.csv", content=LARGE_FILE) for _ in range(5)),
                return_exceptions=True,
            )

    async def _asks(self, client: httpx2.AsyncClient, method: str, path: str, **body: Any) -> None:
        """The same again and again, without a pause unless it is told to wait."""
        while True:
            answer = await client.request(method, path, **body)
            self.told[f"{method} {path[:20]} {answer.status_code}"] += 1
            if answer.status_code in (429, 503):
                await asyncio.sleep(0.2)

    async def _streams(self, client: httpx2.AsyncClient) -> None:
        while True:
            async with client.stream("GET", "/api/v1/jobs/stream") as answer:
                self.told[f"stream {answer.status_code}"] += 1
                async for _ in answer.aiter_bytes():
                    pass
            await asyncio.sleep(0.2)

    @contextlib.asynccontextmanager
    async def client(self, address: str) -> AsyncIterator[httpx2.AsyncClient]:
        """A client that comes from this address."""
        transport = httpx2.AsyncHTTPTransport(
            local_address=address, limits=httpx2.Limits(max_connections=200, max_keepalive_connections=50)
        )
        base_url = f"http://{self.host}:{self.port}"
        async with httpx2.AsyncClient(base_url=base_url, transport=transport, timeout=30) as client:
            yield client

    async def _many(
        self, connections: int, first: bytes, more: bytes, *, pause_s: float = 0.3, at_most: int = 10_000
    ) -> None:
        tasks = [self._one(first, more, pause_s, at_most) for _ in range(connections)]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, first: bytes, more: bytes, pause_s: float, at_most: int) -> None:
        reader, writer = await asyncio.open_connection(self.host, self.port, local_addr=(HOSTILE, 0))
        answer = asyncio.ensure_future(reader.read(200))
        sent = 0
        try:
            writer.write(first)
            while not answer.done() and sent < at_most:
                writer.write(more)
                sent += len(more)
                await writer.drain()
                await asyncio.sleep(pause_s)
            words = await answer
            self.told[words[9:12].decode() or "cut"] += 1
        except OSError:
            self.told["cut"] += 1
        finally:
            answer.cancel()
            writer.close()
