"""The texts of the pages: every language whole, every text in its file, and filled in as the scripts do it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel import Locale
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from snapshelf import web
from snapshelf.imaging.colours import COLOURS
from snapshelf.web.words import DEFAULT, Text, languages, words_for

ROOM = Path(web.__file__).parent
SCRIPTS = sorted((ROOM / "static").rglob("js/*.js"))
TEMPLATES = sorted((ROOM / "templates").glob("*.html"))
OTHERS = sorted(set(languages()) - {DEFAULT})
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')


def forms(text: Text) -> list[str]:
    return list(text.values()) if isinstance(text, dict) else [text]


def placeholders(form: str) -> set[str]:
    return {name for name, _ in re.findall(r"\{(\w+)(:\w+)?\}", form)}


def test_there_is_english_and_another_language() -> None:
    assert {"de", "en"} <= set(languages())


@pytest.mark.parametrize("code", OTHERS)
def test_every_language_has_the_same_keys_in_the_same_order(code: str) -> None:
    assert list(languages()[code]) == list(languages()[DEFAULT])


@pytest.mark.parametrize("code", OTHERS)
def test_every_language_fills_in_the_same(code: str) -> None:
    for key, text in languages()[DEFAULT].items():
        wanted = set.union(*map(placeholders, forms(text)))
        other = languages()[code][key]
        assert isinstance(other, dict) == isinstance(text, dict), key
        assert set.union(*map(placeholders, forms(other))) == wanted, key
        if not isinstance(other, dict):
            assert placeholders(other) == wanted, key


@pytest.mark.parametrize("code", sorted(languages()))
def test_a_text_with_a_number_has_a_form_for_each_plural_of_the_language(code: str) -> None:
    for key, text in languages()[code].items():
        if isinstance(text, dict):
            assert set(text) == {*Locale.parse(code).plural_form.tags, "other"}, key


@pytest.mark.parametrize("code", sorted(languages()))
def test_no_text_is_empty_and_the_direction_is_that_of_the_language(code: str) -> None:
    assert all(form.strip() for text in languages()[code].values() for form in forms(text))
    assert languages()[code]["language.direction"] == Locale.parse(code).text_direction


@pytest.mark.parametrize("code", OTHERS)
def test_nothing_is_left_untranslated(code: str) -> None:
    same = {key for key, text in languages()[code].items() if languages()[DEFAULT][key] == text}
    long = {key for key in same if any(len(form.split()) > 1 for form in forms(languages()[code][key]))}
    assert long == set()


def test_every_text_is_used_and_every_text_that_is_asked_for_is_there() -> None:
    said = "\n".join(map(code_of, [*SCRIPTS, *TEMPLATES, *ROOM.rglob("*.py")]))
    known = set(languages()[DEFAULT])
    groups = {key.split(".")[0] for key in known}
    literals = {found for found in re.findall(r'["`]([a-z]+(?:\.[\w-]+)+)["`]', said) if found.split(".")[0] in groups}
    assert {key for key in literals if not key.endswith((".js", ".html", ".jpg"))} - known == set()
    # Keys that are put together: `error.${kind}.title`, "theme." ~ theme
    starts = tuple(re.findall(r'["`]((?:[a-z]+\.)+)(?:\$\{|" ~|\{)', said))
    assert {key for key in known - literals if not key.startswith(starts)} == set()


class Shown(HTMLParser):
    """Collects what a reader sees or hears."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("alt", "aria-label", "placeholder", "title")]
        if ("name", "description") in attrs:
            self.found += [value or "" for name, value in attrs if name == "content"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_anything_by_itself(path: Path) -> None:
    shown = Shown()
    shown.feed(re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL))
    assert [text.strip() for text in shown.found if re.search(r"\w", text)] == []


NAMES = {"AbortError", "Escape", "Content-Type", "Retry-After", "Undo-Token", "GET", "POST", "DELETE", "Files"}
NAMES |= {"not all", "a, button", "input, button", "Bearer …"}
"""Of browsers, protocols and selectors."""


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_says_anything_by_itself(path: Path) -> None:
    assert [literal for literal in literals_of(path) if looks_said(literal)] == []


def code_of(path: Path) -> str:
    """Without comments."""
    return re.sub(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", "", path.read_text("utf-8"), flags=re.DOTALL)


def literals_of(path: Path) -> Iterator[str]:
    for quoted, template in LITERAL.findall(code_of(path)):
        yield quoted or re.sub(r"\$\{[^}]*\}", "…", template)


def looks_said(literal: str) -> bool:
    """Whether people might read this: a word with a capital, or several words that are no classes or selectors."""
    if literal in NAMES or re.search(r"[\[#=()<>]|^/|Error$|Arrow", literal):
        return False
    classes = set(re.findall(r"\.([a-z][\w-]*)", "".join(css.read_text() for css in (ROOM / "static").rglob("*.css"))))
    words = re.findall(r"[^\W\d_]{2,}(?:[-’'][^\W\d_]+)*", literal)
    if re.match(r"[A-Z][a-z]{2,}\b", literal):
        return True
    return len(words) > 1 and " " in literal and not classes >= set(words)


@pytest.mark.parametrize("said", ["In stock", "Thanks.", "or drop, or paste it", "Looks like … and", "Not helpful: …"])
def test_these_would_be_found(said: str) -> None:
    assert looks_said(said)


def test_every_colour_has_a_name() -> None:
    assert {f"colour.{name}" for name in COLOURS} <= set(languages()[DEFAULT])


@pytest.mark.parametrize(
    ("wanted", "accepted", "language", "locale"),
    [
        (None, "de-AT,de;q=0.9,en;q=0.8", "de", "de_AT"),
        (None, "fr-CH, fr;q=0.9, de;q=0.7, en;q=0.8", "en", "en"),
        (None, "en;q=0.2, de;q=0.7", "de", "de"),
        (None, "de;q=0, en-GB", "en", "en_GB"),
        (None, "DE-ch", "de", "de_CH"),
        (None, "tlh", "en", "en"),
        (None, "", "en", "en"),
        (None, "*", "en", "en"),
        ("en", "de-DE", "en", "en"),
        ("en", "de-DE,en-US;q=0.5", "en", "en_US"),
        ("xx", "de", "de", "de"),
        ("../../etc/passwd", "en", "en", "en"),
    ],
)
def test_the_language_that_is_wanted_or_else_accepted(
    wanted: str | None, accepted: str, language: str, locale: str
) -> None:
    words = words_for(wanted, accepted)
    assert (words.language, str(words.locale)) == (language, locale)


@given(st.none() | st.text(), st.text(alphabet="aden-,;q=0.15* _\0é") | st.text())
def test_whatever_a_browser_says_it_is_answered(wanted: str | None, accepted: str) -> None:
    assert words_for(wanted, accepted)("page.title")


def test_numbers_names_and_plurals_are_filled_in() -> None:
    german = words_for(None, "de-DE")
    assert german("results.count", count=1) == "1 Produkt"
    assert german("results.count", count=1200) == "1.200 Produkte"
    assert german("verdict.unsure", first="ankle_boot", second="shoe") == "Nicht sicher: Ankle boot oder Shoe?"
    english = words_for(None, "en-GB")
    assert english("verdict.unsure", first="Ankle_boot", second="T-shirt") == "Not sure: ankle boot or T-shirt?"
    assert english("samples.try", label="red_thing") == "Try Red thing"


@pytest.mark.parametrize(
    ("accepted", "amount", "currency", "words"),
    [
        ("en-GB", 59.0, "EUR", "€59.00"),
        ("de-DE", 1059.0, "EUR", "1.059,00\xa0€"),
        ("ar-EG", 12.0, "EUR", "\u200f12.00\xa0€"),
        ("en-GB", 5.5, "doubloons", "5.50 doubloons"),
        ("en-GB", 5.5, None, "5.50"),
        ("en-GB", None, "EUR", None),
    ],
)
def test_prices(accepted: str, amount: float | None, currency: str | None, words: str | None) -> None:
    assert words_for(None, accepted).price(amount, currency) == words


def test_a_name_does_not_turn_an_arabic_sentence_about() -> None:
    arabic = words_for(None, "ar")
    assert arabic("like.title", title="Boot 1") == "منتجات تشبه «\u2068Boot 1\u2069»"
    counted = [arabic("results.count", count=count) for count in (0, 1, 2)]
    assert counted == ["لا منتجات", "منتج واحد", "منتجان"]
    assert words_for(None, "ar-EG")("results.count", count=12) == "12 منتجًا"


PHYSICAL = (
    r"(?<![\w-])(?:left|right)\s*:|(?:margin|padding|border|inset)-(?:left|right)|text-align:\s*(?:left|right)|float:"
)


@pytest.mark.parametrize("path", sorted((ROOM / "static").rglob("*.css")), ids=lambda path: path.name)
def test_styles_say_start_and_end_and_not_left_and_right(path: Path) -> None:
    rules = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL).splitlines()
    mirrored = [rule for rule in rules if not rule.startswith("[data-corner")]  # a photo isn't mirrored
    assert [rule for rule in mirrored if re.search(PHYSICAL, rule)] == []
    uneven = re.findall(
        r"(?:margin|padding|inset|border-radius): ([^\s;]+) ([^\s;]+) ([^\s;]+) ([^\s;]+);",
        re.sub(r"\([^()]*(\([^()]*\))?[^()]*\)", "", "\n".join(mirrored)),
    )
    assert [sides for sides in uneven if sides[1] != sides[3]] == []


def test_the_page_comes_in_the_language_that_the_browser_prefers(client: TestClient) -> None:
    for language, title in (("de-DE", "Mit einem Foto finden"), ("en-GB", "Find it with a photo")):
        page = client.get("/", headers={"Accept-Language": language})
        assert page.headers["content-language"] == language[:2]
        assert "Accept-Language" in page.headers["vary"]
        assert f'<html lang="{language[:2]}" dir="ltr"' in page.text
        assert title in page.text
        same = client.get("/", headers={"Accept-Language": language, "If-None-Match": page.headers["etag"]})
        assert (same.status_code, same.text) == (304, "")
    assert "Was mit Ihrem Foto geschieht" in client.get("/privacy?language=de").text
