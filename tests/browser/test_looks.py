"""Sizes, modes and hostile texts: what must hold for every customer's screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, Route, ViewportSize, expect

from tests.browser.conftest import DESKTOP, HOSTILE_TITLE, PHONE, ShowPhoto, open_context
from tests.browser.test_search import CARDS

pytestmark = pytest.mark.browser

OVERFLOW_PX = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL_TARGETS = """[...document.querySelectorAll(
    "button, select, label, input:not([type=file]), .brand, #grid a, #crop-box span"
  )]
  .filter((target) => target.checkVisibility())
  .map((target) => (target.closest(".card-title") ? target.closest(".card") : target))
  .filter((target) => target.offsetHeight < 44 || target.offsetWidth < 44)
  .map((target) => target.outerHTML)"""


def top_px(place: Locator) -> float:
    """Where an element begins, from the top of the page."""
    return float(place.evaluate("(element) => element.getBoundingClientRect().top + scrollY"))


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_no_view_scrolls_sideways(page: Page, show_photo: ShowPhoto, size: ViewportSize) -> None:
    page.set_viewport_size(size)
    page.route("**/api/v1/store", _crowded)
    page.reload()
    page.get_by_role("button", name="Try Red thing").first.wait_for()
    assert page.evaluate(OVERFLOW_PX) == 0, "start"
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    assert page.evaluate(OVERFLOW_PX) == 0, "result"
    page.get_by_label("Price, from").fill("500")
    expect(page.locator(".notice")).to_contain_text("Nothing here")
    assert page.evaluate(OVERFLOW_PX) == 0, "nothing fits the filters"
    show_photo(b"text")
    expect(page.locator(".notice")).to_contain_text("can’t be read")
    assert page.evaluate(OVERFLOW_PX) == 0, "error"


def _crowded(route: Route) -> None:
    """A store with a long name, many samples and many categories."""
    answer = route.fetch()
    store = answer.json()
    more = [{"name": f"another category {number}", "num_products": 1} for number in range(9)]
    crowded = {"name": "A name " * 10, "samples": store["samples"] * 3, "categories": store["categories"] + more}
    route.fulfill(response=answer, json={**store, **crowded})


def test_touch_targets_are_large_enough(page: Page, show_photo: ShowPhoto) -> None:
    page.set_viewport_size(PHONE)
    assert page.evaluate(SMALL_TARGETS) == []
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    assert page.evaluate(SMALL_TARGETS) == []


def test_a_phone_shows_two_cards_a_row_under_the_photo(page: Page, show_photo: ShowPhoto) -> None:
    page.set_viewport_size(PHONE)
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    first, second, third = (top_px(page.locator(CARDS).nth(at)) for at in range(3))
    assert top_px(page.locator("#photo-frame")) < first == second < third


def test_a_desktop_keeps_photo_and_verdict_in_view_at_the_left(page: Page, show_photo: ShowPhoto) -> None:
    page.set_viewport_size({"width": 1440, "height": 700})
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    page.mouse.wheel(0, 400)
    page.wait_for_function("() => scrollY > 200")
    expect(page.locator("#headline")).to_be_in_viewport()
    photo, grid = (page.locator(name).bounding_box() for name in ("#photo-frame", "#grid"))
    assert photo is not None
    assert grid is not None
    assert photo["x"] + photo["width"] < grid["x"]


def test_dark_and_light_follow_the_system(page: Page) -> None:
    red = "Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
    page.emulate_media(color_scheme="light")
    assert page.evaluate(red) > 200
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(red) < 50


def test_a_title_with_markup_stays_text_and_a_script_address_is_no_link(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    card = page.locator(CARDS).filter(has_text="Lamp")
    expect(card.locator(".card-title")).to_have_text(HOSTILE_TITLE)
    expect(card.get_by_role("link")).to_have_count(0)
    card.locator(".card-picture").click()
    expect(page).to_have_title("My store: find it with a photo")


def test_the_page_weighs_under_100_kb_without_photos(browser: Browser, live_server: str) -> None:
    seen: list[Response] = []
    with open_context(browser, live_server) as first_visit:
        page = first_visit.new_page()
        page.on("response", lambda answer: seen.append(answer))  # noqa: PLW0108 (a bound method is refused)
        page.goto("/")
        page.get_by_role("button", name="Try Red thing").wait_for()
        page.wait_for_load_state("networkidle")
        weights = {answer.url: transferred_bytes(answer) for answer in seen if "/samples/" not in answer.url}
    assert any(url.endswith("/js/main.js") for url in weights)
    assert sum(weights.values()) < 100_000


def transferred_bytes(answer: Response) -> int:
    """What came over the wire, headers and all."""
    sizes = answer.request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


SHIFTS = """new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted = (window.shifted ?? 0) + entry.value;
}).observe({ type: "layout-shift", buffered: true })"""


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_jumps_from_the_first_paint_to_the_products(
    page: Page, show_photo: ShowPhoto, size: ViewportSize
) -> None:
    """Cumulative layout shift under 0.1, where even what moves right after a press is counted."""
    page.set_viewport_size(size)
    page.evaluate("localStorage.setItem('snapshelf.recent', '[\"p02\", \"p03\"]')")
    page.reload()
    page.evaluate(SHIFTS)
    expect(page.locator("#recent li")).to_have_count(2)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.shifted ?? 0") < 0.1, "start"
    page.evaluate("window.shifted = 0")
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.shifted ?? 0") < 0.1, "result"
    page.evaluate("localStorage.clear()")


def test_privacy_is_one_click_away(page: Page) -> None:
    page.get_by_role("link", name="What happens to it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What happens to your photo")
