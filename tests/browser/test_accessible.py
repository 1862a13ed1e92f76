"""axe-core looks at every view, in both modes: nothing serious."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, ShowPhoto, open_context
from tests.browser.test_failures import problem
from tests.browser.test_filters import with_guesses
from tests.browser.test_search import CARDS, SEARCH

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def context(browser: Browser, live_server: str) -> Iterator[BrowserContext]:
    """One for this file: what was looked at is kept in it."""
    context = open_context(browser, live_server)
    yield context
    context.close()


def faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical on what is shown now, at both sizes and in both modes."""
    found = set()
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            show_scheme(page, scheme)
            for each in Axe().run(page).response["violations"]:
                if each["impact"] in ("serious", "critical"):
                    found |= {f"{each['id']}: {node['html'][:200]} ({scheme})" for node in each["nodes"]}
    return sorted(found)


def show_scheme(page: Page, scheme: Literal["light", "dark"]) -> None:
    """By the switch where there is one and it can be reached, else by the system's preference."""
    switch = page.locator("#theme")
    if switch.count() and not page.locator("dialog[open]").count():
        page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
        switch.select_option(scheme)
    else:
        page.evaluate("delete document.documentElement.dataset.theme")
        page.emulate_media(color_scheme=scheme)


def start(page: Page, show_photo: ShowPhoto) -> None:
    page.evaluate("localStorage.setItem('snapshelf.recent', '[\"p02\", \"p03\"]')")
    page.reload()
    expect(page.locator("#recent li")).to_have_count(2)


def working(page: Page, show_photo: ShowPhoto) -> None:
    page.route(SEARCH, lambda route: None)
    show_photo()
    expect(page.locator("#sureness")).to_contain_text("Still at it")


def result(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)


def part(page: Page, show_photo: ShowPhoto) -> None:
    result(page, show_photo)
    page.get_by_role("button", name="Choose a part").click()
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")


def unsure(page: Page, show_photo: ShowPhoto) -> None:
    page.route(SEARCH, with_guesses)
    show_photo()
    expect(page.locator("#guess-chips button")).to_have_count(2)


def nothing(page: Page, show_photo: ShowPhoto) -> None:
    page.goto("/?in_stock=true&price_min=500")
    show_photo()
    expect(page.get_by_role("button", name="Lift all filters")).to_be_visible()


def failure(page: Page, show_photo: ShowPhoto) -> None:
    page.route(SEARCH, lambda route: problem(route, 429, {"Retry-After": "60"}))
    show_photo()
    expect(page.get_by_role("alert")).to_contain_text("A little too fast")


def more_like(page: Page, show_photo: ShowPhoto) -> None:
    page.goto("/?like=p05")
    expect(page.locator(CARDS)).to_have_count(12)


def thanks(page: Page, show_photo: ShowPhoto) -> None:
    result(page, show_photo)
    page.get_by_role("button", name="Not helpful").first.click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()


def correction(page: Page, show_photo: ShowPhoto) -> None:
    result(page, show_photo)
    page.get_by_role("button", name="Not right").click()
    expect(page.locator(".correction")).to_be_visible()


def camera(page: Page, show_photo: ShowPhoto) -> None:
    page.get_by_role("button", name="Use the live camera").click()
    expect(page.get_by_role("button", name="Take picture")).to_be_visible()


def camera_refused(page: Page, show_photo: ShowPhoto) -> None:
    page.evaluate("navigator.permissions.query = async () => ({ state: 'denied' })")
    page.get_by_role("button", name="Use the live camera").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Try again")).to_be_visible()


def privacy(page: Page, show_photo: ShowPhoto) -> None:
    page.goto("/privacy")


VIEWS = (
    start,
    working,
    result,
    part,
    unsure,
    nothing,
    failure,
    more_like,
    thanks,
    correction,
    camera,
    camera_refused,
    privacy,
)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_nothing_serious_on_any_view(
    page: Page, show_photo: ShowPhoto, view: Callable[[Page, ShowPhoto], None]
) -> None:
    view(page, show_photo)
    assert faults(page) == []
