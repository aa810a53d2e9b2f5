"""An import from the file to the history, as a user does it; and what the form says when it cannot be done."""

import csv
import io
from pathlib import Path
from typing import Literal, cast

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import FilePayload, Page, Route, expect

from support.browser import ADMIN, DESKTOP, LONDON_USER, PHONE, SUPER_ADMIN, OpenPage
from support.waiting import until

IMPORT = "/start?type=user-data-import"
TOO_MANY_BYTES = 20_971_521
Theme = Literal["light", "dark"]


def _file(content: bytes, name: str = "people.csv") -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": content}


def _people(of: str, *more: str) -> bytes:
    """Two supporters nobody has yet."""
    rows = ("Email,First Name,E-mail updates,Shoe size", f"ada@{of}.test,Ada,Y,38", f"bob@{of}.test,Bob,N,44", *more)
    return "\r\n".join(rows).encode()


async def _choose(page: Page, file: FilePayload | Path) -> None:
    await page.get_by_label("Choose a file").set_input_files(file)


async def test_ex2_a_file_goes_from_the_form_to_its_rows_outcomes_and_into_the_history(
    open_page: OpenPage, tmp_path: Path
) -> None:
    visit = await open_page(ADMIN, "/start")
    page = visit.page
    await page.get_by_role("link", name="User Data Import").click()
    await _choose(page, _file(_people("flow", "not-an-email,Cy,Y,40"), "november.csv"))
    await expect(page.locator(".preview strong")).to_have_text("3 rows")
    await expect(page.get_by_label("“Email” goes to")).to_have_value("email")
    await expect(page.get_by_label("“Shoe size” goes to")).to_have_value("skip")
    await expect(page.get_by_text("3 columns will be imported, 1 skipped.")).to_be_visible()
    await page.get_by_label("“Shoe size” goes to").select_option(label="Notes")
    await page.get_by_role("button", name="Start import").click()

    row = page.locator("tr[data-job]", has_text="november.csv")
    await expect(row.locator(".tag")).to_have_text("Completed, 1 row refused")
    number = str(await row.get_attribute("data-job"))
    await row.get_by_role("link", name="details").click()
    await expect(page.get_by_role("dialog")).to_contain_text("2 created, 1 refused")
    await page.keyboard.press("Escape")
    await visit.steady()
    async with page.expect_download() as downloading:
        await row.get_by_role("link", name="Download").click()
    target = tmp_path / "outcomes.csv"
    await (await downloading.value).save_as(target)
    outcomes = list(csv.DictReader(io.StringIO(target.read_text(encoding="utf-8-sig"), newline="")))
    assert [(each["Row"], each["Outcome"], each["Code"]) for each in outcomes] == [
        ("2", "created", ""),
        ("3", "created", ""),
        ("4", "error", "bad_email"),
    ]
    await visit.leave_list()
    await expect(row).to_have_count(0)
    await visit.go("/history")
    await expect(page.locator(f"tr[data-job='{number}']")).to_contain_text("november.csv")


async def test_what_is_wrong_with_a_file_is_said_beside_it_and_the_mended_one_is_taken(
    open_page: OpenPage, tmp_path: Path
) -> None:
    visit = await open_page(ADMIN, IMPORT)
    page = visit.page
    visit.expect_complaints("422")
    place = page.locator("[data-place=file]")
    await page.get_by_role("button", name="Start import").click()
    await expect(place).to_contain_text("Choose the file to import")

    await _choose(page, _file(b"Email,First Name\r\na@x.test,Ren\xe9"))
    await expect(place.get_by_role("alert")).to_contain_text("not in UTF-8: the byte at offset 30")
    await _choose(page, _file(b"Email", "people.pdf"))
    await expect(place.get_by_role("alert")).to_contain_text("people.pdf is no file to import")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    large = tmp_path / "large.csv"
    large.write_bytes(bytes(TOO_MANY_BYTES))
    await _choose(page, large)
    await expect(place.get_by_role("alert")).to_contain_text("20,971,521 bytes")
    assert not [url for url in sent if "uploads" in url], "a file too large is not even sent"

    await _choose(page, _file(_people("mended")))
    await expect(place.get_by_role("alert")).to_be_hidden()
    await page.get_by_label("“Email” goes to").select_option(label="Skip this column")
    await page.get_by_label("“Shoe size” goes to").select_option(label="First Name")
    await page.get_by_role("button", name="Start import").click()
    await expect(page.get_by_text("Say which column holds the e-mail address")).to_be_visible()
    twice = page.get_by_label("“Shoe size” goes to")
    await expect(twice).to_have_attribute("aria-invalid", "true")
    await expect(twice).to_be_focused()
    await expect(page.locator("[data-place='columns.3']")).to_contain_text("The column “First Name” goes there already")

    blind = await open_page(LONDON_USER, IMPORT)
    await expect(blind.page.get_by_text("Your login may not start imports")).to_be_visible()


async def test_leaving_while_the_file_is_on_its_way_asks_first(open_page: OpenPage) -> None:
    visit = await open_page(ADMIN)
    page = visit.page
    await page.get_by_role("link", name="Start a job").first.click()
    await page.get_by_role("link", name="User Data Import").click()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    await page.route("**/api/v1/uploads?name=*", hold)
    await _choose(page, _file(_people("held")))
    await expect(page.get_by_role("progressbar", name="Upload of people.csv")).to_be_visible()

    dialog = page.get_by_role("dialog")
    await page.get_by_role("link", name="History").click()
    await dialog.get_by_role("button", name="Stay here").click()
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await page.evaluate("history.back()")
    await dialog.get_by_role("button", name="Cancel the upload and leave").click()
    await expect(page.get_by_role("button", name="Start export")).to_be_visible()

    await page.get_by_role("link", name="User Data Import").click()
    await _choose(page, _file(_people("held")))
    await page.get_by_role("button", name="Cancel the upload").click()
    await expect(page.get_by_label("Choose a file")).to_be_visible()
    assert len(held) == 2
    await page.get_by_role("link", name="History").click()
    await expect(page.get_by_role("heading", name="History")).to_be_visible()


async def test_a_saved_format_brings_its_columns_and_fits_its_own_files_only(open_page: OpenPage) -> None:
    visit = await open_page(ADMIN, IMPORT)
    page = visit.page
    await _choose(page, _file(_people("saved")))
    await page.get_by_label("Saved format").select_option(label="New addresses only")
    place = page.locator("[data-place=format_id]")
    await expect(place).to_contain_text("its column 2 is “First Name”, the format's is “Town”")
    await page.get_by_role("button", name="Another file").click()
    await _choose(page, _file(b"Email,Town\r\nada@saved.test,Ely\r\n", "saved.csv"))
    await expect(page.locator(".preview strong")).to_have_text("1 row")
    await expect(page.get_by_role("table").get_by_role("combobox")).to_have_count(0)
    await expect(page.get_by_label("Only add new")).to_be_checked()
    await page.get_by_role("button", name="Start import").click()
    await expect(page.locator("tr[data-job]", has_text="saved.csv").locator(".tag")).to_have_text("Completed")


async def test_an_import_goes_by_keyboard_alone(open_page: OpenPage) -> None:
    visit = await open_page(ADMIN, IMPORT)
    page = visit.page
    chooser = page.get_by_label("Choose a file")
    await chooser.wait_for()
    await _tab_to(page, "input[type=file]")
    async with page.expect_file_chooser() as opening:
        await page.keyboard.press("Space")
    await (await opening.value).set_files(_file(_people("keys"), "keys.csv"))
    await expect(page.get_by_role("button", name="Another file")).to_be_focused()
    await _tab_to(page, "[data-place='columns.3'] select")
    await page.keyboard.type("Notes")
    await expect(page.locator("[data-place='columns.3'] option:checked")).to_have_text("Notes")
    await _tab_to(page, "button[type=submit]")
    await page.keyboard.press("Enter")
    await expect(page.locator("tr[data-job]", has_text="keys.csv").locator(".tag")).to_have_text("Completed")


async def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until this element has the focus."""
    target = page.locator(selector)
    for _ in range(40):
        if await target.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"{selector} cannot be reached by Tab")


@pytest.mark.parametrize(("theme", "size"), [("light", PHONE), ("dark", DESKTOP)])
async def test_axe_finds_nothing_and_a_phone_is_wide_enough(
    open_page: OpenPage, theme: str, size: tuple[int, int]
) -> None:
    visit = await open_page(ADMIN, IMPORT, theme=cast(Theme, theme), size=size)
    page = visit.page
    await expect(page.get_by_label("Choose a file")).to_be_visible()
    assert await _findings(page) == [], "empty form"
    dropped = await page.evaluate_handle(
        "text => { const data = new DataTransfer(); data.items.add(new File([text], 'dropped.csv')); return data; }",
        _people("axe").decode(),
    )
    await page.dispatch_event(".drop", "drop", {"dataTransfer": dropped})
    await page.get_by_label("“First Name” goes to").select_option(label="Last Name")
    await page.get_by_label("“Shoe size” goes to").select_option(label="Last Name")
    await page.get_by_role("button", name="Start import").click()
    await expect(page.get_by_text("goes there already")).to_be_visible()
    assert await _findings(page) == [], "columns"
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]


async def _findings(page: Page) -> list[str]:
    """What axe finds, with the elements."""
    at_rest = "document.getAnimations().every((each) => each.playState === 'finished')"
    await until(lambda: page.evaluate(at_rest))
    found = (await Axe().run(page)).response["violations"]
    return [f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}" for each in found]


async def test_files_sent_before_are_used_again_or_deleted_when_there_is_no_more_room(open_page: OpenPage) -> None:
    visit = await open_page(SUPER_ADMIN, "/start?type=user-data-import")
    page, api = visit.page, visit.page.context.request
    visit.expect_complaints("429")
    uploads = f"{visit.base_url}/api/v1/uploads"
    content = _people("kept")
    while (sent := await api.post(f"{uploads}?name=old.csv", data=content)).status == 201:
        pass
    assert sent.status == 429, await sent.text()
    kept = (await (await api.get(uploads)).json())["items"]
    try:
        await page.reload()
        await _choose(page, _file(_people("new"), "new.csv"))
        refusal = page.locator("[data-place=file]").get_by_role("alert").first
        await expect(refusal).to_contain_text("delete some you no longer need")
        await expect(page.locator(".kept-files summary")).to_contain_text(f"{len(kept)} of at most {len(kept)}")

        # Deleting twice in the same place takes no neighbour.
        first = page.locator(f"[data-upload='{kept[0]['id']}']")
        at = await first.get_by_role("button", name="Delete").bounding_box()
        assert at is not None
        for _ in range(2):
            await page.mouse.click(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
            await expect(first).to_contain_text("Deleted")
        await expect(page.locator(".kept-files summary")).to_contain_text(f"{len(kept) - 1} of at most")
        left = [item["id"] for item in (await (await api.get(uploads)).json())["items"]]
        assert left == [item["id"] for item in kept[1:]]

        await page.locator(f"[data-upload='{kept[1]['id']}']").get_by_role("button", name="Use").click()
        await expect(page.locator(".preview strong")).to_have_text("2 rows")
        await page.get_by_role("button", name="Another file").click()
        await _choose(page, _file(_people("new"), "new.csv"))
        await expect(page.locator(".file-name")).to_have_text("new.csv")
        await expect(page.locator(".preview strong")).to_have_text("2 rows")
    finally:
        for item in (await (await api.get(uploads)).json())["items"]:
            await api.delete(f"{uploads}/{item['id']}")
