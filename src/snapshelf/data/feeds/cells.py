"""A feed's cells → values. Shops' programs spell columns, prices and times in several ways; all of these are read."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from snapshelf.data import fields
from snapshelf.errors import SourceError

_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+\.\d{1,2}|\d{1,3}(\.\d{3})+,\d{1,2}")
"""With both signs there is no doubt which is which."""

_MONEY = re.compile(r"(?P<before>[A-Za-z]{3})?\s*(?P<amount>[^A-Za-z]*?)\s*(?P<after>[A-Za-z]{3})?")
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")


@functools.lru_cache(maxsize=1024)
def normalise(name: str) -> str:
    """A column's name in one spelling: `Image Link`, `image link` and `g:image_link` are all `image_link`."""
    return re.sub(r"[\s_]+", "_", name.strip().removeprefix("g:").casefold())


class Cells:
    """A row's cells by the normalised names of their columns."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = {normalise(name): value for name, value in values.items()}

    def text(self, *names: str) -> str | None:
        """The first of some columns that is there and not empty.

        Raises:
            SourceError: see `fields.text`.
        """
        for name in names:
            value = self.values.get(name)
            content = fields.text(value[0] if isinstance(value, list) else value, name)
            if content is not None:
                return content
        return None

    def all(self, name: str) -> list[str]:
        """Every value of a column that may be given several times.

        Raises:
            SourceError: see `fields.text`.
        """
        value = self.values.get(name)
        texts = (fields.text(part, name) for part in (value if isinstance(value, list) else [value]))
        return [content for content in texts if content]


def listed(cell: str | None) -> list[str]:
    """The values of a cell that are separated by commas; a comma within a value is written `\\,`."""
    parts = (part.replace("\\,", ",").strip() for part in _UNESCAPED_COMMA.split(cell or ""))
    return [part for part in parts if part]


def images(cell: str | None) -> list[str]:
    """The photos of a cell, separated by commas; a comma within an address stays, unless another one follows it."""
    if cell is None:
        return []
    between = r"\s*,\s*(?=https?://)" if "://" in cell else r"\s*,\s*"
    return [part for part in re.split(between, cell, flags=re.IGNORECASE) if part]


def last_of_path(path: str | None) -> str | None:
    """The most particular category of `Clothing > Women > Dresses`; None where there is none."""
    return next((part.strip() for part in reversed((path or "").split(">")) if part.strip()), None)


def amount(content: str | None, name: str) -> float | None:
    """A price without a currency: `1,250.00`, `1.250,00`, `12.50` or `12,50`; None where it is empty.

    Raises:
        SourceError: it is none, or below 0.
    """
    if content is not None and _THOUSANDS.fullmatch(content):
        content = content.replace("," if content.rfind(".") > content.rfind(",") else ".", "")
    return fields.price(content, name)


def money(content: str | None, name: str) -> tuple[float | None, str | None]:
    """A price with its currency, `15.00 USD` or `USD 15.00`.

    Raises:
        SourceError: it is not in that form, or below 0.
    """
    found = _MONEY.fullmatch(content or "")
    try:
        if found is not None:
            return amount(found["amount"] or None, name), fields.currency(found["after"] or found["before"])
    except SourceError:
        pass  # said below, with the currency
    raise SourceError(f"{name} is {(content or '')[:80]!r}; expected a price of 0 or more such as 15.00 USD.")


def is_between(start: str | None, end: str | None, now: datetime, name: str) -> bool:
    """Whether `now` lies between two times in ISO 8601; one that is not given does not limit.

    A day without a time counts from its beginning to its end, and a time without a zone is UTC.

    Raises:
        SourceError: one of them is no time.
    """
    begun = start is None or _moment(start, name) <= now
    return begun and (end is None or now < _moment(end, name, is_end=True))


def _moment(content: str, name: str, *, is_end: bool = False) -> datetime:
    try:
        moment = datetime.fromisoformat(content.strip())
        if is_end and len(content.strip()) <= len("2026-01-31"):
            moment += timedelta(days=1)
        return moment.replace(tzinfo=moment.tzinfo or UTC)
    except (ValueError, OverflowError):
        raise SourceError(f"{name} has {content[:80]!r}; expected a time such as 2026-01-31T13:00+0100.") from None
