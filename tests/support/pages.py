"""Somebody's open page: what its live stream brings."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from support.gateway import events_of
from support.waiting import until


class Page:
    """An open page that collects what it is told."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client
        self.events: list[tuple[str, Any]] = []
        self.ended = False

    @property
    def numbers(self) -> list[int]:
        return [data["number"] for name, data in self.events if name == "job"]

    def heard(self, name: str) -> bool:
        return any(event == name for event, _ in self.events)

    async def until_heard(self, name: str, *, within_s: float = 10) -> None:
        async def condition() -> bool:
            return self.heard(name)

        await until(condition, within_s=within_s)

    async def until_number(self, number: int) -> None:
        async def condition() -> bool:
            return number in self.numbers

        await until(condition, within_s=10)

    async def listen(self) -> None:
        with contextlib.suppress(httpx2.HTTPError):
            async for event in events_of(self.client):
                self.events.append(event)
        self.ended = True


@contextlib.asynccontextmanager
async def open_page(client: httpx2.AsyncClient) -> AsyncIterator[Page]:
    page = Page(client)
    task = asyncio.ensure_future(page.listen())
    try:
        await page.until_heard("ready")
        yield page
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
