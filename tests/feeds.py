"""Small feeds as shops' programs write them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

GOOGLE_HEADING = (
    "id", "title", "description", "link", "image_link", "additional_image_link", "availability", "price",
    "sale_price", "sale_price_effective_date", "item_group_id", "product_type", "google_product_category", "brand",
    "color", "size", "condition", "gtin",
)  # fmt: skip

SHOPIFY_HEADING = (
    "Handle", "Title", "Body (HTML)", "Vendor", "Product Category", "Type", "Tags", "Published", "Option1 Name",
    "Option1 Value", "Option2 Name", "Option2 Value", "Option3 Name", "Option3 Value", "Variant SKU", "Variant Grams",
    "Variant Inventory Tracker", "Variant Inventory Qty", "Variant Inventory Policy", "Variant Fulfillment Service",
    "Variant Price", "Variant Compare At Price", "Image Src", "Image Position", "Image Alt Text", "Gift Card",
    "Variant Image", "Status",
)  # fmt: skip

WOO_HEADING = (
    "ID", "Type", "SKU", "Name", "Published", "Is featured?", "Visibility in catalog", "Short description",
    "Description", "Date sale price starts", "Date sale price ends", "Tax status", "Tax class", "In stock?", "Stock",
    "Low stock amount", "Backorders allowed?", "Sold individually?", "Weight (kg)", "Sale price", "Regular price",
    "Categories", "Tags", "Shipping class", "Images", "Parent", "Grouped products", "External URL", "Button text",
    "Position", "Attribute 1 name", "Attribute 1 value(s)", "Attribute 1 visible", "Attribute 1 global",
    "Attribute 2 name", "Attribute 2 value(s)", "Attribute 2 visible", "Attribute 2 global",
)  # fmt: skip

NAMESPACE = "http://base.google.com/ns/1.0"


def write_table(path: Path, heading: Sequence[str], *rows: dict[str, str], separator: str = ",") -> Path:
    """A table with a row for each dictionary; what a row does not name is empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(heading), restval="", delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def rss(*items: str) -> str:
    """An RSS 2.0 feed of items that are written already."""
    content = "\n".join(f"<item>{item}</item>" for item in items)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss xmlns:g="{NAMESPACE}" version="2.0">\n<channel>\n'
        f"<title>Shop</title>\n<link>https://shop.example</link>\n<description>All we have</description>\n{content}\n"
        "</channel>\n</rss>\n"
    )


def google_item(**fields: str | Sequence[str]) -> str:
    """The inside of an item: each field with Google's prefix, once for each of its values."""
    values = [(name, [value] if isinstance(value, str) else value) for name, value in fields.items()]
    return "".join(f"<g:{name}>{value}</g:{name}>" for name, several in values for value in several)
