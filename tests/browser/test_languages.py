"""The page speaks the reader's language, all of it, and changes it at a switch that this device remembers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, Route, expect

from snapshelf.web.words import languages, words_for
from tests.browser.conftest import PHONE, RED, ShowPhoto, open_context
from tests.browser.test_accessible import VIEWS, privacy
from tests.browser.test_failures import problem
from tests.browser.test_looks import OVERFLOW_PX
from tests.browser.test_search import CARDS, SEARCH
from tests.tiny_store import photo_bytes

pytestmark = pytest.mark.browser


@pytest.fixture
def context(browser: Browser, live_server: str) -> Iterator[BrowserContext]:
    """One for each test: what it chose is kept in it."""
    context = open_context(browser, live_server)
    yield context
    context.close()


@pytest.fixture
def german(browser: Browser, live_server: str) -> Iterator[Page]:
    """A phone of a reader in Germany."""
    context = open_context(browser, live_server, viewport=PHONE, locale="de-DE")
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name="Red thing ausprobieren").wait_for()
    yield page
    context.close()


def choose(page: Page, data: bytes, name: str = "photo.png") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": data})


def test_a_german_reader_reads_german_with_german_numbers(german: Page) -> None:
    expect(german.locator("html")).to_have_attribute("lang", "de")
    expect(german).to_have_title("My store: mit einem Foto finden")
    choose(german, photo_bytes(RED, 7))
    expect(german.locator(CARDS)).to_have_count(12)
    expect(german.locator("#results-count")).to_have_text("12 Produkte")
    expect(german.locator("#sureness")).to_have_text("Sehr sicher, 99 %")
    expect(german.locator("#live")).to_contain_text("Red thing. 12 Produkte, zuerst: ")
    card = german.locator(CARDS).filter(has_text="Red Thing 2")
    expect(card.locator(".price-tag")).to_have_text("12,00 €")
    expect(card.locator(".stock")).to_have_text("Auf Lager")
    expect(card.locator(".card-reason")).to_have_text("Gleiche Kategorie, sieht sehr ähnlich aus, auch rot")
    assert german.evaluate(OVERFLOW_PX) == 0


def test_what_the_server_refuses_is_said_in_german(german: Page) -> None:
    choose(german, b"text")
    expect(german.get_by_role("alert")).to_contain_text("lässt sich nicht als Foto lesen")
    expect(german.locator("#notice")).not_to_contain_text("picture")


def test_the_switch_changes_everything_at_once_and_keeps_the_photo(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    page.get_by_label("Price, to").fill("14")
    expect(page.locator(CARDS)).to_have_count(5)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_label("Language").focus()
    page.get_by_label("Language").select_option("de")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#results-title")).to_have_text("Ähnliche Produkte")
    expect(page.locator("#results-count")).to_have_text("5 Produkte")
    expect(page.locator(CARDS)).to_have_count(5)
    expect(page.locator(".card-reason").first).to_contain_text("Kategorie")
    expect(page.get_by_label("Preis, bis")).to_have_value("14")
    expect(page.get_by_role("button", name="Neues Foto")).to_be_attached()
    expect(page.get_by_label("Sprache")).to_be_focused()
    assert sent == []
    page.goto("/")
    expect(page.locator("#start-title")).to_have_text("Mit einem Foto finden")
    page.get_by_role("link", name="Was damit geschieht").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Was mit Ihrem Foto geschieht")
    assert page.context.cookies() == []


def test_a_wait_goes_on_counting_in_the_other_language(page: Page, show_photo: ShowPhoto) -> None:
    page.clock.install()
    page.route(SEARCH, lambda route: problem(route, 429, {"Retry-After": "9"}), times=1)
    show_photo()
    expect(page.locator(".wait")).to_have_text("Trying again in 9 seconds")
    page.clock.run_for(4_000)
    page.get_by_label("Language").select_option("de")
    expect(page.locator(".wait")).to_have_text("Neuer Versuch in 5 Sekunden")
    page.clock.run_for(5_000)
    expect(page.locator(CARDS)).to_have_count(12)


def test_without_a_connection_the_language_stays(page: Page) -> None:
    page.route("**/static/words/de.json", lambda route: route.abort())
    page.get_by_label("Language").select_option("de")
    expect(page.get_by_label("Language")).to_have_value("en")
    expect(page.locator("#start-title")).to_have_text("Find it with a photo")


def test_a_chosen_language_is_never_shown_in_another_one_first(page: Page) -> None:
    page.evaluate("localStorage.setItem('snapshelf.language', 'de')")
    held: list[Route] = []
    page.route("**/static/words/de.json", lambda route: held.append(route))  # noqa: PLW0108 (a bound method is refused)
    page.goto("/", wait_until="commit")
    page.wait_for_function("() => document.querySelector('#start-title')")
    assert not page.locator("#start-title").is_visible()
    page.wait_for_function("() => performance.getEntriesByType('resource').some((one) => one.name.endsWith('main.js'))")
    for route in held:
        route.continue_()
    page.unroute("**/static/words/de.json")
    expect(page.locator("#start-title")).to_be_visible()
    expect(page.locator("#start-title")).to_have_text("Mit einem Foto finden")


def test_a_language_that_is_gone_leaves_the_page_as_it_came(page: Page) -> None:
    page.evaluate("localStorage.setItem('snapshelf.language', 'xx')")
    page.reload()
    page.get_by_role("button", name="Try Red thing").wait_for()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_one_language_is_loaded(german: Page) -> None:
    asked: list[str] = []

    def note(answer: Response) -> None:
        if "/words/" in answer.url:
            asked.append(answer.url.rpartition("/")[2])

    german.on("response", note)
    german.reload()
    german.get_by_role("button", name="Red thing ausprobieren").wait_for()
    assert set(asked) == {"de.json"}


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_scripts_and_server_fill_texts_in_alike(page: Page, language: str) -> None:
    page.get_by_label("Language").select_option(language)
    expect(page.locator("html")).to_have_attribute("lang", language)
    words = words_for(language, "en-GB")
    for key, values in SAID:
        said = page.evaluate("async (said) => (await import('/static/js/words.js')).text(...said)", [key, values])
        assert said == words(key, **values)


SAID: list[tuple[str, dict[str, Any]]] = [
    *[("results.count", {"count": count}) for count in (0, 1, 2)],
    ("verdict.unsure", {"first": "Ankle_boot", "second": "T-shirt"}),
    ("sureness.unsure", {"label": "LED lamp", "figure": "62%"}),
    ("samples.try", {"label": "ankle_boot"}),
    ("like.title", {"title": "Boot {title} $& \\1"}),
    ("text.quoted", {"text": "<b>"}),
]


def marked(text: str | dict[str, str]) -> str | dict[str, str]:
    """So that it is seen which texts come from the file."""
    return {form: f"⟦{each}⟧" for form, each in text.items()} if isinstance(text, dict) else f"⟦{text}⟧"


UNMARKED = """(own) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const said = []; // not .camera-text: it is in a modal dialog, and the switch isn't
  while (walker.nextNode()) {
    const { parentElement: parent, textContent } = walker.currentNode;
    if (parent.closest("script, .plain-only, .camera-text, #language, #language-code")) continue;
    said.push([textContent, parent]);
  }
  for (const element of document.querySelectorAll("*")) {
    for (const name of ["aria-label", "aria-description", "alt", "title", "placeholder"]) {
      if (element.getAttribute(name)) said.push([element.getAttribute(name), element]);
    }
  }
  const known = (text) => own.some((one) => text.toLowerCase().replaceAll("_", " ").includes(one.toLowerCase()));
  return said
    .filter(([text, element]) => /\\p{L}{2}/u.test(text) && !/[⟦⟧]/.test(text) && !element.textContent.includes("⟦"))
    .map(([text]) => text.trim())
    .filter((text) => !known(text));
}"""
OWN = ["My store", "thing", "Lamp", "brand", "Acme", "€"]
"""The store's own words, which stay as they are."""


@pytest.mark.parametrize("view", [view for view in VIEWS if view is not privacy], ids=lambda view: view.__name__)
def test_whatever_a_customer_reads_comes_from_the_languages_file(
    page: Page, show_photo: ShowPhoto, view: Callable[[Page, ShowPhoto], None]
) -> None:
    view(page, show_photo)
    texts: dict[str, Any] = {key: marked(text) for key, text in languages()["en"].items()}
    texts["language.direction"] = "ltr"
    page.route("**/static/words/de.json", lambda route: route.fulfill(body=json.dumps(texts)))
    page.evaluate("""() => {
      const select = document.getElementById("language");
      select.value = "de";
      select.dispatchEvent(new Event("change"));
    }""")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.wait_for_function(f"(own) => (window.unmarked = ({UNMARKED})(own)).length === 0", arg=OWN)
