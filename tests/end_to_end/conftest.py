"""Fixtures of the tests that use everything, through the browser."""

from support.browser import browser, open_page

__all__ = ["browser", "open_page"]
