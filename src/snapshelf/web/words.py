"""What the pages say, in the reader's language: `static/words/LANGUAGE.json`, which the page's scripts read too, and
`static/admin/words/LANGUAGE.json` for the staff's page.

A text may have placeholders, `{name}` or `{name:style}`. A number stands as the reader's locale writes it; the styles
are for the store's own words: `capital` begins with a capital, `inside` is as within a sentence. A text that depends on
`count` is an object with a form for each of the language's plural categories (CLDR).
"""

from __future__ import annotations

import json
import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, format_percent

_STATIC = Path(__file__).parent / "static"
FOLDERS = (_STATIC / "words", _STATIC / "admin" / "words")
"""The customers' texts, and those of the staff's page."""

DEFAULT = "en"

Text = str | dict[str, str]

_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_MOST_SURE = 0.99
"""Nobody is surer than that."""


@cache
def languages() -> dict[str, dict[str, Text]]:
    """Every language that there is, by its code: its texts by their keys."""
    codes = sorted(path.stem for path in FOLDERS[0].glob("*.json"))
    return {code: dict(ChainMap(*(_texts(folder / f"{code}.json") for folder in reversed(FOLDERS)))) for code in codes}


def _texts(path: Path) -> dict[str, Text]:
    found: dict[str, Text] = json.loads(path.read_text("utf-8"))
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language, with numbers as one locale writes them."""

    language: str
    locale: Locale

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of this key, with its placeholders filled in.

        Raises:
            KeyError: there is no such text, or a placeholder has no value.
        """
        text = languages()[self.language][key]
        if isinstance(text, dict):
            text = text[self._plural(values["count"])]
        return _PLACEHOLDER.sub(lambda found: self._filled(values[found[1]], found[2]), text)

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in languages()[self.language]

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return self("language.direction")

    def percent(self, share: float) -> str:
        """A probability as a percentage; never 100."""
        return format_percent(min(max(share, 0.0), _MOST_SURE), locale=self.locale)

    def alike(self, similarity: float) -> str:
        """A cosine similarity, -1 to 1, as a percentage from 0 to 100."""
        return format_percent(min(max(similarity, 0.0), 1.0), locale=self.locale)

    def price(self, amount: float | None, currency: str | None) -> str | None:
        """A price with its currency; a code that is none is written out after the number."""
        if amount is None:
            return None
        if currency and re.fullmatch("[A-Za-z]{3}", currency):
            return format_currency(amount, currency.upper(), locale=self.locale)
        number = format_decimal(amount, "#,##0.00", locale=self.locale)
        return f"{number} {currency}" if currency else number

    def listed(self, parts: Iterable[str]) -> str:
        """`a, b and c`."""
        return format_list(list(parts), locale=Locale.parse(self.language))

    def _plural(self, count: object) -> str:
        assert isinstance(count, int)  # noqa: S101 (of our own callers)
        return Locale.parse(self.language).plural_form(count)

    def _filled(self, value: object, style: str | None) -> str:
        if isinstance(value, int | float):
            return format_decimal(value, locale=self.locale)
        text = _STYLES[style](str(value)) if style else str(value)
        return f"\u2068{text}\u2069" if self.direction == "rtl" else text


def readable(label: str) -> str:
    """A category as the store names it, to be read: `ankle_boot` as `ankle boot`."""
    return label.replace("_", " ").strip()


def capitalised(text: str) -> str:
    """With a capital at its beginning."""
    return text[:1].upper() + text[1:]


def inside(label: str) -> str:
    """A category within a sentence: `Ankle boot` as `ankle boot`, but `T-shirt` and `LED lamp` stay."""
    text = readable(label)
    return text[:1].lower() + text[1:] if re.fullmatch("[A-Z][a-z][^A-Z]*", text) else text


_STYLES: Mapping[str, Callable[[str], str]] = {
    "capital": lambda label: capitalised(readable(label)),
    "inside": inside,
}


def words_for(wanted: str | None, accept_language: str) -> Words:
    """In the language that is wanted where there is such a one, else in the first of those that a browser accepts."""
    accepted = _accepted(accept_language)
    language = next((each for each in (wanted, *map(_base, accepted)) if each in languages()), DEFAULT)
    assert language is not None  # noqa: S101 (None is no language)
    region = next((tag for tag in accepted if _base(tag) == language), language)
    return Words(language, _locale(region) or Locale.parse(language))


def _accepted(header: str) -> list[str]:
    """The tags of an Accept-Language header (RFC 9110, 12.5.4), the preferred ones first."""
    weighed = []
    for part in header[:500].split(","):
        tag, _, weight = part.strip().partition(";")
        found = re.fullmatch(r"\s*q=([01](?:\.\d{1,3})?)\s*", weight) if weight else None
        if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", tag) and (found or not weight):
            weighed.append((-float(found[1]) if found else -1.0, tag))
    return [tag for weight, tag in sorted(weighed, key=lambda each: each[0]) if weight < 0]


def _base(tag: str) -> str:
    return tag.partition("-")[0].lower()


def _locale(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return None
