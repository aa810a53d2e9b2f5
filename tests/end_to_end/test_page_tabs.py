"""Many tabs of one browser: all live over one stream, whichever of them goes, and none shows another login's jobs."""

import asyncio
from contextlib import suppress
from typing import Protocol

from playwright.async_api import BrowserContext, Page, Request, expect
from playwright.async_api import Error as PlaywrightError

from support.browser import LONDON_USER, USER, OpenPage, log_in
from support.page_jobs import start_export, start_small_export
from support.waiting import until

TABS = 10


class Stack(Protocol):
    http_url: str

    def kill(self, child: str) -> None: ...


class _Streams:
    """Which tab reads the stream, by the requests for it."""

    def __init__(self, context: BrowserContext) -> None:
        self.readers: list[Page] = []
        context.on("request", self._note)

    def _note(self, request: Request) -> None:
        if request.url.endswith("/api/v1/jobs/stream"):
            self.readers.append(request.frame.page)


async def _all_see(tabs: list[Page], number: int) -> None:
    await asyncio.gather(*(expect(tab.locator(f"[data-job='{number}']")).to_be_visible() for tab in tabs))


async def test_ten_tabs_are_live_over_one_stream_and_another_takes_over(open_page: OpenPage) -> None:
    visit = await open_page()
    api, context = visit.page.context.request, visit.page.context
    await log_in(visit, USER)
    streams = _Streams(context)
    tabs = [visit.page, *[await context.new_page() for _ in range(TABS - 1)]]
    for tab in tabs:
        await tab.goto(visit.base_url)
    for tab in tabs:
        await tab.locator(".live[data-state=live]").wait_for()
    assert len(streams.readers) == 1
    await _all_see(tabs, await start_small_export(api, visit.base_url, reference="Seen ten times"))

    leader = streams.readers[-1]
    tabs.remove(leader)
    await leader.close()
    while_nobody_reads = await start_small_export(api, visit.base_url, reference="After the close")
    await _all_see(tabs, while_nobody_reads)
    assert len(streams.readers) == 2

    crashed = streams.readers[-1]
    tabs.remove(crashed)
    asyncio.ensure_future(crashed.goto("chrome://crash")).add_done_callback(lambda done: done.exception())
    await crashed.wait_for_event("crash")
    await _all_see(tabs, await start_small_export(api, visit.base_url, reference="After the crash"))
    assert len(streams.readers) == 3


async def test_another_login_in_the_same_browser_shows_its_own_jobs_in_every_tab(open_page: OpenPage) -> None:
    visit = await open_page(USER)
    await visit.live()
    api = visit.page.context.request
    before = await start_small_export(api, visit.base_url, reference="Of the first login")
    await expect(visit.row(before)).to_be_visible()

    await log_in(visit, LONDON_USER)
    other = await visit.second_tab()
    await other.locator(".live[data-state=live]").wait_for()
    number = await start_export(api, visit.base_url, reference="Of the second login")
    for tab in (other, visit.page):
        await expect(tab.locator(".account")).to_have_text("Harbour Aid")
        await expect(tab.locator(f"[data-job='{number}']")).to_be_visible()
        await expect(tab.locator(f"[data-job='{before}']")).to_have_count(0)


async def test_who_logs_out_in_one_tab_is_logged_out_in_all(open_page: OpenPage) -> None:
    visit = await open_page(USER)
    await visit.live()
    other = await visit.second_tab()
    await other.locator(".live[data-state=live]").wait_for()
    await visit.page.get_by_role("button", name="log out").click()
    await visit.page.get_by_role("button", name="Log out", exact=True).click()
    for tab in (visit.page, other):
        await expect(tab.get_by_role("button", name="Log in")).to_be_visible()


async def test_a_reader_that_says_nothing_gives_way(open_page: OpenPage) -> None:
    """Browsers freeze tabs nobody sees: for the other tab a minute passes in which it hears nothing."""
    visit = await open_page()
    await log_in(visit, USER)
    streams = _Streams(visit.page.context)
    await visit.go("/")
    await visit.live()
    other = await visit.page.context.new_page()
    await other.clock.install()
    await other.goto(visit.base_url)
    await other.locator(".live[data-state=live]").wait_for()
    assert streams.readers == [visit.page]
    await other.clock.fast_forward(60_000)

    async def taken_over() -> bool:
        return streams.readers == [visit.page, other]

    await until(taken_over)
    await other.clock.resume()
    api = visit.page.context.request
    await _all_see([visit.page, other], await start_small_export(api, visit.base_url, reference="Read by the other"))


async def test_a_page_that_comes_back_asks_first_whose_it_is(open_page: OpenPage, stack: Stack) -> None:
    """While it was away, its browser has logged in as somebody else."""
    visit = await open_page(USER)
    await visit.live()
    visit.expect_complaints("net::ERR", "status of 50")
    await visit.page.route("**/api/v1/**", lambda route: route.abort("connectionrefused"))
    stack.kill("gateway")
    await expect(visit.page.locator("[data-connection=lost]")).to_be_visible()

    async def logged_in() -> bool:
        with suppress(PlaywrightError, AssertionError):  # the gateway is on its way up
            await log_in(visit, LONDON_USER)
            return True
        return False

    await until(logged_in)
    await visit.page.unroute("**/api/v1/**")
    await visit.page.get_by_role("button", name="Try now").click()
    await expect(visit.page.locator(".account")).to_have_text("Harbour Aid")
    await visit.live()


async def test_without_locks_each_tab_reads_the_stream_itself(open_page: OpenPage) -> None:
    """As without https."""
    visit = await open_page()
    await log_in(visit, USER)
    await visit.page.context.add_init_script("delete Navigator.prototype.locks")
    streams = _Streams(visit.page.context)
    await visit.go("/")
    tabs = [visit.page, await visit.second_tab()]
    for tab in tabs:
        await tab.locator(".live[data-state=live]").wait_for()
    assert streams.readers == tabs
    number = await start_small_export(visit.page.context.request, visit.base_url, reference="Without locks")
    await _all_see(tabs, number)
