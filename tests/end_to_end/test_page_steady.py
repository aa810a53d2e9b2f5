"""A click takes what it was meant for: rows that move do not put a neighbour's file under the pointer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from playwright.async_api import Locator, Page, expect

from support.browser import ADMIN, PHONE, USER, OpenPage, Visit
from support.page_jobs import start_small_export, wait_for_state
from support.waiting import until

CLICK_AFTERWARDS = """([selector, count, target]) => new Promise((clicked) => {
    const look = () => {
        if (document.querySelectorAll(selector).length !== count) return requestAnimationFrame(look);
        requestAnimationFrame(() => requestAnimationFrame(() => {
            const named = typeof target === "string";
            const element = named ? document.querySelector(target) : document.elementFromPoint(...target);
            element.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true, detail: 1}));
            clicked(element.closest("[data-job]")?.dataset.job);
        }));
    };
    look();
})"""
"""Clicks in the second frame in which a selector finds so many elements, which no click from outside could hit."""


class Stack(Protocol):
    http_url: str

    def kill(self, child: str) -> None: ...


async def _ready_jobs(visit: Visit, count: int) -> list[int]:
    """So many jobs whose results wait, the newest first, and on the page."""
    api = visit.page.context.request
    numbers = [await start_small_export(api, visit.base_url, reference=f"Steady {each}") for each in range(count)]
    for number in numbers:
        await wait_for_state(api, visit.base_url, number, "completed")
        await expect(visit.row(number)).to_contain_text("Download")
    return numbers[::-1]


async def _view(visit: Visit, number: int) -> str:
    answer = await visit.page.context.request.get(f"{visit.base_url}/api/v1/jobs/{number}")
    return str((await answer.json())["view"])


async def wait_for_view(visit: Visit, number: int, view: str) -> None:
    async def there() -> bool:
        return await _view(visit, number) == view

    await until(there)


async def _middle(control: Locator) -> tuple[float, float]:
    await control.scroll_into_view_if_needed()
    box = await control.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@asynccontextmanager
async def _hand_on_the_list(page: Page, at: tuple[float, float]) -> AsyncIterator[None]:
    """Moves the pointer a little, again and again, and leaves it where it was to be."""

    async def move() -> None:
        while True:
            await page.mouse.move(at[0] + 1, at[1])
            await page.mouse.move(*at)
            await asyncio.sleep(0.2)

    moving = asyncio.ensure_future(move())
    try:
        yield
    finally:
        moving.cancel()
        await asyncio.wait([moving])


def _downloads(visit: Visit) -> list[str]:
    names: list[str] = []
    visit.page.on("download", lambda download: names.append(download.suggested_filename))
    return names


async def _settled(visit: Visit) -> None:
    await visit.leave_list()
    await visit.steady()


async def test_a_second_click_in_the_same_place_takes_no_neighbours_file(open_page: OpenPage) -> None:
    visit = await open_page(USER)
    first, second, third = await _ready_jobs(visit, 3)
    names = _downloads(visit)
    await _settled(visit)
    at = await _middle(visit.row(first).locator("a.download"))
    await visit.page.mouse.click(*at)
    await expect(visit.toast(f"Job {first} is downloaded.")).to_be_visible()
    for _ in range(3):
        await visit.page.mouse.click(*at)
    await _settled(visit)
    await expect(visit.row(first)).to_have_count(0)
    await visit.steady()
    await visit.page.mouse.click(*await _middle(visit.row(third).locator("a.download")))
    await expect(visit.toast(f"Job {third} is downloaded.")).to_be_visible()
    assert [name.split("_")[0] for name in names] == [f"J{first}", f"J{third}"]
    assert await _view(visit, second) == "monitor"


async def test_rows_that_others_move_stay_under_a_hand_and_take_no_click_where_they_moved(open_page: OpenPage) -> None:
    visit = await open_page(USER)
    api, page = visit.page.context.request, visit.page
    first, second, third = await _ready_jobs(visit, 3)
    await _settled(visit)
    at = await _middle(visit.row(second).locator("a.download"))
    async with _hand_on_the_list(page, at):
        # Somebody else takes the file above, and starts a job that comes on top: under the hand nothing moves.
        await api.get(f"{visit.base_url}/api/v1/jobs/{first}/result")
        newest = await start_small_export(api, visit.base_url, reference="On top")
        await expect(page.locator(f"[data-job='{first}'][data-row='gone']")).to_be_visible()
        await expect(page.locator(".waiting-jobs")).to_have_text("1 new job")
        assert await _middle(visit.row(second).locator("a.download")) == at

    # The hand rests: the list moves on, and a click of just then takes nothing.
    hit = await page.evaluate(CLICK_AFTERWARDS, [f"[data-job='{first}']", 0, at])
    assert hit in (str(second), str(third), str(newest))
    await expect(visit.toast("The list has just moved")).to_be_visible()
    assert [await _view(visit, number) for number in (second, third)] == ["monitor", "monitor"]
    await expect(visit.row(newest)).to_be_visible()

    await _settled(visit)
    await page.mouse.click(*await _middle(visit.row(second).locator("a.download")))
    await expect(visit.toast(f"Job {second} is downloaded.")).to_be_visible()
    assert await _view(visit, third) == "monitor"


async def test_a_banner_that_pushes_the_rows_down_puts_no_file_under_the_pointer(
    open_page: OpenPage, stack: Stack
) -> None:
    visit = await open_page(USER)
    page = visit.page
    first, second = await _ready_jobs(visit, 2)
    await _settled(visit)
    visit.expect_complaints("net::ERR", "status of 50")
    await page.route("**/api/v1/**", lambda route: route.abort("connectionrefused"))
    stack.kill("gateway")
    await page.evaluate(CLICK_AFTERWARDS, ["[data-connection=lost]", 1, f"[data-job='{first}'] a.download"])
    await expect(visit.toast("The list has just moved")).to_be_visible()
    await page.unroute("**/api/v1/**")
    await visit.live()
    assert [await _view(visit, number) for number in (first, second)] == ["monitor", "monitor"]


async def test_a_second_tap_takes_no_neighbours_file(open_page: OpenPage) -> None:
    visit = await open_page(USER, size=PHONE, has_touch=True)
    first, second = await _ready_jobs(visit, 2)
    names = _downloads(visit)
    await visit.steady()
    at = await _middle(visit.row(first).locator("a.download"))
    await visit.page.touchscreen.tap(*at)
    await expect(visit.toast(f"Job {first} is downloaded.")).to_be_visible()
    for _ in range(3):
        await visit.page.touchscreen.tap(*at)
    await visit.page.get_by_role("heading", level=1).tap()
    await expect(visit.row(first)).to_have_count(0)
    assert await _view(visit, second) == "monitor"
    assert [name.split("_")[0] for name in names] == [f"J{first}"]


async def test_a_second_enter_takes_no_neighbours_file(open_page: OpenPage) -> None:
    visit = await open_page(ADMIN)
    first, second = await _ready_jobs(visit, 2)
    link = visit.row(first).locator("a.download")
    await link.focus()
    await visit.page.keyboard.press("Enter")
    await expect(visit.toast(f"Job {first} is downloaded.")).to_be_visible()
    await visit.page.keyboard.press("Enter")
    await expect(link).to_be_focused()
    await visit.page.keyboard.press("Tab")
    await expect(visit.row(first)).to_have_count(0)
    assert await _view(visit, second) == "monitor"


async def test_counts_stay_the_servers_through_a_burst_in_two_tabs(open_page: OpenPage) -> None:
    visit = await open_page(ADMIN)
    await visit.live()
    api = visit.page.context.request
    other = await visit.second_tab()
    watch = """window.counts = [];
        new MutationObserver(() => document.querySelectorAll(".chip-count").forEach(
            (chip) => window.counts.push(chip.textContent)
        )).observe(document.querySelector(".chips"), {subtree: true, childList: true, characterData: true});"""
    for tab in (visit.page, other):
        await tab.locator(".chip-count").first.wait_for()
        await tab.evaluate(watch)
    numbers = await asyncio.gather(*(start_small_export(api, visit.base_url) for _ in range(40)))
    for number in numbers:
        await wait_for_state(api, visit.base_url, number, "completed")

    async def receive(number: int) -> None:
        async def received() -> bool:  # not while this user receives as many as one may at once
            return (await api.get(f"{visit.base_url}/api/v1/jobs/{number}/result")).ok

        await until(received)

    await asyncio.gather(*(receive(number) for number in numbers[:20]))
    for number in numbers[:20]:
        await wait_for_view(visit, number, "history")
    answer = await api.get(f"{visit.base_url}/api/v1/jobs?view=monitor&limit=1")
    truth: dict[str, Any] = (await answer.json())["counts"]
    expected = [str(truth[chip]) for chip in ("all", "running", "scheduled", "ready")]
    for tab in (visit.page, other):
        await expect(tab.locator(".chip-count")).to_have_text(expected)
        seen = await tab.evaluate("window.counts")
        assert seen, "the counts never changed"
        assert not [text for text in seen if "-" in text or "−" in text]
