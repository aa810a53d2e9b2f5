"""The monitor and the history: columns, rows, words, times, search, paging, narrow screens."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import Route, expect

from support.browser import ADMIN, LONDON_USER, PHONE, SUPER_ADMIN, USER, HasAddress, OpenPage
from support.job_events import JobEvents
from support.page_jobs import jobs_of_every_kind, lives, number_of, start_export, tell, wait_for_state

ADMIN_ID = 2
COLUMNS = ["Type", "Job#", "Job Name", "Started", "Completed", "Results", "Stop Job"]


class Stack(HasAddress):
    kafka_bootstrap: str


async def test_the_monitor_has_exactly_the_help_pages_columns(open_page: OpenPage) -> None:
    visit = await open_page(ADMIN)
    await start_export(visit.page.context.request, visit.base_url)
    await expect(visit.page.locator("tr[data-job]").first).to_be_visible()
    assert await visit.page.locator("th").all_inner_texts() == COLUMNS


async def test_every_state_is_told_in_words(open_page: OpenPage, stack: Stack) -> None:
    jobs = jobs_of_every_kind(ADMIN_ID)
    await tell(stack.kafka_bootstrap, lives(jobs))
    visit = await open_page(ADMIN)
    words = {
        "queued": "Waiting",
        "running": "7,777 of 12,345 supporters",
        "completed": "Completed",
        "completed_with_errors": "Completed, 12 supporters refused",
        "failed": "The file is no CSV file.",
    }
    for state, text in words.items():
        number = await number_of(visit.page.context.request, visit.base_url, jobs[state].job_id)
        row = visit.page.locator(f"tr[data-job='{number}']")
        await expect(row).to_contain_text(text)
        box = await row.bounding_box()
        assert box is not None
        assert 56 <= box["height"] <= 65, f"{state} is {box['height']} px high"
    stopped = await number_of(visit.page.context.request, visit.base_url, jobs["cancelled"].job_id)
    await visit.go("/history")
    await expect(visit.page.locator(f"tr[data-job='{stopped}']")).to_contain_text("Stopped at 62 %")
    await expect(visit.page.get_by_role("progressbar")).to_have_count(0)


async def test_a_failed_job_offers_its_report(open_page: OpenPage, stack: Stack) -> None:
    job = JobEvents(owner_id=ADMIN_ID)
    await tell(stack.kafka_bootstrap, [job.submitted(parameters={"format": "no such format"})])
    visit = await open_page(ADMIN)
    number = await number_of(visit.page.context.request, visit.base_url, job.job_id)
    row = visit.page.locator(f"tr[data-job='{number}']")
    reason = await row.locator(".failed .two-lines").inner_text()
    await visit.steady()
    async with visit.page.expect_download() as downloading:
        await row.get_by_role("link", name="Report").click()
    text = (await (await downloading.value).path()).read_text()
    assert str(number) in text
    assert reason in " ".join(text.split())
    await visit.leave_list()
    await expect(row).to_have_count(0)


def _next(month: int) -> datetime:
    """The 15th of the next such month that is at least a day away, at 14:30 UTC."""
    now = datetime.now(UTC)
    days = [datetime(now.year + years, month, 15, 14, 30, tzinfo=UTC) for years in (0, 1)]
    return next(day for day in days if (day - now).days >= 1)


@pytest.mark.parametrize(
    ("email", "month", "time"),
    [
        (ADMIN, 1, "9:30 AM EST"),
        (ADMIN, 7, "10:30 AM EDT"),
        (LONDON_USER, 1, "2:30 PM GMT"),
        (LONDON_USER, 7, "3:30 PM BST"),
    ],
)
async def test_times_are_the_accounts_with_the_abbreviation_in_force(
    open_page: OpenPage, email: str, month: int, time: str
) -> None:
    visit = await open_page(email)
    run_at = _next(month)
    number = await start_export(visit.page.context.request, visit.base_url, run_at=run_at.isoformat())
    row = visit.page.locator(f"tr[data-job='{number}']")
    await expect(row.locator("time")).to_contain_text(f"{run_at:%b} 15, {run_at.year}")
    await expect(row.locator("time")).to_contain_text(time)


async def test_search_finds_by_reference_and_number_and_can_be_undone(open_page: OpenPage) -> None:
    visit = await open_page(USER)
    api, page = visit.page.context.request, visit.page
    needle = await start_export(api, visit.base_url, reference="Needle")
    other = await start_export(api, visit.base_url, reference="Hay")
    await expect(page.locator(f"tr[data-job='{other}']")).to_be_visible()
    search = page.get_by_role("searchbox")
    await search.fill("needle")
    await expect(page.locator(f"tr[data-job='{other}']")).to_have_count(0)
    await expect(page.locator(f"tr[data-job='{needle}']")).to_be_visible()
    await search.fill(str(other))
    await expect(page.locator(f"tr[data-job='{other}']")).to_be_visible()
    await search.fill("nothing is called so")
    await page.get_by_role("button", name="Show all jobs").click()
    await expect(page.locator(f"tr[data-job='{needle}']")).to_be_visible()
    await expect(search).to_have_value("")


async def test_more_of_a_long_history_is_shown_on_demand_each_job_once(open_page: OpenPage, stack: Stack) -> None:
    jobs = [jobs_of_every_kind(ADMIN_ID)["cancelled"] for _ in range(60)]
    await tell(
        stack.kafka_bootstrap, [event for job in jobs for event in (job.queued(), job.started(), job.cancelled(1))]
    )
    visit = await open_page(ADMIN)
    for job in jobs:
        await wait_for_state(visit.page.context.request, visit.base_url, job.job_id, "cancelled")
    await visit.go("/history")
    rows = visit.page.locator("tr[data-job]")
    await expect(rows).to_have_count(50)
    await visit.page.get_by_role("button", name="Show more").click()
    await expect(visit.page.locator("tr[data-job]").nth(59)).to_be_attached()
    numbers = await visit.rows()
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("path", ["/", "/history", "/start"])
async def test_a_phone_needs_no_sideways_scrolling(open_page: OpenPage, stack: Stack, path: str) -> None:
    await tell(stack.kafka_bootstrap, lives(jobs_of_every_kind(ADMIN_ID)))
    visit = await open_page(SUPER_ADMIN, path, size=PHONE)
    await expect(visit.page.locator("[data-job], form").first).to_be_visible()
    assert await visit.page.locator("table").count() == 0
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await visit.page.evaluate(wide) == 0
    clipped = """[...document.querySelectorAll("main *")].filter((element) =>
        element.getBoundingClientRect().right > innerWidth && getComputedStyle(element).position !== "absolute")
        .map((element) => element.outerHTML.slice(0, 80))"""
    assert await visit.page.evaluate(clipped) == []


async def test_a_phones_card_says_what_a_row_says(open_page: OpenPage) -> None:
    visit = await open_page(USER, size=PHONE)
    api = visit.page.context.request
    number = await start_export(api, visit.base_url, reference="In my pocket")
    await wait_for_state(api, visit.base_url, number, "completed")
    card = visit.page.locator(f"li[data-job='{number}']")
    for text in ("User Data Export", "In my pocket", str(number), "Completed", "Download", "CSV"):
        await expect(card).to_contain_text(text)


async def test_a_stop_is_asked_once_with_the_numbers_and_a_refusal_is_told(open_page: OpenPage, stack: Stack) -> None:
    """Exports cannot be stopped, so the list is made to say that this one can; the gateway then refuses."""
    jobs = jobs_of_every_kind(ADMIN_ID)
    await tell(stack.kafka_bootstrap, lives(jobs))
    visit = await open_page(ADMIN)
    number = await number_of(visit.page.context.request, visit.base_url, jobs["running"].job_id)
    row = visit.page.locator(f"tr[data-job='{number}']")
    await expect(row).to_be_visible()
    await expect(visit.page.get_by_role("button", name="Stop")).to_have_count(0)

    async def claim_it_can_be_stopped(route: Route) -> None:
        answer = await route.fetch()
        page = await answer.json()
        for item in page["items"]:
            item["can_stop"] = item["number"] == number
        await route.fulfill(response=answer, json=page)

    await visit.page.route("**/api/v1/jobs?*", claim_it_can_be_stopped)
    visit.expect_complaints("409")
    await visit.page.reload()
    await row.get_by_role("button", name="Stop").click()
    dialog = visit.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("7,777 of 12,345 supporters have been reached")
    await dialog.get_by_role("button", name="Stop this job").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("It goes on.")
    await expect(dialog.get_by_role("alert")).to_contain_text("cannot be stopped")
    await dialog.get_by_role("button", name="Let it run").click()
    await expect(dialog).to_have_count(0)
    await expect(row.get_by_role("button", name="Stop")).to_be_focused()
