"""What goes wrong is said with what to do, and the photo is never lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import ShowPhoto
from tests.browser.test_search import CARDS, SEARCH

pytestmark = pytest.mark.browser

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64


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


def test_heic_that_nobody_reads_is_not_even_sent_and_says_what_to_do(page: Page, show_photo: ShowPhoto) -> None:
    page.evaluate("document.querySelectorAll('[accept]').forEach((picker) => { picker.accept = 'image/jpeg' })")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    for name, media_type in (("IMG_1.HEIC", "image/heic"), ("IMG_2.HEIC", "")):
        show_photo(HEIC, name, media_type)
        expect(page.get_by_role("alert")).to_contain_text("HEIC photos can’t be read here")
        expect(page.get_by_role("alert")).to_contain_text("export it as JPEG")
    assert sent == []
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)


def test_heic_that_the_server_refuses_says_so_whatever_it_is_called(page: Page, show_photo: ShowPhoto) -> None:
    body = {"type": "urn:snapshelf:problem:heic-not-read", "title": "Test", "status": 415, "detail": "For a test."}
    page.route(SEARCH, lambda route: route.fulfill(status=415, json=body, content_type="application/problem+json"))
    show_photo(HEIC, "photo.jpg", "image/jpeg")
    expect(page.get_by_role("alert")).to_contain_text("HEIC photos can’t be read here")


def test_a_photo_over_the_limit_is_not_even_sent(page: Page, show_photo: ShowPhoto) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.route("**/api/v1/store", _with_a_small_limit)
    page.reload()
    page.get_by_role("button", name="Try Red thing").wait_for()
    show_photo()
    expect(page.get_by_role("alert")).to_contain_text("at most 1 MB")
    assert sent == []


def test_a_busy_store_is_tried_again_at_a_press(page: Page, show_photo: ShowPhoto) -> None:
    page.route(SEARCH, lambda route: problem(route, 503), times=1)
    show_photo()
    expect(page.get_by_role("alert")).to_contain_text("The store is busy right now")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(CARDS)).to_have_count(12)
    expect(page.locator("#headline")).to_be_focused()


@pytest.mark.parametrize(
    ("status", "words"),
    [(408, "can’t be reached"), (413, "too large"), (422, "can’t be done"), (500, "Something went wrong on our side")],
)
def test_every_other_failure_keeps_the_photo_and_offers_a_way_on(
    page: Page, show_photo: ShowPhoto, status: int, words: str
) -> None:
    page.route(SEARCH, lambda route: problem(route, status))
    show_photo()
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.locator("#photo")).to_be_visible()
    expect(page.locator(".notice .button.primary")).to_be_visible()


def _with_a_small_limit(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), "max_upload_bytes": 1000})


def problem(route: Route, status: int, headers: dict[str, str] | None = None) -> None:
    """Answer with a problem document."""
    body = {"type": "urn:snapshelf:problem:test", "title": "Test", "status": status, "detail": "For a test."}
    route.fulfill(status=status, json=body, headers=headers or {}, content_type="application/problem+json")
