"""Logging in and out in the browser."""

from playwright.async_api import expect

from support.browser import PASSWORD, SUPER_ADMIN, USER, OpenPage


async def test_a_wrong_password_is_told_in_words_and_the_address_is_kept(open_page: OpenPage) -> None:
    visit = await open_page()
    visit.expect_complaints("401")
    await visit.page.get_by_label("E-mail").fill(USER)
    await visit.page.get_by_label("Password").fill("not this one")
    await visit.page.get_by_role("button", name="Log in").click()
    await expect(visit.page.get_by_role("alert")).to_contain_text("password")
    await expect(visit.page.get_by_label("E-mail")).to_have_value(USER)
    await expect(visit.page.get_by_label("Password")).to_be_focused()


async def test_after_the_log_in_the_page_that_was_asked_for_opens(open_page: OpenPage) -> None:
    visit = await open_page(path="/history")
    await visit.page.get_by_label("E-mail").fill(USER)
    await visit.page.get_by_label("Password").fill(PASSWORD)
    await visit.page.keyboard.press("Enter")
    await expect(visit.page.get_by_role("heading", level=1)).to_have_text("History")
    await expect(visit.page.get_by_role("banner")).to_contain_text("Riverbank Trust")


async def test_logging_out_leaves_nothing_of_the_account_on_the_page(open_page: OpenPage) -> None:
    visit = await open_page(SUPER_ADMIN)
    await visit.live()
    await visit.page.get_by_role("button", name="log out").click()
    await expect(visit.page.locator("#user-menu")).to_contain_text("Super Admin")
    await visit.page.get_by_role("button", name="Log out", exact=True).click()
    await expect(visit.page.get_by_role("button", name="Log in")).to_be_visible()
    assert "Riverbank" not in await visit.page.content()
    await visit.go("/")
    await expect(visit.page.get_by_role("button", name="Log in")).to_be_visible()


async def test_a_session_that_ends_elsewhere_ends_an_open_page(open_page: OpenPage) -> None:
    visit = await open_page(USER)
    await visit.live()
    visit.expect_complaints("401")
    await visit.page.context.request.delete(f"{visit.base_url}/api/v1/session")
    await expect(visit.page.get_by_text("Your session has ended")).to_be_visible()


async def test_a_theme_chosen_by_hand_outlasts_a_reload_and_the_systems_change(open_page: OpenPage) -> None:
    visit = await open_page(USER, theme="light")
    await visit.page.get_by_role("button", name="theme").click()
    await visit.page.get_by_label("Dark").check()
    dark = "rgb(15, 20, 25)"
    await expect(visit.page.locator("body")).to_have_css("background-color", dark)
    await visit.page.reload()
    await expect(visit.page.locator("body")).to_have_css("background-color", dark)
    await visit.page.get_by_role("button", name="theme").click()
    await visit.page.get_by_label("System").check()
    await expect(visit.page.locator("body")).to_have_css("background-color", "rgb(246, 247, 249)")
    await visit.page.emulate_media(color_scheme="dark")
    await expect(visit.page.locator("body")).to_have_css("background-color", dark)
