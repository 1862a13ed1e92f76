"""Light and dark: as the system has it, or as it was chosen on this device, from the first frame on."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PHONE, open_context

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]

BACKGROUND = "getComputedStyle(document.body).backgroundColor"
PAGE = {"light": "rgb(248, 248, 246)", "dark": "rgb(18, 20, 19)"}
CONTROLS = "getComputedStyle(document.documentElement).colorScheme"
BARS = """[...document.querySelectorAll("meta[name=theme-color]")]
  .filter((meta) => matchMedia(meta.media).matches).map((meta) => meta.content)"""
BAR = {"light": ["#f8f8f6"], "dark": ["#121413"]}
NOTE_FRAMES = """() => {
  window.frames_seen = [];
  const note = () => {
    if (document.body) window.frames_seen.push(getComputedStyle(document.body).backgroundColor);
    requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}"""


@pytest.fixture
def context(browser: Browser, live_server: str) -> Iterator[BrowserContext]:
    """One for each test: what it chose is kept in it."""
    context = open_context(browser, live_server)
    yield context
    context.close()


def assert_is(page: Page, scheme: Scheme) -> None:
    assert page.evaluate(BACKGROUND) == PAGE[scheme]
    assert page.evaluate(CONTROLS) == scheme
    assert page.evaluate(BARS) == BAR[scheme]


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("chosen", ["light", "dark"])
def test_what_is_chosen_holds_whatever_the_system_has(page: Page, system: Scheme, chosen: Scheme) -> None:
    page.emulate_media(color_scheme=system)
    assert_is(page, system)
    page.get_by_label("Appearance").select_option(chosen)
    assert_is(page, chosen)
    page.reload()
    assert_is(page, chosen)
    expect(page.get_by_label("Appearance")).to_have_value(chosen)
    page.goto("/privacy")
    assert_is(page, chosen)
    page.goto("/")
    page.get_by_label("Appearance").select_option("system")
    assert_is(page, system)
    assert page.evaluate("localStorage.getItem('snapshelf.theme')") is None


def test_a_change_of_the_system_is_followed(page: Page) -> None:
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert_is(page, scheme)


def test_no_frame_is_drawn_in_the_other_mode(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.get_by_label("Appearance").select_option("dark")
    page.add_init_script(f"({NOTE_FRAMES})()")
    page.reload()
    page.get_by_role("button", name="Try Red thing").wait_for()
    assert set(page.evaluate("frames_seen")) == {PAGE["dark"]}


def test_where_nothing_can_be_kept_the_choice_holds_for_this_visit(page: Page) -> None:
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no') } })")
    page.reload()
    page.get_by_label("Appearance").select_option("dark")
    assert_is(page, "dark")
    page.get_by_label("Language").select_option("de")
    expect(page.locator("#start-title")).to_have_text("Mit einem Foto finden")


def test_the_switches_are_reached_by_keyboard_and_large_enough(page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="My store")).to_be_focused()
    for name in ("Language", "Appearance"):
        page.keyboard.press("Tab")
        switch = page.get_by_label(name)
        expect(switch).to_be_focused()
        place = switch.bounding_box()
        assert place is not None
        assert min(place["width"], place["height"]) >= 44
    page.keyboard.press("ArrowDown")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_scripts_the_system_decides(browser: Browser, live_server: str, scheme: Scheme) -> None:
    with browser.new_context(base_url=live_server, java_script_enabled=False, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto("/")
        corner = Image.open(io.BytesIO(page.screenshot())).convert("RGB").getpixel((2, 400))
    assert f"rgb{corner}" == PAGE[scheme]
