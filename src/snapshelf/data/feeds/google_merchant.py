"""Feeds for Google Merchant Center: RSS and Atom with `g:` fields, and tables with Google's names as their heading.

The fields are those of Google's product data specification, https://support.google.com/merchants/answer/7052112.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from snapshelf.data import fields
from snapshelf.data.feeds.cells import Cells, images, is_between, last_of_path, money, normalise
from snapshelf.data.feeds.google_xml import is_xml, item_name, read_items, recognise_xml
from snapshelf.data.feeds.offers import Offer
from snapshelf.data.tables import Row, glimpse_columns, read_table, row_name
from snapshelf.errors import SourceError
from snapshelf.types import Rejected

ATTRIBUTES = ("brand", "color", "size", "material", "pattern", "gender", "age_group", "condition")
"""Fields that are kept as a product's attributes."""

_STOCK = {
    "in_stock": True,
    "instock": True,
    "available_for_order": True,
    "limited_availability": True,
    "preorder": True,
    "backorder": True,
    "out_of_stock": False,
    "outofstock": False,
    "discontinued": False,
}


def recognise_google_merchant(path: Path) -> str | None:
    """Why a file is such a feed, or None. Only its first bytes are looked at."""
    names = {normalise(name) for name in glimpse_columns(path)}
    if {"id", "title", "image_link"} <= names:
        return "its heading has Google's names: id, title, image_link"
    return recognise_xml(path)


def name_google_merchant(path: Path) -> Callable[[int], str]:
    """How its rows are called in messages."""
    return partial(item_name if is_xml(path) else row_name, path)


def read_google_merchant(path: Path, now: datetime) -> Iterator[Offer | Rejected]:
    """Every item. Those of one `item_group_id` are variants of the product of that id.

    Args:
        path: the feed.
        now: when it is read, as a sale has a beginning and an end.

    Raises:
        SourceError: the file cannot be read.
    """
    for row in read_items(path) if is_xml(path) else read_table(path):
        yield row if isinstance(row, Rejected) else _offer(row, now)


def _offer(row: Row, now: datetime) -> Offer:
    cells = Cells(row.values)
    product_id = ""
    try:
        own_id = fields.product_id(cells.text("id"))
        product_id = own_id  # known as soon as can be, for the message below
        product_id = fields.product_id(cells.text("item_group_id", "id"))
        in_stock, waiting = _stock(cells.text("availability"))
        price, currency = _price(cells, now)
        return Offer(
            number=row.number,
            product_id=product_id,
            title=cells.text("title", "structured_title"),
            category=_category(cells),
            url=fields.url(cells.text("link")),
            images=_images(cells),
            attributes={name: cells.all(name) for name in ATTRIBUTES},
            is_variant=True,
            price=price,
            currency=currency,
            in_stock=in_stock,
            waiting=waiting,
            key=own_id,
        )
    except SourceError as error:
        return Offer(row.number, product_id, problem=str(error))


def _stock(word: str | None) -> tuple[bool | None, str | None]:
    """Whether it can be bought now, and the word where that means to wait."""
    if word is None:
        return None, None
    known = normalise(word).replace("pre-order", "preorder").replace("back-order", "backorder").rpartition("/")[2]
    if known not in _STOCK:
        raise SourceError(f"availability is {word[:80]!r}; expected in_stock, out_of_stock, preorder or backorder.")
    return _STOCK[known], known if known in ("preorder", "backorder") else None


def _price(cells: Cells, now: datetime) -> tuple[float | None, str | None]:
    """What a customer pays now: the sale's price while the sale lasts."""
    price, currency = money(cells.text("price"), "price")
    sale, sale_currency = money(cells.text("sale_price"), "sale_price")
    start, _, end = (cells.text("sale_price_effective_date") or "").partition("/")
    if sale is None or not is_between(start.strip() or None, end.strip() or None, now, "sale_price_effective_date"):
        return price, currency
    return sale, sale_currency or currency


def _category(cells: Cells) -> str | None:
    """The shop's own word, the most particular one; else Google's, which may be a number of its list."""
    google = last_of_path(cells.text("google_product_category"))
    if google is not None and google.isdecimal():
        google = f"Google category {google}"
    return last_of_path(cells.text("product_type")) or google


def _images(cells: Cells) -> list[str]:
    more = [image for cell in cells.all("additional_image_link") for image in images(cell)]
    return [*cells.all("image_link"), *more]
