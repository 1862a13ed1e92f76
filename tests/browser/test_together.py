"""What is often bought with the best match: shown apart from the look-alikes, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Request, Route, expect

from snapshelf.pipelines.orders import learn_orders
from snapshelf.settings import Settings
from snapshelf.wiring import open_shelf
from tests.baskets import write_orders
from tests.browser.conftest import PHONE, ShowPhoto
from tests.browser.test_looks import OVERFLOW_PX
from tests.browser.test_search import CARDS
from tests.serving import served
from tests.tiny_store import build_tiny_store

pytestmark = pytest.mark.browser

SECTION = "#together"
CARDS_THERE = "#together-grid .card"
ASKED = "**/bought-together*"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store with orders: each red thing was bought with p01, which is out of stock, and less often with p00."""
    root = tmp_path_factory.mktemp("together")
    store = build_tiny_store(root)
    baskets = [{red, other} for red in ("p02", "p05", "p08", "p11") for other in ["p01"] * 30 + ["p00"] * 20]
    learn_orders(store, write_orders(root / "orders.csv", baskets + [{"p03"}] * 300))
    with served(open_shelf(store, Settings(threads=1)), Settings(threads=1)) as running:
        yield running


@pytest.fixture
def page(page: Page, address: str) -> Page:
    """The page of that store."""
    page.goto(address)
    page.get_by_role("button", name="Try Red thing").wait_for()
    return page


def asked_after(page: Page, show_photo: ShowPhoto) -> list[str]:
    """What the page asked of orders once its look-alikes are there and it is quiet."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if "bought-together" in request.url:
            asked.append(request.url)

    page.on("request", note)
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    page.wait_for_load_state("networkidle")
    page.remove_listener("request", note)
    return asked


def test_without_orders_nothing_is_asked_or_shown(page: Page, live_server: str, show_photo: ShowPhoto) -> None:
    page.goto(live_server)
    page.get_by_role("button", name="Try Red thing").wait_for()
    assert asked_after(page, show_photo) == []
    expect(page.locator(SECTION)).to_be_hidden()


def test_what_was_bought_with_the_best_match_stands_apart(page: Page, show_photo: ShowPhoto) -> None:
    with page.expect_request(ASKED) as asked:
        show_photo()
    best = page.locator(CARDS).first.locator(".card-title").inner_text()
    region = page.get_by_role("region", name=f"Often bought with “{best}”")
    expect(region.get_by_role("heading", level=2)).to_have_text(f"Often bought with “{best}”")
    expect(region.locator(".card-title")).to_have_text(["Blue Thing 0", "Green Thing 1"])
    expect(region.locator(".card-reason")).to_have_text(["In 20 of 50 orders", "In 30 of 50 orders"])
    expect(page.locator(CARDS)).to_have_count(12)
    expect(region.locator(".alike, .feedback")).to_have_count(0)
    assert re.search(r"/api/v1/products/p\d\d/bought-together$", asked.value.url)


def test_the_filter_for_stock_holds_there_too(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator(CARDS_THERE)).to_have_count(2)
    page.get_by_role("search").get_by_role("button", name="In stock", exact=True).click()
    expect(page.locator(CARDS_THERE)).to_have_count(1)


@pytest.mark.parametrize("verdict", ["unsure", "unknown"])
def test_where_the_page_is_not_sure_nothing_is_shown(page: Page, show_photo: ShowPhoto, verdict: str) -> None:
    def doubtful(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        route.fulfill(response=answer, json={**found, "prediction": {**found["prediction"], "verdict": verdict}})

    page.route("**/api/v1/recommendations", doubtful)
    assert asked_after(page, show_photo) == []
    expect(page.locator(SECTION)).to_be_hidden()


def test_a_failure_there_leaves_the_look_alikes(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator(CARDS_THERE)).to_have_count(2)
    page.route(ASKED, lambda route: route.abort())
    show_photo()
    expect(page.locator(SECTION)).to_be_hidden()
    expect(page.locator(CARDS)).to_have_count(12)
    expect(page.locator(".notice")).to_have_count(0)


def test_it_fits_a_phone(page: Page, show_photo: ShowPhoto) -> None:
    page.set_viewport_size(PHONE)
    show_photo()
    expect(page.locator(CARDS_THERE)).to_have_count(2)
    assert page.evaluate(OVERFLOW_PX) == 0
