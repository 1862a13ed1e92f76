"""What is often bought with the best match: shown apart from the look-alikes, or not at all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PHONE, ShowPhoto
from tests.browser.test_looks import OVERFLOW_PX
from tests.browser.test_search import CARDS

pytestmark = pytest.mark.browser

SECTION = "#together"
CARDS_THERE = "#together-grid .card"
ASKED = "**/bought-together*"
TITLE = "A scarf <b>of wool</b>"


def with_orders(page: Page, *, in_stock: bool = True) -> None:
    """A store with orders: each product was bought with the same two others. Both answers are in the API's form."""

    def store(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "has_orders": True})

    def bought_together(route: Route) -> None:
        product = page.request.get("/api/v1/products/p02").json()
        facts = {"confidence": 0.15, "lift": 3.2, "reason": "in 1,200 of 8,000 orders with this product"}
        companions = [
            {"product": {**product, "title": title, "in_stock": there}, "support": support, **facts}
            for title, there, support in ((TITLE, True, 1200), ("Gloves", False, 12))
        ]
        asked_in_stock = "in_stock=true" in route.request.url
        shown = [each for each in companions if each["product"]["in_stock"] or not asked_in_stock]
        route.fulfill(json={"product_id": "p02", "num_orders": 8000, "bought_together": shown})

    page.route("**/api/v1/store", store)
    page.route(ASKED, bought_together)
    page.reload()
    page.get_by_role("button", name="Try Red thing").wait_for()


def test_without_orders_nothing_is_asked_or_shown(page: Page, show_photo: ShowPhoto) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    expect(page.locator(SECTION)).to_be_hidden()
    assert not [url for url in asked if "bought-together" in url]


def test_what_was_bought_with_the_best_match_stands_apart(page: Page, show_photo: ShowPhoto) -> None:
    with_orders(page)
    with page.expect_request(ASKED) as asked:
        show_photo()
    best = page.locator(CARDS).first.locator(".card-title").inner_text()
    region = page.get_by_role("region", name=f"Often bought with “{best}”")
    expect(region.get_by_role("heading", level=2)).to_have_text(f"Often bought with “{best}”")
    expect(region.locator(".card-title")).to_have_text([TITLE, "Gloves"])
    expect(region.locator(".card-reason")).to_have_text(["In 1,200 of 8,000 orders", "In 12 of 8,000 orders"])
    expect(page.locator(CARDS)).to_have_count(12)
    expect(region.locator(".alike, .feedback")).to_have_count(0)
    assert re.search(r"/api/v1/products/[^/]+/bought-together$", asked.value.url)


def test_the_filter_for_stock_holds_there_too(page: Page, show_photo: ShowPhoto) -> None:
    with_orders(page)
    show_photo()
    expect(page.locator(CARDS_THERE)).to_have_count(2)
    page.get_by_role("search").get_by_role("button", name="In stock", exact=True).click()
    expect(page.locator(CARDS_THERE)).to_have_count(1)


@pytest.mark.parametrize("verdict", ["unsure", "unknown"])
def test_where_the_page_is_not_sure_nothing_is_shown(page: Page, show_photo: ShowPhoto, verdict: str) -> None:
    with_orders(page)

    def doubtful(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        route.fulfill(response=answer, json={**found, "prediction": {**found["prediction"], "verdict": verdict}})

    page.route("**/api/v1/recommendations", doubtful)
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    expect(page.locator(SECTION)).to_be_hidden()


def test_a_failure_there_leaves_the_look_alikes(page: Page, show_photo: ShowPhoto) -> None:
    with_orders(page)
    show_photo()
    expect(page.locator(CARDS_THERE)).to_have_count(2)
    page.route(ASKED, lambda route: route.abort())
    show_photo()
    expect(page.locator(SECTION)).to_be_hidden()
    expect(page.locator(CARDS)).to_have_count(12)
    expect(page.locator(".notice")).to_have_count(0)


def test_it_fits_a_phone(page: Page, show_photo: ShowPhoto) -> None:
    page.set_viewport_size(PHONE)
    with_orders(page)
    show_photo()
    expect(page.locator(CARDS_THERE)).to_have_count(2)
    assert page.evaluate(OVERFLOW_PX) == 0
