"""The cells of a product's row → values, or why they cannot be used. What stores write in many ways is read in many."""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal

from snapshelf.errors import SourceError
from snapshelf.types import Attribute

COLUMNS = ("id", "title", "category", "price", "currency", "in_stock", "url", "image", "split")
"""Our names. A table's own are given by `[catalogue_columns]` in snapshelf.toml, where they differ."""

MAX_ID_CHARACTERS = 200

_NUMBER = re.compile(r"\+?\d+(\.\d+)?")
_NUMBER_WITH_COMMA = re.compile(r"\+?\d+,\d{1,2}")
_IN_STOCK = {"true", "yes", "1", "1.0", "y", "in stock", "in_stock", "instock"}
_OUT_OF_STOCK = {"false", "no", "0", "0.0", "n", "out of stock", "out_of_stock", "outofstock", "sold out"}


def text(value: object, name: str) -> str | None:
    """A cell as text without space around it, in Unicode's composed form; None where it is empty.

    Raises:
        SourceError: it holds half a character (a lone surrogate) or NUL, which no file or page can show.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)  # a column of ids with one gap in it comes as floats from many programs
    content = unicodedata.normalize("NFC", str(value)).strip()
    try:
        content.encode()
    except UnicodeEncodeError:
        raise SourceError(f"{name} is {content[:80]!r}, which is not valid Unicode.") from None
    if "\0" in content:
        raise SourceError(f"{name} is {content[:80]!r}, with a NUL in it; was the table damaged?")
    return content or None


def required_text(value: object, name: str) -> str:
    """A cell that must not be empty.

    Raises:
        SourceError: it is.
    """
    content = text(value, name)
    if content is None:
        raise SourceError(f"{name} is empty; every product needs one.")
    return content


def product_id(value: object) -> str:
    """An id: any text of 1 to 200 characters without control characters.

    Raises:
        SourceError: it is not such a text.
    """
    content = required_text(value, "id")
    if len(content) > MAX_ID_CHARACTERS or not content.isprintable():
        raise SourceError(
            f"id is {content[:40]!r} ({len(content)} characters); expected 1 to {MAX_ID_CHARACTERS} characters, "
            "none of them a control character."
        )
    return content


def price(value: object, name: str = "price") -> float | None:
    """A price, 0 or more. `12.50` and `12,50` are the same; `1,250` could be two prices and is refused.

    Raises:
        SourceError: it is no such number.
    """
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = float(value)
        if math.isnan(number):
            return None
    else:
        content = text(value, name)
        if content is None:
            return None
        number = _number(content, name)
    if not (math.isfinite(number) and number >= 0):
        raise SourceError(f"{name} is {value!r}; expected a number of 0 or more, such as 12.50.")
    return number


def _number(content: str, name: str) -> float:
    if _NUMBER.fullmatch(content):
        return float(content)
    if _NUMBER_WITH_COMMA.fullmatch(content):
        return float(content.replace(",", "."))
    if content.startswith("-"):
        return -1.0  # refused by the caller, whatever follows
    raise SourceError(
        f"{name} is {content!r}; expected a number such as 12.50 or 12,50, without separators of thousands and with "
        "the currency in its own column."
    )


def in_stock(value: object) -> bool | None:
    """Whether a product can be bought now.

    Raises:
        SourceError: it is no word that is known here.
    """
    if isinstance(value, bool):
        return value
    content = text(value, "in_stock")
    if content is None:
        return None
    word = content.casefold()
    if word in _IN_STOCK or word in _OUT_OF_STOCK:
        return word in _IN_STOCK
    raise SourceError(f"in_stock is {content!r}; expected true or false, yes or no, 1 or 0, in stock or out of stock.")


def currency(value: object) -> str | None:
    """A currency's three letters (ISO 4217), in capitals.

    Raises:
        SourceError: it is something else.
    """
    content = text(value, "currency")
    if content is None:
        return None
    if not re.fullmatch(r"[A-Za-z]{3}", content):
        raise SourceError(f"currency is {content!r}; expected three letters such as EUR.")
    return content.upper()


def url(value: object) -> str | None:
    """The address of a product's page. Only http and https, or a path: a page must not be made to run `javascript:`.

    Raises:
        SourceError: it is something else.
    """
    content = text(value, "url")
    if content is not None and not re.match(r"https?://|/", content, re.IGNORECASE):
        raise SourceError(f"url is {content[:80]!r}; expected an address that begins with https:// or http://.")
    return content


def attribute(value: object, name: str) -> Attribute | None:
    """Any other column's value: numbers and booleans stay what they are, all else becomes text; None where empty.

    Raises:
        SourceError: see `text`.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return float(value)
    return text(value, name)
