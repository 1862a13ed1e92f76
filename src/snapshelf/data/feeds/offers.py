"""One row of a feed, and how the rows of one product become one row of a catalogue.

Shops list each colour and size by itself. A customer is shown one product: its price is the lowest that can be bought,
it is in stock where any of them is, and what they differ in are its attributes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from snapshelf.data.fields import COLUMNS
from snapshelf.data.tables import Row

UNCATEGORIZED = "Uncategorized"
"""The category of products whose shop gives none, as WooCommerce calls it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one row of a feed says. A row may be a product, one variant of it, one more of its photos, or all of that.

    `number` is what the owner sees: the row of a table, the item of an XML feed.
    """

    number: int
    product_id: str
    """Empty where it cannot be told; then there is a `problem`."""
    title: str | None = None
    category: str | None = None
    url: str | None = None
    images: Sequence[str] = ()
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_variant: bool = False
    """Whether the row is something to buy; `price` to `waiting` are about that."""
    price: float | None = None
    currency: str | None = None
    in_stock: bool | None = None
    """Whether it can be bought now."""
    waiting: str | None = None
    """`preorder` or `backorder`, where it can be bought but is not there yet."""
    problem: str | None = None
    """Why what the row sells cannot be used. What else it says still counts."""
    left_out: str | None = None
    """Why the whole product is not for sale: a draft, for example."""
    key: str | None = None
    """What no other row may have, unless `key_row` is the same."""
    key_row: int = 0
    """Where the rows begin that share the key."""


def to_row(offers: Sequence[Offer]) -> Row | None:
    """A product's row under our column names; None where everything that it sells has a problem.

    Title, category and address are the first that are given. Attributes that differ are joined: `red, blue`.
    """
    sold = [offer for offer in offers if offer.is_variant and not offer.problem]
    priced = [offer for offer in sold if offer.price is not None]
    if not priced and any(offer.problem for offer in offers):
        return None
    values = (
        _attributes(offers)
        | _bought(priced or sold)
        | {
            "id": offers[0].product_id,
            "title": next((offer.title for offer in offers if offer.title), None),
            "category": next((offer.category for offer in offers if offer.category), UNCATEGORIZED),
            "url": next((offer.url for offer in offers if offer.url), None),
            "image": list(dict.fromkeys(image for offer in offers for image in offer.images)),
        }
    )
    return Row(offers[0].number, values)


def _bought(sold: Sequence[Offer]) -> dict[str, object]:
    """Price and stock. A price in another currency than the first is no price to compare with."""
    if not sold:
        return {}
    at_hand = [offer for offer in sold if offer.in_stock is not False]
    comparable = [offer for offer in at_hand or sold if offer.currency == (at_hand or sold)[0].currency]
    cheapest = min(comparable, key=lambda offer: offer.price or 0)
    unknown = all(offer.in_stock is None for offer in sold)
    return {
        "price": cheapest.price,
        "currency": cheapest.currency,
        "in_stock": None if unknown else any(offer.in_stock for offer in sold),
        "availability": cheapest.waiting if all(offer.waiting for offer in at_hand) else None,
    }


def _attributes(offers: Sequence[Offer]) -> dict[str, object]:
    """Every attribute with its different values, in the order in which they come; none takes one of our names."""
    found: dict[str, dict[str, None]] = {}
    for offer in offers:
        for name, texts in offer.attributes.items():
            found.setdefault(f"{name} option" if name in COLUMNS else name, {}).update(dict.fromkeys(texts))
    return {name: ", ".join(texts) for name, texts in found.items() if texts}
