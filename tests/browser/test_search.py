"""A photo goes in, by every way there is, and products come out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import RED, ShowPhoto
from tests.tiny_store import COLOURS, photo_bytes

pytestmark = pytest.mark.browser

SEARCH = "**/api/v1/recommendations"
CARDS = "#grid .card:not(.skeleton)"

HAND_OVER = """([kind, bytes]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], "handed-over.png", { type: "image/png" }));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
    : new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


def test_an_uploaded_photo_is_named_and_its_products_shown(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator("#headline")).to_have_text("Red thing")
    expect(page.locator("#sureness")).to_contain_text(re.compile(r"Very sure, 9\d%"))
    cards = page.locator(CARDS)
    expect(cards).to_have_count(12)
    for card in cards.all():
        expect(card.locator(".card-title")).not_to_be_empty()
        expect(card.locator(".card-reason")).not_to_be_empty()
        expect(card.locator(".alike")).to_have_text(re.compile(r"^\d+% alike$"))
    expect(cards.first.locator(".card-category")).to_have_text("Red thing")


def test_a_card_shows_picture_price_stock_and_leads_to_the_product(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    card = page.locator(CARDS).filter(has_text="Red Thing 2")
    expect(card.locator(".price-tag")).to_have_text("€12.00")
    expect(card.locator(".stock")).to_have_text("In stock")
    expect(card.get_by_role("link")).to_have_attribute("href", "https://shop.example/p02")
    picture = card.locator("img")
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("(image) => image.naturalWidth") > 0
    assert picture.evaluate("(image) => getComputedStyle(image).objectFit") == "contain"


def test_screen_readers_hear_the_outcome_and_focus_is_on_it(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator("#live")).to_have_text(re.compile(r"^Red thing\. 12 products, first: \S+"))
    expect(page.locator("#headline")).to_be_focused()


def test_the_photo_is_seen_before_the_answer_and_nothing_jumps(page: Page, show_photo: ShowPhoto) -> None:
    waiting: list[Route] = []
    page.route(SEARCH, lambda route: waiting.append(route))  # noqa: PLW0108 (a bound method is refused)
    show_photo()
    page.wait_for_function("() => document.querySelector('#photo').naturalWidth === 48")
    expect(page.locator("#grid .skeleton")).to_have_count(12)
    expect(page.locator("#progress")).to_be_visible()
    expect(page.locator("#sureness")).to_contain_text("Still at it")
    before = page.locator("#grid .card").first.bounding_box()
    waiting[0].continue_()
    expect(page.locator(CARDS)).to_have_count(12)
    after = page.locator(CARDS).first.bounding_box()
    assert before is not None
    assert after is not None
    assert (after["x"], after["y"], after["width"]) == (before["x"], before["y"], before["width"])


def test_a_search_can_be_given_up(page: Page, show_photo: ShowPhoto) -> None:
    page.route(SEARCH, lambda route: None)
    show_photo()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#start")).to_be_visible()
    page.unroute(SEARCH)
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)


def test_every_sample_photo_is_searched_at_a_click(page: Page) -> None:
    for words in (label.capitalize() for label in COLOURS):
        page.get_by_role("button", name=f"Try {words}").click()
        expect(page.locator("#headline")).to_have_text(words)
        expect(page.locator(CARDS).first.locator(".card-category")).to_have_text(words)
        page.go_back()


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_photo_is_pasted_or_dropped(page: Page, way: str) -> None:
    data = list(photo_bytes(COLOURS["green thing"], 3))
    if way == "drop":
        page.evaluate(HAND_OVER, ["dragenter", data])
        expect(page.locator("#veil")).to_be_visible()
    page.evaluate(HAND_OVER, [way, data])
    expect(page.locator("#headline")).to_have_text("Green thing")
    expect(page.locator("#veil")).to_be_hidden()


def test_back_leads_to_the_start_and_forward_to_the_products(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    page.go_back()
    expect(page.locator("#start")).to_be_visible()
    expect(page.locator("#search")).to_be_hidden()
    page.go_forward()
    expect(page.locator(CARDS)).to_have_count(12)


def test_a_newer_photo_ends_the_search_for_the_older_one(page: Page, show_photo: ShowPhoto) -> None:
    page.route(SEARCH, lambda route: None, times=1)  # never answered
    with page.expect_request(SEARCH):
        show_photo(photo_bytes(RED))
    with page.expect_event("requestfailed") as ended:
        show_photo(photo_bytes(COLOURS["blue thing"]))
    assert ended.value.failure == "net::ERR_ABORTED"
    expect(page.locator("#headline")).to_have_text("Blue thing")
    expect(page.locator(".notice")).to_have_count(0)
