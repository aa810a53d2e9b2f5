"""A real browser for the page's tests: every visit watches for what a user would not see but must not happen."""

import os
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, async_playwright, expect

DEBIAN_CHROMIUM = Path("/usr/bin/chromium")
PASSWORD = "jobmonitor-demo"
USER, ADMIN, SUPER_ADMIN = "user@demo.test", "admin@demo.test", "super@demo.test"
LONDON_USER = "user@other.test"

TIMEOUT_MS = 30_000
expect.set_options(timeout=TIMEOUT_MS)
PHONE = (360, 740)
DESKTOP = (1240, 860)

LOGGED_OUT = re.compile(r"status of 401 .*/api/v1/session$")
"""Asking who is logged in is answered so when nobody is; browsers note it in their console."""


class HasAddress(Protocol):
    """The running stack, as far as a browser needs to know it."""

    http_url: str


@dataclass
class Visit:
    """One browser window with its own cookies."""

    page: Page
    base_url: str
    complaints: list[str] = field(default_factory=list)
    """What the browser put into its console as an error, with its address, and uncaught exceptions."""
    expected: list[str] = field(default_factory=list)
    """Pieces of complaints that this test provokes."""

    def expect_complaints(self, *pieces: str) -> None:
        self.expected.extend(pieces)

    def unexpected(self) -> list[str]:
        return [
            complaint
            for complaint in self.complaints
            if not LOGGED_OUT.search(complaint) and not any(piece in complaint for piece in self.expected)
        ]

    async def go(self, path: str) -> None:
        await self.page.goto(self.base_url + path)

    async def live(self) -> None:
        """Wait until the page is current."""
        await self.page.locator(".live[data-state=live]").wait_for()

    def row(self, number: int) -> Locator:
        """The row or the card of this job."""
        return self.page.locator(f"[data-job='{number}']")

    def toast(self, text: str) -> Locator:
        return self.page.locator(".toast", has_text=text)

    async def steady(self) -> None:
        """Wait until no row has just moved: before, the list takes no click."""
        await expect(self.page.locator("[data-moved]")).to_have_count(0)

    async def leave_list(self) -> None:
        """Take the pointer off the list, whose rows keep their places under it."""
        await self.page.mouse.move(1, 1)

    async def second_tab(self) -> Page:
        """Another tab of the same browser, with the same login."""
        page = await self.page.context.new_page()
        await page.goto(self.base_url)
        return page

    async def rows(self) -> list[str]:
        """The Job#s of the list, from the top."""
        return [
            str(number)
            for number in await self.page.locator("[data-job]").evaluate_all("all => all.map(row => row.dataset.job)")
        ]


class OpenPage(Protocol):
    """Opens a window; with an e-mail address, logged in."""

    def __call__(
        self,
        email: str | None = None,
        path: str = "/",
        *,
        size: tuple[int, int] = DESKTOP,
        theme: Literal["light", "dark"] = "light",
        **context: Any,
    ) -> Awaitable[Visit]: ...


@asynccontextmanager
async def launched_browser() -> AsyncIterator[Browser]:
    """A Chromium; Debian's where there is one, else Playwright's own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=DEBIAN_CHROMIUM if DEBIAN_CHROMIUM.exists() else None,
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for the session."""
    async with launched_browser() as launched:
        yield launched


def _watch(visit: Visit) -> None:
    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.complaints.append(f"{message.text} {message.location.get('url', '')}")

    visit.page.on("console", on_console)
    visit.page.on("pageerror", lambda error: visit.complaints.append(f"uncaught: {error}"))


async def log_in(visit: Visit, email: str) -> None:
    """By the API, for tests that are not about the form."""
    answer = await visit.page.context.request.post(
        f"{visit.base_url}/api/v1/session", data={"email": email, "password": PASSWORD}
    )
    assert answer.ok, await answer.text()


@pytest.fixture
async def open_page(browser: Browser, stack: HasAddress) -> AsyncIterator[OpenPage]:
    """Windows of this test; at its end none may have complained of anything the test did not expect."""
    visits: list[Visit] = []

    async def open_one(
        email: str | None = None,
        path: str = "/",
        *,
        size: tuple[int, int] = DESKTOP,
        theme: Literal["light", "dark"] = "light",
        **context: Any,
    ) -> Visit:
        made = await browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme, timezone_id="Asia/Tokyo", **context
        )
        made.set_default_timeout(TIMEOUT_MS)
        visit = Visit(await made.new_page(), stack.http_url)
        _watch(visit)
        visits.append(visit)
        if email is not None:
            await log_in(visit, email)
        await visit.go(path)
        return visit

    yield open_one
    for visit in visits:
        await visit.page.context.close()
    unexpected = [complaint for visit in visits for complaint in visit.unexpected()]
    assert unexpected == [], unexpected
