"""A job type that lays out nothing: its form comes from the schema of its parameters, and does all that forms do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from axe_playwright_python.async_playwright import Axe
from msgspec import Meta
from playwright.async_api import Page, Request, expect

from jobmonitor.contract.topics import requests_topic
from jobmonitor.job_types.defaults import JobTypeDefaults
from jobmonitor.job_types.protocol import Context, Refused, UploadRule
from jobmonitor.local.kafka import KafkaServer
from support.browser import DESKTOP, PHONE, HasAddress, OpenPage, Visit
from support.engine import create_topics
from support.gateway import EMAILS, PASSWORD, USER, running_gateway
from support.servers import Database


class Stamp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written on each card."""

    words: Annotated[str, Meta(max_length=20)]
    colour: Literal["red", "blue"] = "red"


class Margins(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Around each card."""

    left: Annotated[int, Meta(ge=0, le=50)] = 5


class CardParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cards to print."""

    copies: Annotated[int, Meta(ge=1, le=10, description="Of each card.")] = 3
    paper: Literal["a4", "letter"] = "a4"
    both_sides: bool = False
    printed_on: date | None = None
    numbers: list[int] = []
    margins: Margins = Margins()
    stamps: list[Stamp] = []
    upload: UUID | None = None


class Cards(JobTypeDefaults[CardParameters]):
    slug = "cards"
    title = "Cards"
    unit = "cards"
    permission = "export"
    params_type = CardParameters
    upload = UploadRule(media_types={"txt": "text/plain"}, bytes_max=1000)

    async def check(self, params: CardParameters, context: Context) -> None:
        if 13 in params.numbers:
            raise Refused("unlucky", "There is no card 13.", parameter="numbers")

    async def count(self, params: CardParameters, context: Context) -> int:
        return params.copies * len(params.numbers)


@dataclass
class GatewayAlone:
    """A gateway, as far as a browser needs to know it."""

    http_url: str


@pytest.fixture
async def stack(database: Database, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[HasAddress]:
    """Nothing but a gateway that offers this one type."""
    await create_topics(kafka.bootstrap, requests_topic(Cards.slug))
    job_types: list[Any] = [Cards()]
    async with running_gateway(database, kafka.bootstrap, tmp_path, job_types=job_types) as gateway:
        yield GatewayAlone(gateway.url)


async def _open(open_page: OpenPage, **how: Any) -> Visit:
    """The only form there is."""
    visit = await open_page(**how)
    login = {"email": EMAILS[USER], "password": PASSWORD}
    assert (await visit.page.context.request.post(f"{visit.base_url}/api/v1/session", data=login)).ok
    await visit.go("/start")
    await expect(visit.page.get_by_role("button", name="Start job")).to_be_visible()
    return visit


def _is_submission(request: Request) -> bool:
    return request.method == "POST" and request.url.endswith("/api/v1/jobs")


async def test_what_may_be_started_is_asked_for_once_when_it_opens_and_again_on_coming_back(
    open_page: OpenPage,
) -> None:
    visit = await _open(open_page)
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url) if "/job-types" in request.url else None)
    options = f"{visit.base_url}/api/v1/job-types/cards/options"
    job_types = f"{visit.base_url}/api/v1/job-types"

    await visit.go("/start")
    await expect(visit.page.get_by_role("button", name="Start job")).to_be_visible()
    assert asked == [job_types, options]

    await visit.page.get_by_role("link", name="Job monitor").first.click()
    async with visit.page.expect_response(job_types):
        await visit.page.get_by_role("link", name="Start a job").first.click()
    await expect(visit.page.get_by_role("button", name="Start job")).to_be_visible()
    assert asked.count(job_types) == 2


async def test_it_is_filled_in_counted_and_sent(open_page: OpenPage) -> None:
    page = (await _open(open_page)).page
    await expect(page.locator(".preview-note")).to_have_text("There is nothing to process.")
    await page.get_by_label("Copies").fill("4")
    await page.get_by_label("Letter").check()
    await page.get_by_label("Both sides").check()
    await page.get_by_label("Printed on").fill("2026-12-24")
    await page.get_by_label("Numbers").fill("7, 8 9")
    await page.get_by_label("Left").fill("10")
    await page.get_by_role("button", name="Add an entry").click()
    await page.get_by_label("Words").fill("Thank you")
    await page.get_by_label("Blue").check()
    await page.get_by_label("Choose a file").set_input_files(
        {"name": "names.txt", "mimeType": "text/plain", "buffer": b"Ada\n"}
    )
    await expect(page.get_by_role("button", name="Another file")).to_be_visible()
    await expect(page.locator(".preview")).to_have_text("12 cards will be processed.")
    await page.get_by_role("textbox", name="Reference name").fill("Christmas")
    await page.get_by_label("Later").check()

    async with page.expect_request(_is_submission) as sending:
        await page.get_by_role("button", name="Start job").click()
    sent: Any = (await sending.value).post_data_json
    assert sent["parameters"].pop("upload")
    assert sent["parameters"] == {
        "copies": 4,
        "paper": "letter",
        "both_sides": True,
        "printed_on": "2026-12-24",
        "numbers": [7, 8, 9],
        "margins": {"left": 10},
        "stamps": [{"words": "Thank you", "colour": "blue"}],
    }
    assert (sent["type"], sent["reference"], "run_at" in sent) == ("cards", "Christmas", True)
    await expect(page.locator(".toast", has_text="accepted")).to_be_visible()


async def test_what_is_wrong_is_said_at_its_field_by_the_page_or_by_the_job_type(open_page: OpenPage) -> None:
    visit = await _open(open_page)
    page = visit.page
    visit.expect_complaints("422")
    await page.get_by_label("Copies").fill("11")
    await page.get_by_role("button", name="Start job").click()
    await expect(page.locator("[data-place=copies]")).to_contain_text("10 at most.")
    await expect(page.get_by_label("Copies")).to_be_focused()
    await page.get_by_label("Copies").fill("2")
    await page.get_by_label("Numbers").fill("13")
    await expect(page.locator("[data-place=numbers]")).to_contain_text("There is no card 13.")
    await page.get_by_label("Numbers").fill("14")
    await expect(page.locator(".preview strong")).to_have_text("2 cards")


async def test_why_a_file_is_refused_stays_in_sight_while_the_rest_is_counted(open_page: OpenPage) -> None:
    visit = await _open(open_page)
    page = visit.page
    await page.get_by_label("Numbers").fill("14")
    await expect(page.locator(".preview strong")).to_have_text("3 cards")
    await _choose_and_count(page, "names.pdf")
    await expect(page.locator("[data-place=file]")).to_contain_text("choose a file that ends in .txt")

    visit.expect_complaints("429")
    refusal = {"detail": "You keep as many files as may be kept."}
    await page.route("**/api/v1/uploads?*name=*", lambda route: route.fulfill(status=429, json=refusal))
    await _choose_and_count(page, "names.txt")
    await expect(page.locator("[data-place=file]")).to_contain_text(refusal["detail"])


async def _choose_and_count(page: Page, name: str) -> None:
    async with page.expect_response("**/api/v1/job-preview"):
        await page.get_by_label("Choose a file").set_input_files(
            {"name": name, "mimeType": "text/plain", "buffer": b"Ada\n"}
        )
    await expect(page.locator(".preview strong")).to_have_text("3 cards")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_axe_finds_nothing_and_a_phone_is_wide_enough(open_page: OpenPage, size: tuple[int, int]) -> None:
    page = (await _open(open_page, size=size)).page
    await page.get_by_role("button", name="Add an entry").click()
    found = (await Axe().run(page)).response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html']}" for each in found] == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
