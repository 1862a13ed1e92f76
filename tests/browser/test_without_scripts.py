"""With scripts off an ordinary form searches: at a phone's size, in both modes, by keyboard, in other languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import HOSTILE_TITLE, PHONE, RED
from tests.browser.test_looks import OVERFLOW_PX
from tests.tiny_store import photo_bytes

pytestmark = pytest.mark.browser

CARDS = ".grid .card"


@pytest.fixture
def page(browser: Browser, live_server: str) -> Iterator[Page]:
    """A phone with scripts off."""
    context = browser.new_context(base_url=live_server, viewport=PHONE, locale="en-GB", java_script_enabled=False)
    context.set_default_timeout(5000)
    page = context.new_page()
    page.goto("/")
    yield page
    context.close()


def search(page: Page, data: bytes | None = None) -> None:
    content = photo_bytes(RED, 7) if data is None else data
    page.locator("#plain-photo:visible").set_input_files(
        {"name": "photo.png", "mimeType": "image/png", "buffer": content}
    )
    page.get_by_role("button", name="Search").click()


def test_a_photo_is_sent_and_products_are_shown_and_filtered(page: Page) -> None:
    expect(page.locator("h1:visible")).to_have_text("Find it with a photo")
    expect(page.get_by_role("button", name="Use the live camera")).to_be_hidden()
    expect(page.get_by_label("Appearance")).to_be_hidden()
    search(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Red thing")
    expect(page.locator(CARDS)).to_have_count(13)
    page.get_by_label("Category").select_option("red thing")
    page.get_by_label("Only what is in stock").check()
    page.get_by_label("Price, to").fill("15")
    page.get_by_role("button", name="Show these").click()
    expect(page.locator(".card-title")).to_have_text(["Red Thing 2"])
    expect(page.get_by_label("Category")).to_have_value("red thing")
    expect(page.get_by_label("Only what is in stock")).to_be_checked()
    expect(page.get_by_label("Price, to")).to_have_value("15")
    expect(page.locator(CARDS).get_by_role("link", name="Red Thing 2", exact=True)).to_have_attribute(
        "href", "https://shop.example/p02"
    )


def test_more_like_a_product(page: Page) -> None:
    search(page)
    card = page.locator(CARDS).filter(has_text="Green Thing 4")
    card.get_by_role("link", name=re.compile("^More like this ?: Green Thing 4$")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("More like “Green Thing 4”")
    page.get_by_label("Only what is in stock").check()
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("More like “Green Thing 4”")
    expect(page.locator(".stock")).to_have_text(["In stock"] * 5)


def test_a_shared_link_leads_on_to_its_products(page: Page) -> None:
    page.goto("/?like=p05")
    page.get_by_role("link", name="Products like it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("More like “Red Thing 5”")


def test_a_file_that_is_no_photo_is_said_and_the_form_is_there_again(page: Page) -> None:
    search(page, b"text")
    expect(page.get_by_role("heading", level=1)).to_have_text("This file can’t be read as a photo")
    search(page)
    expect(page.locator(CARDS)).to_have_count(13)


def test_texts_of_products_stay_text(page: Page) -> None:
    search(page)
    card = page.locator(CARDS).filter(has_text="Lamp")
    expect(card.locator(".card-title")).to_have_text(HOSTILE_TITLE)
    expect(card.locator(".card-title a")).to_have_count(0)


def test_another_language_is_a_link(page: Page) -> None:
    page.get_by_role("link", name="Deutsch").click()
    expect(page.locator("h1:visible")).to_have_text("Mit einem Foto finden")
    page.locator("#plain-photo").set_input_files(
        {"name": "photo.png", "mimeType": "image/png", "buffer": photo_bytes(RED, 7)}
    )
    page.get_by_role("button", name="Suchen").click()
    expect(page.locator("#results-count")).to_have_text("13 Produkte")


def test_by_keyboard_everything_is_reached_in_order(page: Page) -> None:
    search(page)
    page.get_by_label("Category").focus()
    for name in ("Price, from", "Price, to", "Only what is in stock", "New photo"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(name)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Show these")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_and_nothing_too_wide(browser: Browser, page: Page, scheme: Literal["light", "dark"]) -> None:
    """axe-core itself is a script: it looks at what the form answered in a browser that lets it run."""
    search(page)
    answers = [page.content()]
    page.goto("/")
    search(page, b"text")
    answers.append(page.content())
    with browser.new_context(base_url=page.url, viewport=PHONE, color_scheme=scheme) as context:
        for answer in answers:
            assert faults(context.new_page(), re.sub("<script.*?</script>", "", answer)) == []


def faults(page: Page, answer: str) -> list[str]:
    """What axe-core calls serious or critical, and by how many pixels it is too wide."""
    page.route("**/answer", lambda route: route.fulfill(body=answer, content_type="text/html"))
    page.goto("/answer")
    violations = Axe().run(page).response["violations"]
    serious = [each for each in violations if each["impact"] in ("serious", "critical")]
    found = [f"{each['id']}: {node['html'][:200]}" for each in serious for node in each["nodes"]]
    return found + [f"{page.evaluate(OVERFLOW_PX)} px"] * bool(page.evaluate(OVERFLOW_PX))
