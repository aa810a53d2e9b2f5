"""Downloads as the page follows them: how far they are, what went wrong, that they go on, and that they end."""

import json
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Locator, expect

from support.browser import USER, HasAddress, OpenPage, Visit, log_in
from support.cutting_proxy import CuttingProxy, cutting_proxy
from support.page_jobs import start_export, start_small_export, wait_for_state


@pytest.fixture
async def proxy(stack: HasAddress) -> AsyncIterator[CuttingProxy]:
    async with cutting_proxy(stack.http_url) as running:
        yield running


async def _visit(open_page: OpenPage, proxy: CuttingProxy) -> Visit:
    """A logged-in page that reaches the gateway through the proxy."""
    visit = await open_page()
    visit.expect_complaints("net::ERR", "status of 40", "status of 41", "status of 50")
    visit.base_url = proxy.http_url
    await log_in(visit, USER)
    await visit.go("/")
    await visit.live()
    return visit


async def _ready(visit: Visit, *, small: bool = True) -> tuple[int, Locator]:
    """A job whose result waits, and its link."""
    api = visit.page.context.request
    start = start_small_export if small else start_export
    number = await start(api, visit.base_url, reference="To download")
    await wait_for_state(api, visit.base_url, number, "completed")
    link = visit.row(number).locator("a.download")
    await expect(link).to_contain_text("Download")
    await visit.leave_list()
    await visit.steady()
    return number, link


async def test_a_download_that_breaks_off_goes_on_by_itself(open_page: OpenPage, proxy: CuttingProxy) -> None:
    visit = await _visit(open_page, proxy)
    number, link = await _ready(visit, small=False)
    whole = await (
        await visit.page.context.request.get(
            f"{proxy.upstream}/api/v1/jobs/{number}/result", headers={"range": "bytes=0-"}
        )
    ).body()
    number, link = await _ready(visit, small=False)
    proxy.cut_after_bytes = 100_000
    async with visit.page.expect_download() as downloading:
        await link.click()
        await expect(link).to_contain_text("Trying again")
        await expect(link).to_contain_text("% of")
        proxy.cut_after_bytes = None
    download = await downloading.value
    assert download.suggested_filename.startswith(f"J{number}_user-data-export_")
    assert len((await download.path()).read_bytes()) == len(whole)
    await expect(visit.toast(f"Job {number} is downloaded.")).to_be_visible()
    await visit.leave_list()
    await expect(visit.row(number)).to_have_count(0)
    assert len(proxy.asked) >= 2


async def test_one_that_does_not_get_on_says_so_and_can_be_tried_again(
    open_page: OpenPage, proxy: CuttingProxy
) -> None:
    visit = await _visit(open_page, proxy)
    number, link = await _ready(visit)
    proxy.cut_after_bytes = 200
    await link.click()
    await expect(link).to_contain_text("Try again", timeout=60_000)
    await expect(visit.toast(f"Job {number} is not downloaded.")).to_contain_text("The connection was lost.")
    proxy.cut_after_bytes = None
    async with visit.page.expect_download():
        await link.click()
    await expect(visit.toast(f"Job {number} is downloaded.")).to_be_visible()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "There never was such a thing."),
        (410, "has been removed"),
        (500, "The stored result is damaged."),
    ],
)
async def test_a_refusal_has_words_of_its_own(
    open_page: OpenPage, proxy: CuttingProxy, status: int, words: str
) -> None:
    visit = await _visit(open_page, proxy)
    number, link = await _ready(visit)
    details = {404: "There never was such a thing.", 500: "The stored result is damaged."}
    proxy.refuse_with = (status, json.dumps({"detail": details.get(status)}).encode())
    await link.click()
    await expect(visit.toast(f"Job {number} is not downloaded.")).to_contain_text(words)
    await expect(link).to_contain_text("Try again")
    assert len(proxy.asked) == 1, "asking again would not help"


async def test_a_server_that_is_busy_is_asked_again(open_page: OpenPage, proxy: CuttingProxy) -> None:
    visit = await _visit(open_page, proxy)
    number, link = await _ready(visit)
    proxy.refuse_with = (503, b"{}")
    async with visit.page.expect_download():
        await link.click()
        await expect(link).to_contain_text("Trying again")
        proxy.refuse_with = None
    await expect(visit.toast(f"Job {number} is downloaded.")).to_be_visible()


async def test_a_session_that_ended_is_said_and_nothing_of_the_download_is_left(
    open_page: OpenPage, proxy: CuttingProxy
) -> None:
    visit = await _visit(open_page, proxy)
    number, link = await _ready(visit)
    await visit.page.context.clear_cookies()
    await link.click()
    await expect(visit.page.get_by_role("button", name="Log in")).to_be_visible()
    await expect(visit.toast(f"Job {number} is not downloaded.")).to_contain_text("Your session has ended")
    await log_in(visit, USER)
    await visit.page.reload()
    await visit.live()
    await expect(link).to_contain_text("Download")
    async with visit.page.expect_download():
        await visit.steady()
        await link.click()
    await expect(visit.toast(f"Job {number} is downloaded.")).to_be_visible()


async def test_where_the_browser_keeps_no_files_it_downloads_by_its_own_means(open_page: OpenPage) -> None:
    visit = await open_page()
    await visit.page.add_init_script("delete StorageManager.prototype.getDirectory")
    await log_in(visit, USER)
    await visit.go("/")
    await visit.live()
    number, link = await _ready(visit)
    async with visit.page.expect_download():
        await link.click()
    await expect(visit.toast(f"Job {number} is downloaded.")).to_be_visible()
    await visit.leave_list()
    await expect(visit.row(number)).to_have_count(0)
