"""For everybody: axe finds nothing in either theme, all goes by keyboard, motion can be had less."""

from typing import Literal

import pytest
from playwright.async_api import Page, expect

from support.accessibility import findings
from support.browser import ADMIN, DESKTOP, PASSWORD, PHONE, USER, HasAddress, OpenPage
from support.page_jobs import jobs_of_every_kind, lives, number_of, tell

ADMIN_ID = 2
Theme = Literal["light", "dark"]


class Stack(HasAddress):
    kafka_bootstrap: str


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing(open_page: OpenPage, stack: Stack, theme: Theme, size: tuple[int, int]) -> None:
    await tell(stack.kafka_bootstrap, lives(jobs_of_every_kind(ADMIN_ID)))
    login = await open_page(theme=theme, size=size)
    await expect(login.page.get_by_role("button", name="Log in")).to_be_visible()
    assert await findings(login.page) == []

    visit = await open_page(ADMIN, theme=theme, size=size)
    page = visit.page
    await visit.live()
    for state in ("queued", "running", "completed", "completed_with_errors", "failed"):
        await expect(page.locator(f"[data-job][data-state={state}]").first).to_be_visible()
    assert await findings(page) == [], "monitor"
    await page.locator("[data-job][data-state=failed] a.number").first.click()
    await expect(page.get_by_role("dialog").get_by_role("heading", name="What happened")).to_be_visible()
    assert await findings(page) == [], "details"
    await visit.go("/history")
    await expect(page.locator("[data-job]").first).to_be_visible()
    assert await findings(page) == [], "history"
    await visit.go("/start")
    await expect(page.locator(".preview strong")).to_be_visible()
    for summary in await page.locator("summary").all():
        await summary.click()
    await page.get_by_label("Later").check()
    assert await findings(page) == [], "start"
    await page.get_by_role("button", name="log out").click()
    assert await findings(page) == [], "menu"


async def test_axe_finds_nothing_while_the_connection_is_lost(open_page: OpenPage, stack: Stack) -> None:
    await tell(stack.kafka_bootstrap, lives(jobs_of_every_kind(ADMIN_ID)))
    visit = await open_page(ADMIN)
    await visit.live()
    visit.expect_complaints("net::ERR")
    await visit.page.route("**/api/v1/**", lambda route: route.abort("connectionrefused"))
    await visit.page.reload()
    await expect(visit.page.get_by_role("alert")).to_be_visible()
    assert await findings(visit.page) == []


async def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the element of this accessible name has the focus."""
    target = page.locator("a, button, input, select, summary").filter(has_text=name).or_(page.get_by_label(name)).first
    for _ in range(60):
        if await target.evaluate("element => element === document.activeElement"):
            outline = "element => getComputedStyle(element).outlineStyle"
            assert await target.evaluate(outline) != "none", f"the focus on {name} cannot be seen"
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"{name} cannot be reached by Tab")


async def test_everything_goes_by_keyboard_alone(open_page: OpenPage) -> None:
    visit = await open_page()
    page = visit.page
    await _tab_to(page, "E-mail")
    await page.keyboard.type(USER)
    await _tab_to(page, "Password")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await visit.live()
    await expect(page.get_by_role("heading", level=1)).to_be_focused()

    await _tab_to(page, "Start a job")
    await page.keyboard.press("Enter")
    await _tab_to(page, "Reference name")
    await page.keyboard.type("By keyboard")
    await page.keyboard.press("Enter")
    row = page.locator("tr[data-job]", has_text="By keyboard")
    await expect(row.get_by_role("link", name="Download")).to_be_visible()
    number = str(await row.get_attribute("data-job"))

    await _tab_to(page, number)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("By keyboard")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(row.locator("a.number")).to_be_focused()

    await page.keyboard.press("Tab")
    async with page.expect_download():
        await page.keyboard.press("Enter")
    await expect(row.get_by_role("link", name="Downloaded")).to_be_focused()
    # Backwards: forwards from the last row of the page leads out of the page.
    await page.keyboard.press("Shift+Tab")
    await expect(row.locator("a.number")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(row).to_have_count(0)
    has_focus = (
        "document.activeElement !== document.body && document.querySelector('main').contains(document.activeElement)"
    )
    assert await page.evaluate(has_focus), "the focus was lost with the row"


async def test_state_changes_are_spoken_and_ticks_are_not(open_page: OpenPage, stack: Stack) -> None:
    visit = await open_page(ADMIN)
    await visit.live()
    await visit.page.evaluate(
        """window.spoken = [];
        const listener = new MutationObserver((changes) => changes.forEach((change) =>
            change.addedNodes.forEach((node) => window.spoken.push(node.textContent))));
        listener.observe(document.querySelector("[role=log]"), {childList: true, subtree: true});"""
    )
    job = jobs_of_every_kind(ADMIN_ID)["running"]
    ticks = [job.progressed(done) for done in range(0, 12_000, 1_000)]
    await tell(stack.kafka_bootstrap, [job.queued(), job.started(), *ticks, job.completed()])
    number = await number_of(visit.page.context.request, visit.base_url, job.job_id)
    await expect(visit.page.locator(f"tr[data-job='{number}'] .tag")).to_have_text("Completed")
    spoken = [text for text in await visit.page.evaluate("window.spoken") if str(number) in text]
    assert spoken[-1] == f"Job {number}, User Data Export: completed. Its result is ready to download."
    assert len(spoken) <= 2, spoken


async def test_with_less_motion_nothing_moves(open_page: OpenPage, stack: Stack) -> None:
    await tell(stack.kafka_bootstrap, lives(jobs_of_every_kind(ADMIN_ID)))
    visit = await open_page(ADMIN, reduced_motion="reduce")
    await expect(visit.page.locator(".bar-done").first).to_be_attached()
    moving = """[...document.querySelectorAll("*")].filter((element) => {
        const style = getComputedStyle(element);
        return style.transitionDuration !== "0s" || style.animationName !== "none";
    }).length"""
    assert await visit.page.evaluate(moving) == 0


async def test_motion_is_shorter_than_a_fifth_of_a_second(open_page: OpenPage, stack: Stack) -> None:
    await tell(stack.kafka_bootstrap, lives(jobs_of_every_kind(ADMIN_ID)))
    visit = await open_page(ADMIN)
    await expect(visit.page.locator(".bar-done").first).to_be_attached()
    longest = """Math.max(...[...document.querySelectorAll("*")].map((element) =>
        parseFloat(getComputedStyle(element).transitionDuration)))"""
    assert 0 < await visit.page.evaluate(longest) < 0.2
