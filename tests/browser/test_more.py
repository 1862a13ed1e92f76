"""More like one product, more products, a link to share, and what was looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from snapshelf.settings import Settings
from snapshelf.types import Product
from snapshelf.wiring import open_shelf
from tests.browser.conftest import ShowPhoto, open_context
from tests.browser.test_filters import chip, query
from tests.browser.test_search import CARDS
from tests.serving import served
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes

pytestmark = pytest.mark.browser


@pytest.fixture
def context(browser: Browser, live_server: str) -> Iterator[BrowserContext]:
    """One for each test: its storage and its clipboard are used."""
    context = open_context(browser, live_server)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server)
    yield context
    context.close()


def like(page: Page, title: str) -> None:
    """Press «More like this» on a card."""
    page.locator(CARDS).filter(has_text=title).get_by_role("button", name="More like this").click()


def test_more_like_a_product_and_back_to_the_photo(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    like(page, "Green Thing 4")
    expect(page.locator("#headline")).to_have_text("More like “Green Thing 4”")
    expect(page.locator("#headline")).to_be_focused()
    expect(page.locator(".card-category").first).to_have_text("Green thing")
    expect(page.locator(CARDS).filter(has_text="Green Thing 4")).to_have_count(0)
    expect(page.locator("#photo")).to_have_attribute("alt", "Green Thing 4")
    expect(page.get_by_role("link", name="See the product")).to_have_attribute("href", "https://shop.example/p04")
    expect(page.locator("#sureness")).to_have_text("€14.00 · In stock")
    expect(page.get_by_role("button", name="Choose a part")).to_be_hidden()
    assert query(page) == {"like": ["p04"]}
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.go_back()
    expect(page.locator("#headline")).to_have_text("Red thing")
    expect(page.locator(CARDS)).to_have_count(12)
    assert (query(page), sent) == ({}, [])


def test_a_link_to_more_like_this_works_from_a_fresh_load(page: Page) -> None:
    page.goto("/?like=p05&in_stock=true")
    expect(page.locator("#headline")).to_have_text("More like “Red Thing 5”")
    expect(page.locator(CARDS)).to_have_count(6)
    expect(page.locator(".stock")).to_have_text(["In stock"] * 6)
    page.reload()
    expect(page.locator(CARDS)).to_have_count(6)
    assert query(page) == {"like": ["p05"], "in_stock": ["true"]}


def test_a_link_to_a_product_that_is_gone_says_so(page: Page) -> None:
    page.goto("/?like=no-such-thing")
    expect(page.get_by_role("alert")).to_contain_text("This product isn’t here any more")
    page.get_by_role("link", name="My store").click()
    expect(page.locator("#start")).to_be_visible()


def test_filters_stay_between_searches(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    chip(page, "In stock")
    expect(page.locator(CARDS)).to_have_count(6)
    like(page, "Green Thing 4")
    expect(page.locator("#headline")).to_have_text("More like “Green Thing 4”")
    expect(page.locator(CARDS)).to_have_count(5)
    show_photo(photo_bytes(COLOURS["blue thing"], 3))
    expect(page.locator("#headline")).to_have_text("Blue thing")
    expect(page.locator(CARDS)).to_have_count(6)
    assert query(page) == {"in_stock": ["true"]}


def test_the_shared_link_leads_to_the_best_match_and_never_to_the_photo(page: Page, show_photo: ShowPhoto) -> None:
    show_photo(photo_bytes(COLOURS["green thing"], 4))
    expect(page.locator(CARDS)).to_have_count(12)
    page.get_by_role("button", name="Share").click()
    expect(page.locator("#share-said")).to_contain_text("Link copied. The link shows products like the best match.")
    link = page.evaluate("navigator.clipboard.readText()")
    page.goto(link)
    expect(page.locator("#headline")).to_have_text("More like “Green Thing 4”")


def test_what_was_looked_at_is_on_the_start_until_it_is_cleared(page: Page, show_photo: ShowPhoto) -> None:
    expect(page.locator("#recent")).to_be_hidden()
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    like(page, "Red Thing 2")
    expect(page.locator("#headline")).to_have_text("More like “Red Thing 2”")
    page.route("https://shop.example/**", lambda route: route.fulfill(body="the shop"))
    page.get_by_role("link", name="Red Thing 5").click()
    page.goto("/")
    recent = page.locator("#recent")
    expect(recent.locator(".recent-title")).to_have_text(["Red Thing 5", "Red Thing 2"])
    expect(recent.get_by_role("link").first).to_have_attribute("href", "https://shop.example/p05")
    page.evaluate("localStorage.setItem('snapshelf.recent', JSON.stringify(['gone', 'p02']))")
    page.reload()
    expect(recent.locator(".recent-title")).to_have_text(["Red Thing 2"])
    assert page.evaluate("localStorage.getItem('snapshelf.recent')") == '["p02"]'
    recent.get_by_role("button", name="Clear recently viewed").click()
    expect(recent).to_be_hidden()
    expect(page.locator("#start-title")).to_be_focused()
    assert page.evaluate("localStorage.length") == 0


@pytest.fixture(scope="module")
def large_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a store with 42 products."""
    settings = Settings(threads=1)
    shelf = open_shelf(build_tiny_store(tmp_path_factory.mktemp("large")), settings)
    for number in range(30):
        product = Product(
            f"more-{number:02}", f"Another {number}", "red thing", 5.0 + number, "EUR", attributes={"brand": "Otter"}
        )
        shelf.gallery.put(product, [photo_bytes(COLOURS["red thing"], 600 + number)])
    with served(shelf, settings) as address:
        yield address


def test_more_products_are_added_below_until_there_are_no_more(page: Page, large_store: str) -> None:
    page.goto(large_store)
    page.get_by_role("button", name="Try Red thing").click()
    more = page.get_by_role("button", name="Show more")
    for number in (12, 24, 36):
        expect(page.locator(CARDS)).to_have_count(number)
        first = page.locator(".card-title").first.text_content()
        more.focus()
        page.keyboard.press("Enter")
        expect(page.locator(CARDS)).to_have_count(min(number + 12, 42))
        expect(page.locator(".card-title").first).to_have_text(first or "")
        expect(page.locator(CARDS).nth(number).locator("a, button").first).to_be_focused()
    expect(more).to_be_hidden()
    expect(page.locator("#results-count")).to_have_text("42 products")


def test_attributes_and_words_narrow_the_products_with_counts(page: Page, large_store: str) -> None:
    page.goto(large_store)
    page.get_by_role("button", name="Try Red thing").click()
    expect(page.locator(CARDS)).to_have_count(12)
    brand = page.get_by_label("Brand")
    expect(brand.locator("option")).to_have_text(["Any brand", "Otter (30)", "Acme (12)"])
    brand.select_option("Acme")
    expect(page.locator(CARDS)).to_have_count(12)
    red = page.get_by_role("search").get_by_role("button", name="Red thing")
    expect(red).to_have_attribute("aria-description", "4 products")
    assert query(page) == {"attribute": ["brand:Acme"]}
    page.get_by_label("Price, from").fill("500")
    expect(page.locator(".notice")).to_contain_text("“price from 500”")
    page.get_by_role("button", name="Without “price from 500”").click()
    page.get_by_label("Words to find first").fill("green")
    expect(page.locator(".card-category").first).to_have_text("Green thing")
    expect(page.locator(".card-reason").first).to_contain_text("green")
    assert query(page) == {"attribute": ["brand:Acme"], "text": ["green"]}
