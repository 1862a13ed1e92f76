"""In a language that is written from right to left: nothing too wide, and a photo still has its left at the left."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, RED, open_context
from tests.browser.test_crop import box_of, two_halves
from tests.browser.test_failures import problem
from tests.browser.test_looks import OVERFLOW_PX
from tests.browser.test_search import CARDS, SEARCH
from tests.tiny_store import photo_bytes

pytestmark = pytest.mark.browser

OUTSIDE = """() => [...document.querySelectorAll("button, a, select, input, label, img, h1, h2, h3, p")]
  .filter((element) => element.checkVisibility({ opacityProperty: true }) && !element.closest(".chips, .sample-row"))
  .filter((element) => !element.closest(".visually-hidden") && !element.matches(".visually-hidden"))
  .filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    return left < -1 || right > innerWidth + 1;
  })
  .map((element) => element.outerHTML.slice(0, 120))"""


@pytest.fixture
def page(browser: Browser, live_server: str) -> Iterator[Page]:
    """A phone of a reader in Egypt, with a fake camera."""
    context = open_context(browser, live_server, viewport=PHONE, locale="ar-EG")
    page = context.new_page()
    page.goto("/")
    page.locator("#samples").wait_for()
    yield page
    context.close()


def show(page: Page, data: bytes | None = None) -> None:
    content = photo_bytes(RED, 7) if data is None else data
    page.set_input_files("#file", {"name": "photo.png", "mimeType": "image/png", "buffer": content})


def start(page: Page) -> None:
    page.evaluate("localStorage.setItem('snapshelf.recent', '[\"p02\", \"p03\"]')")
    page.reload()
    expect(page.locator("#recent li")).to_have_count(2)


def result(page: Page) -> None:
    show(page)
    expect(page.locator(CARDS)).to_have_count(12)


def part(page: Page) -> None:
    result(page)
    page.locator("#crop-open").click()
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")


def thanks(page: Page) -> None:
    result(page)
    page.locator(CARDS).first.locator(".feedback button").first.click()
    expect(page.get_by_role("button", name="تراجع")).to_be_visible()


def correction(page: Page) -> None:
    result(page)
    page.locator("#judgement").get_by_role("button", name="غير صحيح").click()
    expect(page.get_by_label("هو في الحقيقة…")).to_be_visible()


def more_like(page: Page) -> None:
    page.goto("/?like=p05")
    expect(page.locator("#headline")).to_contain_text("منتجات تشبه")
    expect(page.locator(CARDS)).not_to_have_count(0)


def nothing(page: Page) -> None:
    page.goto("/?in_stock=true&price_min=500")
    page.locator("#samples").wait_for()
    show(page)
    expect(page.locator(".notice")).to_contain_text("لا شيء يوافق")


def failure(page: Page) -> None:
    page.route(SEARCH, lambda route: problem(route, 429, {"Retry-After": "60"}))
    show(page)
    expect(page.locator(".wait")).to_have_text("تُعاد المحاولة بعد ٦٠ ثانية")


def camera(page: Page) -> None:
    page.locator("#camera-open").click()
    expect(page.locator("#camera-take")).to_be_visible()


def privacy(page: Page) -> None:
    page.locator("#privacy").click()
    expect(page.locator("h1")).to_have_text("ماذا يحدث لصورتك")


VIEWS = (start, result, part, thanks, correction, more_like, nothing, failure, camera, privacy)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_no_view_is_too_wide_and_nothing_lies_outside(page: Page, view: Callable[[Page], None]) -> None:
    view(page)
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert page.evaluate(OVERFLOW_PX) == 0
        assert page.evaluate(OUTSIDE) == []


def test_the_page_begins_at_the_right(page: Page) -> None:
    result(page)
    page.set_viewport_size(DESKTOP)
    places = {name: page.locator(name).bounding_box() for name in ("#home", "#language", "#photo-frame", "#grid")}
    x = {name: place["x"] for name, place in places.items() if place is not None}
    assert x["#home"] > x["#language"]
    assert x["#photo-frame"] > x["#grid"]


def test_the_box_goes_where_arrows_and_mouse_lead_it(page: Page) -> None:
    show(page, two_halves())
    expect(page.locator(CARDS)).to_have_count(12)
    page.locator("#crop-open").click()
    box = page.locator("#crop-box")
    expect(box).to_be_focused()
    for _ in range(10):
        box.press("Shift+ArrowLeft")
    for _ in range(12):
        box.press("ArrowLeft")
    assert box_of(page) == pytest.approx([0, 15, 40, 70])
    expect(page.locator("#headline")).to_have_text("Blue thing")
    stage, shown = page.locator("#crop-stage").bounding_box(), box.bounding_box()
    assert stage is not None
    assert shown is not None
    assert shown["x"] == pytest.approx(stage["x"], abs=1)
    page.mouse.move(stage["x"] + 0.2 * stage["width"], stage["y"] + 0.5 * stage["height"])
    page.mouse.down()
    page.mouse.move(stage["x"] + 0.8 * stage["width"], stage["y"] + 0.5 * stage["height"], steps=4)
    page.mouse.up()
    assert box_of(page) == pytest.approx([60, 15, 40, 70], abs=1)
    expect(page.locator("#headline")).to_have_text("Red thing")


def test_the_camera_takes_a_picture(page: Page) -> None:
    camera(page)
    page.locator("#camera-take").click()
    expect(page.locator(CARDS)).not_to_have_count(0)


@pytest.mark.parametrize("category", ["blue thing", "red thing"])
def test_the_chosen_category_is_brought_into_view(page: Page, category: str) -> None:
    page.goto(f"/?category={category}")
    page.locator("#samples").wait_for()
    show(page)
    expect(page.locator('#filters [aria-pressed="true"]').first).to_be_in_viewport(ratio=1)


def test_names_in_latin_letters_stand_by_themselves(page: Page) -> None:
    more_like(page)
    expect(page.locator("#headline")).to_have_text("منتجات تشبه «\u2068Red Thing 5\u2069»")
    expect(page.locator(".price-tag").first).to_contain_text("€")
