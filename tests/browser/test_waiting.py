"""What comes later by itself: the search after a wait or without a connection.

These tests move a context's clock on or cut its connection, so each has its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import ShowPhoto, open_context
from tests.browser.test_failures import problem
from tests.browser.test_search import CARDS, SEARCH

pytestmark = pytest.mark.browser


@pytest.fixture
def context(browser: Browser, live_server: str) -> Iterator[BrowserContext]:
    """One for each test: its clock is moved on, its connection cut."""
    context = open_context(browser, live_server)
    yield context
    context.close()


def test_too_many_requests_counts_down_and_goes_on_by_itself(page: Page, show_photo: ShowPhoto) -> None:
    page.clock.install()
    page.route(SEARCH, lambda route: problem(route, 429, {"Retry-After": "9"}), times=1)
    show_photo()
    expect(page.locator(".wait")).to_have_text("Trying again in 9 seconds")
    page.clock.run_for(8_000)
    expect(page.locator(".wait")).to_have_text("Trying again in 1 second")
    page.clock.run_for(1_000)
    expect(page.locator(CARDS)).to_have_count(12)


def test_without_a_connection_the_photo_waits_and_is_sent_later(page: Page, show_photo: ShowPhoto) -> None:
    page.context.set_offline(True)
    show_photo()
    expect(page.get_by_role("alert")).to_contain_text("You’re offline")
    expect(page.locator("#photo")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator(CARDS)).to_have_count(12)
