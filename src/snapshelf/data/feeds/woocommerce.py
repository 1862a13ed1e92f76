"""WooCommerce's export of products as CSV: a variable product's variations are rows of their own, wherever they stand.

Columns are those of https://github.com/woocommerce/woocommerce/wiki/Product-CSV-Import-Schema, in English.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from snapshelf.data import fields
from snapshelf.data.feeds.cells import Cells, amount, images, is_between, last_of_path, listed, normalise
from snapshelf.data.feeds.offers import Offer
from snapshelf.data.tables import Row, glimpse_columns, read_table, row_name
from snapshelf.errors import SourceError
from snapshelf.types import Rejected

_SIGNS = {"regular_price", "in_stock?", "published", "images"}
_ATTRIBUTE = re.compile(r"attribute_(\d+)_name")
_PUBLISHED = {"0": "private", "-1": "draft"}
_GUARD = re.compile(r"'[=+\-@]")
"""WooCommerce writes an apostrophe before what a spreadsheet would take for a formula."""


def recognise_woocommerce(path: Path) -> str | None:
    """Why a file is such an export, or None. Only its heading is looked at."""
    names = {normalise(name) for name in glimpse_columns(path)}
    if not ({"type", "name"} <= names and names & {"id", "sku"} and len(names & _SIGNS) >= 2):
        return None
    return f"its heading has WooCommerce's columns: type, name, {', '.join(sorted(names & _SIGNS))}"


def name_woocommerce(path: Path) -> Callable[[int], str]:
    """How its rows are called in messages."""
    return partial(row_name, path)


def read_woocommerce(path: Path, now: datetime) -> Iterator[Offer | Rejected]:
    """Every row: a product, or a variation of one.

    The file is read twice, as variations name their parent by its SKU or id: the ids and SKUs of all products are kept
    in memory.

    Args:
        path: the export.
        now: when it is read, as a sale has a beginning and an end.

    Raises:
        SourceError: the file cannot be read.
    """
    parents = _parents(path)
    for row in read_table(path):
        if isinstance(row, Rejected):
            yield row
            continue
        cells = _cells(row)
        product_id = ""
        try:
            own_id = fields.product_id(cells.text("id", "sku"))
            product_id = own_id
            if "variation" in _types(cells):
                product_id = _parent(cells, parents)
                yield _variation(row, cells, product_id, own_id, now)
            else:
                yield _product(row, cells, own_id, now)
        except SourceError as error:
            yield Offer(row.number, product_id, problem=str(error))


def _cells(row: Row) -> Cells:
    values = row.values.items()
    return Cells(
        {name: value[1:] if isinstance(value, str) and _GUARD.match(value) else value for name, value in values}
    )


def _words(cells: Cells, name: str) -> str | None:
    """Text that WordPress keeps as HTML, `Tops &amp; tees`. Addresses are not to be read so: they have `&copy=1`."""
    content = cells.text(name)
    return None if content is None else html.unescape(content)


def _parents(path: Path) -> dict[str, str]:
    """The ids of products that have variations, by what these call them; rows that are wrong are named later."""
    parents: dict[str, str] = {}
    for row in read_table(path):
        if isinstance(row, Rejected):
            continue
        try:
            cells = _cells(row)
            own_id, sku = cells.text("id"), cells.text("sku")
            if (product_id := own_id or sku) and "variation" not in _types(cells):
                parents |= {name: product_id for name in (own_id and f"id:{own_id}", sku) if name}
        except SourceError:
            continue
    return parents


def _types(cells: Cells) -> set[str]:
    return {word.casefold() for word in listed(cells.text("type"))}


def _parent(cells: Cells, parents: Mapping[str, str]) -> str:
    name = fields.required_text(cells.text("parent"), "Parent")
    if name not in parents:
        raise SourceError(f"is a variation of {name!r}, which this export does not have.")
    return parents[name]


def _product(row: Row, cells: Cells, product_id: str, now: datetime) -> Offer:
    in_stock, waiting = _stock(cells)
    return Offer(
        number=row.number,
        product_id=product_id,
        title=_words(cells, "name"),
        category=_category(cells),
        url=fields.url(cells.text("external_url")),
        images=images(cells.text("images")),
        attributes=_attributes(cells),
        is_variant=True,
        price=None if "variable" in _types(cells) else _price(cells, now),
        in_stock=in_stock,
        waiting=waiting,
        left_out=_left_out(cells),
        key=product_id,
    )


def _variation(row: Row, cells: Cells, product_id: str, own_id: str, now: datetime) -> Offer:
    if _left_out(cells):
        return Offer(row.number, product_id, key=own_id)
    in_stock, waiting = _stock(cells)
    return Offer(
        number=row.number,
        product_id=product_id,
        images=images(cells.text("images")),
        attributes=_attributes(cells),
        is_variant=True,
        price=_price(cells, now),
        in_stock=in_stock,
        waiting=waiting,
        key=own_id,
    )


def _left_out(cells: Cells) -> str | None:
    published = cells.text("published") or "1"
    if published in _PUBLISHED:
        return _PUBLISHED[published]
    return "hidden" if cells.text("visibility_in_catalog", "visibility_in_catalogue") == "hidden" else None


def _stock(cells: Cells) -> tuple[bool | None, str | None]:
    """Whether it can be bought, and «backorder» where it is sold without being there."""
    word = cells.text("in_stock?")
    if word in ("backorder", "onbackorder"):
        return True, "backorder"
    if word is not None:
        return fields.in_stock(word), None
    stock = amount(cells.text("stock"), "Stock")
    return (None if stock is None else stock > 0), None


def _price(cells: Cells, now: datetime) -> float | None:
    """What a customer pays now: the sale's price while the sale lasts."""
    regular = amount(cells.text("regular_price"), "Regular price")
    sale = amount(cells.text("sale_price"), "Sale price")
    start, end = cells.text("date_sale_price_starts"), cells.text("date_sale_price_ends")
    lasts = sale is not None and is_between(start, end, now, "Date sale price")
    return sale if lasts else regular


def _category(cells: Cells) -> str | None:
    """The most particular category: the one that lies deepest, the first of several."""
    paths = listed(_words(cells, "categories"))
    return last_of_path(max(paths, key=lambda path: path.count(">"))) if paths else None


def _attributes(cells: Cells) -> dict[str, list[str]]:
    attributes = {"brand": listed(_words(cells, "brands")), "tags": listed(_words(cells, "tags"))}
    numbers = (found[1] for name in cells.values if (found := _ATTRIBUTE.fullmatch(name)))
    for number in numbers:
        if name := _words(cells, f"attribute_{number}_name"):
            attributes[name.lower()] = listed(_words(cells, f"attribute_{number}_value(s)"))
    return attributes
