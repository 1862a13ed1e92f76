"""What comes later by itself: the search after a wait or without a connection, and feedback after the time to undo.

These tests move a context's clock on or cut its connection, so each has its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

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


def test_feedback_can_be_undone_and_is_sent_once_otherwise(page: Page, show_photo: ShowPhoto) -> None:
    page.clock.install()
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if "/feedback" in request.url else None)
    show_photo()
    first, second = (page.locator(CARDS).nth(at) for at in (0, 1))
    first.get_by_role("button", name="Not helpful").click()
    first.get_by_role("button", name="Undo").click()
    expect(first.get_by_role("button", name="Not helpful")).to_be_focused()
    second.get_by_role("button", name="Not helpful").click()
    with page.expect_response("**/api/v1/feedback") as answer:
        page.clock.run_for(7_000)
    assert answer.value.status == 201
    expect(second).to_contain_text("Thanks.")
    assert len(sent) == 1
    said = json.loads(sent[0].post_data or "")
    assert (said["helpful"], set(said)) == (False, {"helpful", "product_id", "request_id"})
