"""Shopify's export of products as CSV: the rows of one handle are a product, its variants and its photos.

Columns are those of https://help.shopify.com/en/manual/products/import-export/using-csv, in the spelling that exports
have (`Handle`, `Variant Price`) and in that of the newer template (`URL handle`, `Price`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from snapshelf.data import fields
from snapshelf.data.feeds.cells import Cells, amount, last_of_path, listed, normalise
from snapshelf.data.feeds.offers import Offer
from snapshelf.data.tables import Row, glimpse_columns, read_table, row_name
from snapshelf.errors import SourceError
from snapshelf.types import Rejected

_SIGNS = {"variant_price", "option1_name", "option1_value", "variant_sku", "image_src", "product_image_url"}
_NUM_OPTIONS = 3
_QUANTITY = re.compile(r"-?\d+(\.0+)?")


def recognise_shopify(path: Path) -> str | None:
    """Why a file is such an export, or None. Only its heading is looked at."""
    names = {normalise(name) for name in glimpse_columns(path)}
    handle = next((name for name in ("handle", "url_handle") if name in names), None)
    if handle is None or "title" not in names or not names & _SIGNS:
        return None
    return f"its heading has Shopify's columns: {handle.replace('_', ' ')}, title, {min(names & _SIGNS)}"


def name_shopify(path: Path) -> Callable[[int], str]:
    """How its rows are called in messages."""
    return partial(row_name, path)


@dataclass(slots=True)
class _Block:
    """The rows of one handle that follow each other; what only the first of them says holds for all."""

    handle: str = ""
    row: int = 0
    title: str | None = None
    option_names: dict[int, str] = field(default_factory=dict)


def read_shopify(path: Path, now: datetime) -> Iterator[Offer | Rejected]:  # noqa: ARG001 (a sale is no matter of time here)
    """Every row: a product, a variant, a photo, or several of these.

    Raises:
        SourceError: the file cannot be read.
    """
    block = _Block()
    for row in read_table(path):
        if isinstance(row, Rejected):
            yield row
            continue
        cells = Cells(row.values)
        try:
            handle = fields.product_id(cells.text("handle", "url_handle"))
        except SourceError as error:
            yield Offer(row.number, "", problem=str(error).replace("id is", "Handle is", 1))
            continue
        if handle != block.handle:
            block = _Block(handle, row.number)
        yield _offer(row, cells, block)


def _offer(row: Row, cells: Cells, block: _Block) -> Offer:
    try:
        title = cells.text("title")
        if block.title and title and title != block.title:
            raise SourceError(f"title is {title!r}, but row {block.row} says {block.title!r} of the same handle.")
        block.title = block.title or title
        for number in range(1, _NUM_OPTIONS + 1):
            if name := cells.text(f"option{number}_name"):
                block.option_names[number] = name
        product = Offer(
            number=row.number,
            product_id=block.handle,
            title=title,
            category=cells.text("type", "custom_product_type") or _standard_category(cells),
            images=[*cells.all("image_src"), *cells.all("product_image_url"), *_variant_images(cells)],
            attributes=_attributes(cells, block),
            left_out=_left_out(cells),
            key=block.handle if block.title else None,
            key_row=block.row,
        )
    except SourceError as error:
        return Offer(row.number, block.handle, problem=str(error))
    return _with_variant(product, cells)


def _with_variant(product: Offer, cells: Cells) -> Offer:
    """The row with what it sells. Where that is wrong, the product and its photos are kept for the other variants."""
    facts = {name: getattr(product, name) for name in Offer.__slots__}
    if not any(cells.text(name) for name in ("option1_value", "variant_price", "price", "variant_sku", "sku")):
        return product
    try:
        in_stock, waiting = _stock(cells)
        price = amount(cells.text("variant_price", "price"), "price")
        return Offer(**facts | {"is_variant": True, "price": price, "in_stock": in_stock, "waiting": waiting})
    except SourceError as error:
        return Offer(**facts | {"problem": str(error)})


def _variant_images(cells: Cells) -> list[str]:
    return [*cells.all("variant_image"), *cells.all("variant_image_url")]


def _standard_category(cells: Cells) -> str | None:
    names = (
        "product_category",
        "standard_product_type",
        "google_shopping_/_google_product_category",
        "google_product_category",
    )
    return last_of_path(cells.text(*names))


def _attributes(cells: Cells, block: _Block) -> dict[str, list[str]]:
    attributes = {"brand": cells.all("vendor"), "tags": listed(cells.text("tags"))}
    for number in range(1, _NUM_OPTIONS + 1):
        value = cells.text(f"option{number}_value")
        name = block.option_names.get(number, f"option {number}").lower()
        if value and (name, value) != ("title", "Default Title"):  # what Shopify writes where there are no options
            attributes[name] = [value]
    return attributes


def _left_out(cells: Cells) -> str | None:
    status = (cells.text("status") or "active").casefold()
    if status != "active":
        return status
    published = fields.in_stock(cells.text("published", "published_on_online_store"))
    return "unpublished" if published is False else None


def _stock(cells: Cells) -> tuple[bool | None, str | None]:
    """Whether it can be bought, and «backorder» where it is sold without being there.

    Shops with several locations export no quantities; then nothing is known of what is tracked.
    """
    if not cells.text("variant_inventory_tracker", "inventory_tracker") and _has_tracker(cells):
        return True, None
    quantity = cells.text("variant_inventory_qty", "inventory_quantity")
    if quantity is not None and not _QUANTITY.fullmatch(quantity):
        raise SourceError(f"the inventory's quantity is {quantity[:80]!r}; expected a whole number.")
    if quantity is not None and float(quantity) > 0:
        return True, None
    policy = (cells.text("variant_inventory_policy", "continue_selling_when_out_of_stock") or "deny").casefold()
    if policy in ("continue", "true"):
        return True, None if quantity is None else "backorder"
    return (None if quantity is None else False), None


def _has_tracker(cells: Cells) -> bool:
    return "variant_inventory_tracker" in cells.values or "inventory_tracker" in cells.values
