"""What axe finds on a page."""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from support.waiting import until


async def findings(page: Page) -> list[str]:
    """With the elements, once nothing moves."""
    at_rest = "document.getAnimations().every((each) => each.playState === 'finished')"
    await until(lambda: page.evaluate(at_rest))
    results = await Axe().run(page)
    found = results.response["violations"]
    return [f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}" for each in found]
