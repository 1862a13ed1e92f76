"""Filters search again, live in the address, and say when they leave nothing."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PHONE, ShowPhoto
from tests.browser.test_search import CARDS

pytestmark = pytest.mark.browser


def query(page: Page) -> dict[str, list[str]]:
    """The filters in the address."""
    return parse_qs(urlsplit(page.url).query)


def chip(page: Page, name: str) -> None:
    """Press a chip of the filters."""
    page.get_by_role("search").get_by_role("button", name=name, exact=True).click()


def test_a_category_leaves_only_its_products(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    chip(page, "Green thing")
    expect(page.locator(CARDS)).to_have_count(4)
    expect(page.locator(".card-category")).to_have_text(["Green thing"] * 4)
    expect(page.locator("#results-count")).to_have_text("4 products")
    assert query(page) == {"category": ["green thing"]}
    chip(page, "All")
    expect(page.locator(CARDS)).to_have_count(12)
    assert query(page) == {}


def test_price_and_stock_narrow_the_products(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    chip(page, "In stock")
    expect(page.locator(CARDS)).to_have_count(6)
    page.get_by_label("Price, to").fill("14.50")
    expect(page.locator(CARDS)).to_have_count(3)
    expect(page.locator(".stock")).to_have_text(["In stock"] * 3)
    assert query(page) == {"in_stock": ["true"], "price_max": ["14.5"]}
    expect(page.get_by_label("Price, to")).to_have_value("14.50")


def test_a_price_from_above_the_price_to_is_said_and_not_searched(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    page.get_by_label("Price, to").fill("12")
    expect(page.locator(CARDS)).to_have_count(3)
    page.get_by_label("Price, from").fill("20")
    expect(page.get_by_text("The lowest price is above the highest.")).to_be_visible()
    expect(page.locator(CARDS)).to_have_count(3)


def test_filters_of_a_shared_address_are_used_and_unknown_ones_dropped(page: Page, show_photo: ShowPhoto) -> None:
    page.goto("/?category=blue+thing&in_stock=true")
    show_photo()
    expect(page.locator(CARDS)).to_have_count(2)
    page.goto("/?category=submarine")
    page.get_by_role("button", name="Try Red thing").wait_for()
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)


def test_typing_sends_one_search_and_the_last_one_counts(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.evaluate(
        """() => {
          const field = document.querySelector('[aria-label="Price, to"]');
          for (const text of ["1", "13", "13.", "13.5"]) {
            field.value = text;
            field.dispatchEvent(new Event("input"));
          }
        }"""
    )
    expect(page.locator(CARDS)).to_have_count(4)
    assert len(sent) == 1


def test_nothing_left_says_which_filter_it_is_and_lifts_it(page: Page, show_photo: ShowPhoto) -> None:
    page.goto("/?category=red+thing&in_stock=true&price_min=500")
    show_photo()
    notice = page.locator(".notice")
    expect(notice).to_contain_text("It is “price from 500” that leaves nothing.")
    notice.get_by_role("button", name="Without “price from 500”").click()
    expect(page.locator(CARDS)).to_have_count(2)
    assert query(page) == {"category": ["red thing"], "in_stock": ["true"]}
    expect(page.locator("#headline")).to_be_focused()


def test_a_guess_filters_by_its_category_and_keeps_the_focus(page: Page, show_photo: ShowPhoto) -> None:
    page.route("**/api/v1/recommendations", with_guesses)
    show_photo()
    expect(page.locator("#headline")).to_have_text("Not sure: red thing or blue thing?")
    guess = page.locator("#guess-chips").get_by_role("button", name="Blue thing")
    guess.click()
    expect(page.locator(CARDS)).to_have_count(4)
    expect(page.locator(".card-category")).to_have_text(["Blue thing"] * 4)
    expect(guess).to_be_focused()
    expect(guess).to_have_attribute("aria-pressed", "true")


def with_guesses(route: Route) -> None:
    answer = route.fetch()
    body = answer.json()
    guesses = [("red thing", 0.4), ("blue thing", 0.35)]
    top = [{"label": label, "probability": probability} for label, probability in guesses]
    body["prediction"] = {"label": "red thing", "probability": 0.4, "verdict": "unsure", "top": top}
    route.fulfill(response=answer, json=body)


def test_a_category_of_a_shared_address_is_in_view_on_a_phone(page: Page, show_photo: ShowPhoto) -> None:
    page.set_viewport_size(PHONE)
    page.goto("/?category=red+thing")
    show_photo()
    chosen = page.get_by_role("search").get_by_role("button", name="Red thing", exact=True)
    expect(chosen).to_be_in_viewport(ratio=1)
