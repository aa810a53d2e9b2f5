"""The live connection: what the page says while it is lost, and that it misses nothing."""

from contextlib import suppress
from typing import Protocol

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Request, Route, expect

from support.browser import USER, OpenPage
from support.page_jobs import start_export, wait_for_state
from support.waiting import until


class Stack(Protocol):
    http_url: str

    def kill(self, child: str) -> None: ...


async def test_a_lost_connection_is_said_and_all_that_was_missed_is_there_afterwards(
    open_page: OpenPage, stack: Stack
) -> None:
    visit = await open_page(USER)
    page, api = visit.page, visit.page.context.request
    await visit.live()
    visit.expect_complaints("net::ERR", "status of 50")

    # The page is kept from coming back until the test has seen what it says, however fast the gateway is up again.
    await page.route("**/api/v1/**", lambda route: route.abort("connectionrefused"))
    stack.kill("gateway")
    banner = page.locator("[data-connection=lost]")
    await expect(banner).to_contain_text("The connection is lost.")
    await expect(banner).to_contain_text("Trying again in")
    await expect(page.locator(".live")).to_have_text("Not live")
    await expect(page.get_by_role("log")).to_contain_text("connection is lost")

    async def start() -> int | None:
        with suppress(PlaywrightError):  # the gateway is on its way up
            return await start_export(api, visit.base_url, reference="While away")
        return None

    number = await until(start)
    await wait_for_state(api, visit.base_url, number, "completed")
    row = page.locator(f"tr[data-job='{number}']")
    await expect(row).to_have_count(0)

    await page.unroute("**/api/v1/**")
    await banner.get_by_role("button", name="Try now").click()
    await visit.live()
    await expect(banner).to_have_count(0)
    await expect(row).to_contain_text("Completed")


async def test_a_page_comes_back_by_itself(open_page: OpenPage, stack: Stack) -> None:
    visit = await open_page(USER)
    await visit.live()
    visit.expect_complaints("net::ERR", "status of 50")
    stack.kill("gateway")
    await expect(visit.page.locator("[data-connection=lost]")).to_be_visible()
    await visit.live()
    number = await start_export(visit.page.context.request, visit.base_url)
    await expect(visit.page.locator(f"tr[data-job='{number}']")).to_be_visible()


async def test_without_a_gateway_the_page_says_what_to_do(open_page: OpenPage) -> None:
    visit = await open_page(USER)
    await visit.live()
    visit.expect_complaints("net::ERR")
    await visit.page.route("**/api/v1/**", lambda route: route.abort("connectionrefused"))
    await visit.page.reload()
    await expect(visit.page.get_by_role("alert")).to_contain_text("cannot be reached")
    await visit.page.unroute("**/api/v1/**")
    await visit.page.get_by_role("button", name="Try again").click()
    await visit.live()


async def test_an_export_whose_answer_was_lost_is_one_job_when_it_is_sent_again(open_page: OpenPage) -> None:
    visit = await open_page(USER, "/start")
    page = visit.page
    visit.expect_complaints("net::ERR")
    await page.get_by_role("textbox", name="Reference name").fill("Sent twice")
    lost: list[int] = []

    async def lose_the_first_answer(route: Route, request: Request) -> None:
        answer = await route.fetch()
        if not lost and request.method == "POST":
            lost.append(answer.status)
            await route.abort("connectionreset")
        else:
            await route.fulfill(response=answer)

    await page.route("**/api/v1/jobs", lose_the_first_answer)
    await page.get_by_role("button", name="Start export").click()
    await expect(page.get_by_role("alert")).to_contain_text("your choices are still here")
    await page.get_by_role("button", name="Start export").click()
    await visit.live()
    assert lost == [202]
    await expect(page.locator("tr[data-job]", has_text="Sent twice")).to_have_count(1)
