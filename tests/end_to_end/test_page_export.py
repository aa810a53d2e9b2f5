"""An export from the form to the file, as a user does it; and what the form says when it cannot be done."""

import asyncio
import csv
import io
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from support.browser import ADMIN, SUPER_ADMIN, USER, OpenPage
from support.page_jobs import start_export

BURST = 12

WATCH_ROWS = """
window.seen = [];
new MutationObserver(() => {
  for (const row of document.querySelectorAll("tr[data-job]")) {
    const bar = row.querySelector("[role=progressbar]");
    const columns = [...row.cells].map((cell) => Math.round(cell.getBoundingClientRect().width));
    const height = Math.round(row.getBoundingClientRect().height);
    const percent = bar ? Number(bar.ariaValueNow) : null;
    window.seen.push({job: row.dataset.job, percent, height, columns: columns.join()});
  }
}).observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
"""


async def _start(page: Page, reference: str) -> None:
    await page.get_by_role("textbox", name="Reference name").fill(reference)
    await page.get_by_role("button", name="Start export").click()


async def _counted(page: Page) -> int:
    """What the preview says, once it says it."""
    text = await page.locator(".preview strong").inner_text()
    return int(text.split()[0].replace(",", ""))


async def test_an_export_goes_from_the_form_to_the_file_and_into_the_history(
    open_page: OpenPage, tmp_path: Path
) -> None:
    visit = await open_page(USER, "/start")
    page = visit.page
    supporters = await _counted(page)
    assert supporters >= 5_000
    await page.evaluate(WATCH_ROWS)
    await _start(page, "Whole flow")

    row = page.locator("tr[data-job]", has_text="Whole flow")
    await expect(row).to_contain_text("Completed")
    await expect(row.locator(".tag")).to_have_text("Completed")
    number = str(await row.get_attribute("data-job"))
    seen: list[dict[str, Any]] = [each for each in await page.evaluate("window.seen") if each["job"] == number]
    percents = [each["percent"] for each in seen if each["percent"] is not None]
    assert percents == sorted(percents)
    assert len(set(percents)) > 2, f"the bar did not move: {sorted(set(percents))}"
    assert max(percents) < 100
    assert {each["height"] for each in seen} <= set(range(56, 66)), "a row is 56-64 px high, whatever it holds"
    assert len({each["columns"] for each in seen}) == 1, "the columns moved"

    await visit.steady()
    async with page.expect_download() as downloading:
        await row.get_by_role("link", name="Download").click()
    download = await downloading.value
    assert download.suggested_filename.startswith(f"J{number}_user-data-export_")
    target = tmp_path / "export.csv"
    await download.save_as(target)
    lines = list(csv.reader(io.StringIO(target.read_text(encoding="utf-8-sig"), newline="")))
    assert len(lines) == supporters + 1

    await visit.leave_list()
    await expect(row).to_have_count(0)
    toast = page.locator(".toast", has_text=f"Job {number} is downloaded.")
    await toast.get_by_role("link", name="In History").click()
    old = page.locator(f"tr[data-job='{number}']")
    await expect(old).to_contain_text("Until")
    async with page.expect_download() as again:
        await old.get_by_role("link", name="Download").click()
    assert (await (await again.value).path()).read_bytes() == target.read_bytes()


async def test_the_preview_follows_the_filters_and_the_file_holds_as_many(open_page: OpenPage, tmp_path: Path) -> None:
    visit = await open_page(USER, "/start")
    page = visit.page
    everybody = await _counted(page)
    offered = page.locator("[data-place='query.profiles']")
    await offered.locator("summary").click()
    await offered.get_by_role("checkbox").first.check()
    strong = page.locator(".preview strong")
    await expect(strong).not_to_have_text(f"{everybody:,} supporters")
    chosen = await _counted(page)
    assert 0 < chosen < everybody
    await page.get_by_label("Excel").check()
    await page.get_by_label("Export group").select_option(index=1)
    await expect(strong).to_be_visible()
    await _start(page, "Filtered")
    row = page.locator("tr[data-job]", has_text="Filtered")
    await expect(row).to_contain_text("XLSX")
    await row.get_by_role("link", name="details").click()
    await expect(page.get_by_role("dialog")).to_contain_text(f"{chosen:,} supporters")
    await expect(page.get_by_role("dialog").get_by_role("list")).to_contain_text("Submitted")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_what_cannot_be_exported_is_said_at_its_field(open_page: OpenPage) -> None:
    visit = await open_page(USER, "/start")
    page = visit.page
    visit.expect_complaints("422")
    await _counted(page)
    await page.get_by_label("Hybrid").check()
    await page.get_by_role("button", name="Start export").click()
    place = page.locator("[data-place=hybrid_pages]")
    await expect(place).to_contain_text("Choose at least one page or question")
    await expect(place.locator("summary")).to_be_focused()
    await place.locator("summary").click()
    await place.get_by_role("checkbox").first.check()
    await expect(page.locator(".preview strong")).to_be_visible()

    await page.get_by_label("Later").check()
    await page.get_by_label("Day and time").fill("2020-01-01T09:00")
    await page.get_by_role("button", name="Start export").click()
    await expect(page.locator("[data-place=run_at]")).to_contain_text("past")
    await expect(page.get_by_label("Day and time")).to_be_focused()
    await expect(page.get_by_label("Hybrid")).to_be_checked()


async def test_an_export_for_later_waits_in_the_monitor_with_its_planned_time(open_page: OpenPage) -> None:
    visit = await open_page(ADMIN, "/start")
    page = visit.page
    await page.get_by_label("Later").check()
    await _start(page, "For later")
    row = page.locator("tr[data-job]", has_text="For later")
    await expect(row).to_contain_text("Starts in")
    await expect(row).to_contain_text("0 %")
    await expect(row.get_by_role("button", name="Cancel")).to_have_count(0)
    await page.get_by_role("button", name="Scheduled").click()
    await expect(row).to_be_visible()
    await page.get_by_role("button", name="Ready to download").click()
    await expect(row).to_have_count(0)


async def test_a_super_admin_sees_whose_job_it_is_and_downloads_for_them(open_page: OpenPage) -> None:
    owner = await open_page(USER, "/start")
    await _counted(owner.page)
    await _start(owner.page, "For my boss")
    visit = await open_page(SUPER_ADMIN)
    headings = ["Type", "Job#", "Job Name", "User", "Started", "Completed", "Results", "Stop Job"]
    await expect(visit.page.locator("th")).to_have_text(headings)
    row = visit.page.locator("tr[data-job]", has_text="For my boss")
    await expect(row.get_by_role("link", name="Download")).to_be_visible()
    await visit.steady()
    async with visit.page.expect_download():
        await row.get_by_role("link", name="Download").click()
    await visit.leave_list()
    await expect(row).to_have_count(0)
    await expect(owner.page.locator("tr[data-job]", has_text="For my boss")).to_have_count(0)


async def test_a_burst_of_exports_ends_row_by_row_before_the_users_eyes(open_page: OpenPage) -> None:
    """More at once than a worker has connections: none may wait for another for ever."""
    visit = await open_page(USER)
    await visit.live()
    api = visit.page.context.request
    numbers = await asyncio.gather(
        *(start_export(api, visit.base_url, reference=f"Burst {each}") for each in range(BURST))
    )
    for number in numbers:
        row = visit.page.locator(f"tr[data-job='{number}']")
        await expect(row.locator(".tag")).to_have_text("Completed", timeout=60_000)
    assert len(set(numbers)) == BURST
    await visit.page.get_by_role("button", name="Running").click()
    await expect(visit.page.get_by_text("No job fits")).to_be_visible()
