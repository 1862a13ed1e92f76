"""What goes wrong is said with what to do, and the photo is never lost."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect

from tests.browser.conftest import ShowPhoto, open_context
from tests.browser.test_search import CARDS, SEARCH

pytestmark = pytest.mark.browser


@pytest.fixture
def context(browser: Browser, live_server: str) -> Iterator[BrowserContext]:
    """One for each test: its clock is moved on, its connection cut."""
    context = open_context(browser, live_server)
    yield context
    context.close()


def test_text_renamed_to_a_picture_is_refused_and_the_page_stays_usable(page: Page, show_photo: ShowPhoto) -> None:
    show_photo(b"hello, this is text", "holiday.jpg", "image/jpeg")
    expect(page.get_by_role("alert")).to_contain_text("This file can’t be read as a photo")
    expect(page.get_by_role("button", name="Choose another photo")).to_be_visible()
    expect(page.locator("#no-preview")).to_be_visible()
    show_photo()
    expect(page.locator("#headline")).to_have_text("Red thing")
    expect(page.locator(CARDS)).to_have_count(12)
    expect(page.locator(".notice")).to_have_count(0)


def test_a_file_that_is_no_picture_by_its_type_is_not_even_sent(page: Page, show_photo: ShowPhoto) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    show_photo(b"%PDF-1.7", "invoice.pdf", "application/pdf")
    expect(page.get_by_role("alert")).to_contain_text("This file can’t be read as a photo")
    assert sent == []


def test_a_photo_over_the_limit_is_not_even_sent(page: Page, show_photo: ShowPhoto) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.route("**/api/v1/store", _with_a_small_limit)
    page.reload()
    page.get_by_role("button", name="Try Red thing").wait_for()
    show_photo()
    expect(page.get_by_role("alert")).to_contain_text("at most 1 MB")
    assert sent == []


def test_too_many_requests_counts_down_and_goes_on_by_itself(page: Page, show_photo: ShowPhoto) -> None:
    page.clock.install()
    page.route(SEARCH, lambda route: _problem(route, 429, {"Retry-After": "9"}), times=1)
    show_photo()
    expect(page.locator(".wait")).to_have_text("Trying again in 9 seconds")
    page.clock.run_for(8_000)
    expect(page.locator(".wait")).to_have_text("Trying again in 1 second")
    page.clock.run_for(1_000)
    expect(page.locator(CARDS)).to_have_count(12)


def test_a_busy_store_is_tried_again_at_a_press(page: Page, show_photo: ShowPhoto) -> None:
    page.route(SEARCH, lambda route: _problem(route, 503), times=1)
    show_photo()
    expect(page.get_by_role("alert")).to_contain_text("The store is busy right now")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(CARDS)).to_have_count(12)
    expect(page.locator("#headline")).to_be_focused()


def test_without_a_connection_the_photo_waits_and_is_sent_later(page: Page, show_photo: ShowPhoto) -> None:
    page.context.set_offline(True)
    show_photo()
    expect(page.get_by_role("alert")).to_contain_text("You’re offline")
    expect(page.locator("#photo")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator(CARDS)).to_have_count(12)


@pytest.mark.parametrize(
    ("status", "words"), [(413, "too large"), (422, "can’t be done"), (500, "Something went wrong on our side")]
)
def test_every_other_failure_keeps_the_photo_and_offers_a_way_on(
    page: Page, show_photo: ShowPhoto, status: int, words: str
) -> None:
    page.route(SEARCH, lambda route: _problem(route, status))
    show_photo()
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.locator("#photo")).to_be_visible()
    expect(page.locator(".notice .button.primary")).to_be_visible()


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


def _with_a_small_limit(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), "max_upload_bytes": 1000})


def _problem(route: Route, status: int, headers: dict[str, str] | None = None) -> None:
    body = {"type": "urn:snapshelf:problem:test", "title": "Test", "status": status, "detail": "For a test."}
    route.fulfill(status=status, json=body, headers=headers or {}, content_type="application/problem+json")
