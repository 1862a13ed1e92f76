"""Products as the server draws them, where scripts don't."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from snapshelf.types import Reason, Recommendation
from snapshelf.web.schemas import ProductOut
from snapshelf.web.words import Words, capitalised, readable


@dataclass(frozen=True, slots=True)
class Card:
    """What stands on a card. What the store does not say is None."""

    title: str
    category: str
    link: str | None
    image: str
    price: str | None
    in_stock: bool | None
    reason: str
    alike: str
    more: str
    """Where products like it are."""


def cards_of(found: Iterable[Recommendation], words: Words, filters: Mapping[str, str]) -> list[Card]:
    """A card for each product; `filters` stay for who asks for more like it."""
    return [_card(each, words, filters) for each in found]


def safe_link(url: str | None) -> str | None:
    """An address that may be followed: http, https or within this site."""
    return url if url and re.match(r"https?://|/", url) else None


def _card(found: Recommendation, words: Words, filters: Mapping[str, str]) -> Card:
    product = found.product
    more = {"like": product.id, **filters, "language": words.language}
    return Card(
        title=product.title,
        category=capitalised(readable(product.category)),
        link=safe_link(product.url),
        image=ProductOut.of(product, found.photo_sha256).image_url,
        price=words.price(product.price, product.currency),
        in_stock=product.in_stock,
        reason=capitalised(_in_words(found.reasons, words)),
        alike=words("card.alike", figure=words.alike(found.similarity)),
        more=f"/results?{urlencode(more)}",
    )


def _in_words(reasons: Iterable[Reason], words: Words) -> str:
    said = (words(f"reason.{each.kind}", values=_values(each, words)) for each in reasons)
    return words("text.separator").join(said)


def _values(reason: Reason, words: Words) -> str:
    if reason.kind == "colours":
        return words.listed(words(f"colour.{name}") for name in reason.values)
    if reason.kind == "words":
        return words.listed(words("text.quoted", text=word) for word in reason.values)
    return words.listed(reason.values)
