"""A tiny service outside of everything, as a mail server or a payment gateway would be: it counts what reached it.

    python -m support.outside PORT [FILE]

``POST /calls`` takes one call, a JSON object, and writes it to the file, one a line; ``GET /calls`` gives all of them.
A caller may put a name of its own before: ``POST /NAME/calls``.
Tests run it in their own process and stop and start it: while it is stopped, connections are refused.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any


class OutsideService:
    """``failing`` answers 503 to everything, and counts nothing. Calls are counted at once, answered when they may."""

    def __init__(self, port: int = 0, file: Path | None = None) -> None:
        self.calls: list[dict[str, Any]] = []
        self.failing = False
        self.failing_after: int | None = None
        """So many calls are taken, then it fails."""
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._port = port
        self._file = file
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Also while it is stopped, once it was started."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """From now on connections are refused."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, path, _ = head.split(" ", 2)
        status, answer = self._take(method, path, body)
        await self.may_answer.wait()
        content = json.dumps(answer).encode()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + content
        )
        await writer.drain()
        writer.close()

    def _take(self, method: str, path: str, body: bytes) -> tuple[str, Any]:
        if self.failing or (self.failing_after is not None and len(self.calls) >= self.failing_after):
            return "503 Service Unavailable", {}
        if method == "GET":
            return "200 OK", self.calls
        call = json.loads(body) | {"caller": path.removesuffix("/calls").removeprefix("/")}
        self.calls.append(call)
        if self._file is not None:
            with self._file.open("a") as out:
                out.write(json.dumps(call) + "\n")
        return "200 OK", {}


async def main(port: int, file: Path | None) -> None:
    """Run until the process is ended."""
    service = OutsideService(port, file)
    await service.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
