"""What the page says of a photo, from the modules that find the words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import open_context

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]

CALL = "async ([module, name, ...rest]) => (await import(`/static/js/${module}.js`))[name](...rest)"


@pytest.fixture(scope="module")
def blank(browser: Browser, live_server: str) -> Iterator[Page]:
    """The page, shared by all of this file, since nothing is done on it."""
    context = open_context(browser, live_server)
    page = context.new_page()
    page.goto("/")
    yield page
    context.close()


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("sneaker", "a sneaker"),
        ("Ankle boot", "an ankle boot"),
        ("ankle_boot", "an ankle boot"),
        ("T-shirt", "a T-shirt"),
        ("t-shirt", "a t-shirt"),
        ("LED lamp", "an LED lamp"),
        ("uniform", "a uniform"),
        ("umbrella", "an umbrella"),
        ("hourglass", "an hourglass"),
        ("dress", "a dress"),
        ("shorts", "shorts"),
        ("outwear", "outwear"),
    ],
)
def test_articles(blank: Page, label: str, words: str) -> None:
    assert blank.evaluate(CALL, ["labels", "withArticle", label]) == words


@pytest.mark.parametrize(
    ("verdict", "headline", "sureness"),
    [
        ("confident", "Sneaker", "Very sure, 62%"),
        ("likely", "Looks like a sneaker", "Fairly sure, 62%"),
        ("unsure", "Not sure: sneaker or sandal?", "A close call, 62% for sneaker"),
        ("unknown", "We don’t seem to sell this.", "Closest guess: sneaker, 62%"),
    ],
)
def test_every_verdict_has_honest_words(blank: Page, verdict: str, headline: str, sureness: str) -> None:
    top = [{"label": "sneaker", "probability": 0.62}, {"label": "sandal", "probability": 0.3}]
    prediction = {"label": "sneaker", "probability": 0.62, "verdict": verdict, "top": top}
    assert blank.evaluate(CALL, ["verdict", "headline", prediction]) == headline
    assert blank.evaluate(CALL, ["verdict", "sureness", prediction]) == sureness


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (59, "EUR", "€59.00"),
        (0, "GBP", "£0.00"),
        (5.5, "doubloons", "5.50 doubloons"),
        (5.5, None, "5.50"),
        (None, "EUR", None),
    ],
)
def test_prices_in_the_readers_locale(
    blank: Page, amount: float | None, currency: str | None, words: str | None
) -> None:
    assert blank.evaluate(CALL, ["format", "price", amount, currency]) == words


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///x", "", None]
)
def test_addresses_that_are_no_links(blank: Page, address: str | None) -> None:
    assert blank.evaluate(CALL, ["dom", "safeAddress", address]) is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("accent", ["#0b6e4f", "#f5c400", "#ffffff", "#000000", "#1a237e", "#ff5252"])
def test_any_accent_is_legible_in_both_modes(blank: Page, accent: str, scheme: Scheme) -> None:
    blank.evaluate(CALL, ["theme", "applyAccent", accent])
    blank.emulate_media(color_scheme=scheme)
    assert contrast(*blank.evaluate(COLOURS_OF, [".target .button", "color", "backgroundColor"])) >= 4.5
    assert contrast(*blank.evaluate(COLOURS_OF, [".start a", "color", None])) >= 4.5


COLOURS_OF = """([selector, ...names]) => names.map((name) => {
  const element = name ? document.querySelector(selector) : document.body;
  return getComputedStyle(element)[name ?? "backgroundColor"].match(/[\\d.]+/g).slice(0, 3).map(Number);
})"""


def contrast(one: list[float], other: list[float]) -> float:
    """WCAG 2's ratio, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: list[float]) -> float:
    shares = [channel / 255 for channel in colour]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
