"""Shopify's CSV export: handles, variants, photos, stock, drafts, both spellings of the columns."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapshelf.data.catalogue import CatalogueEntry, open_catalogue
from snapshelf.data.feeds.offers import Offer
from snapshelf.data.feeds.shopify import read_shopify
from snapshelf.data.sources.options import SourceOptions
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.types import Product, Rejected
from tests.feeds import SHOPIFY_HEADING, write_table

NOW = datetime(2026, 3, 15, tzinfo=UTC)

TEE = {
    "Handle": "classic-tee",
    "Title": "Classic tee",
    "Body (HTML)": "<p>Soft,\nwashed</p>",
    "Vendor": "Acme",
    "Product Category": "Apparel & Accessories > Clothing > Clothing Tops > T-Shirts",
    "Type": "Tees",
    "Tags": "summer, cotton",
    "Published": "true",
    "Option1 Name": "Color",
    "Option1 Value": "Red",
    "Option2 Name": "Size",
    "Option2 Value": "M",
    "Variant SKU": "T-R-M",
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Qty": "5",
    "Variant Inventory Policy": "deny",
    "Variant Price": "19.90",
    "Image Src": "https://cdn.shopify.com/tee-1.jpg?v=1",
    "Image Position": "1",
    "Variant Image": "https://cdn.shopify.com/tee-red.jpg?v=1",
    "Status": "active",
}
BLUE = {
    "Handle": "classic-tee",
    "Option1 Value": "Blue",
    "Option2 Value": "M",
    "Variant SKU": "T-B-M",
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Qty": "0",
    "Variant Inventory Policy": "deny",
    "Variant Price": "14.90",
    "Image Src": "https://cdn.shopify.com/tee-2.jpg?v=1",
    "Image Position": "2",
}
PHOTO = {"Handle": "classic-tee", "Image Src": "https://cdn.shopify.com/tee-3.jpg?v=1", "Image Position": "3"}
MUG = {
    "Handle": "mug",
    "Title": "Mug",
    "Vendor": "Acme",
    "Type": "Mugs",
    "Option1 Name": "Title",
    "Option1 Value": "Default Title",
    "Variant Price": "8",
    "Image Src": "https://cdn.shopify.com/mug.jpg",
    "Status": "active",
}


def export(folder: Path, *rows: dict[str, str]) -> Path:
    return write_table(folder / "products_export_1.csv", SHOPIFY_HEADING, *rows)


def read(path: Path) -> tuple[dict[str, Product], list[str], list[Rejected], dict[str, int]]:
    """Products by their ids, the photos that are told, what was rejected, and what was left out."""
    catalogue = open_catalogue(str(path), "auto", SourceOptions(path), split=None, limits=DecodeLimits())
    found = list(catalogue.entries())
    entries = [row for row in found if isinstance(row, CatalogueEntry)]
    products = {entry.product.id: entry.product for entry in entries}
    rejected = [row for row in found if isinstance(row, Rejected)]
    return products, [entry.photo_id for entry in entries], rejected, catalogue.left_out()


def test_rows_of_a_handle_are_one_product(tmp_path: Path) -> None:
    products, photos, rejected, _ = read(export(tmp_path, TEE, BLUE, PHOTO, MUG))
    assert products == {
        "classic-tee": Product(
            "classic-tee", "Classic tee", "Tees", 19.9, None, True, None,
            {"brand": "Acme", "tags": "summer, cotton", "color": "Red, Blue", "size": "M"},
        ),
        "mug": Product("mug", "Mug", "Mugs", 8.0, None, True, None, {"brand": "Acme"}),
    }  # fmt: skip
    names = [photo.partition("\t")[2].removeprefix("https://cdn.shopify.com/") for photo in photos]
    assert names == ["tee-1.jpg?v=1", "tee-red.jpg?v=1", "tee-2.jpg?v=1", "tee-3.jpg?v=1", "mug.jpg"]
    assert rejected == []


def test_the_columns_of_the_newer_template(tmp_path: Path) -> None:
    heading = (
        "Title", "URL handle", "Description", "Vendor", "Product category", "Type", "Tags",
        "Published on online store", "Status", "SKU", "Option1 name", "Option1 value", "Price", "Inventory tracker",
        "Inventory quantity", "Continue selling when out of stock", "Product image URL", "Variant image URL",
    )  # fmt: skip
    row = {
        "Title": "Mug", "URL handle": "mug", "Vendor": "Acme", "Product category": "Home > Kitchen > Mugs",
        "Published on online store": "TRUE", "Status": "Active", "Option1 name": "Colour", "Option1 value": "White",
        "Price": "8,50", "Inventory tracker": "shopify", "Inventory quantity": "-2",
        "Continue selling when out of stock": "CONTINUE", "Product image URL": "https://cdn.shopify.com/mug.jpg",
    }  # fmt: skip
    path = write_table(tmp_path / "products.csv", heading, row, row | {"Option1 value": "Black", "Price": "7.50"})
    products, _, rejected, _ = read(path)
    attributes = {"brand": "Acme", "colour": "White, Black", "availability": "backorder"}
    assert products == {"mug": Product("mug", "Mug", "Mugs", 7.5, None, True, None, attributes)}
    assert rejected == []


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, (True, None)),
        ({"Variant Inventory Qty": "0"}, (False, None)),
        ({"Variant Inventory Qty": "-3", "Variant Inventory Policy": "continue"}, (True, "backorder")),
        ({"Variant Inventory Tracker": "", "Variant Inventory Qty": "0"}, (True, None)),
        ({"Variant Inventory Qty": ""}, (None, None)),
        ({"Variant Inventory Qty": "", "Variant Inventory Policy": "continue"}, (True, None)),
    ],
)
def test_stock(tmp_path: Path, cells: dict[str, str], expected: tuple[bool | None, str | None]) -> None:
    (offer,) = read_shopify(export(tmp_path, TEE | cells), NOW)
    assert isinstance(offer, Offer)
    assert (offer.in_stock, offer.waiting, offer.problem) == (*expected, None)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"Type": ""}, "T-Shirts"),
        ({"Type": "", "Product Category": ""}, "Uncategorized"),
        ({"Product Category": ""}, "Tees"),
    ],
)
def test_category(tmp_path: Path, cells: dict[str, str], expected: str) -> None:
    products, *_ = read(export(tmp_path, TEE | cells))
    assert products["classic-tee"].category == expected


def test_what_is_not_for_sale_is_left_out_and_counted(tmp_path: Path) -> None:
    path = export(
        tmp_path,
        TEE | {"Status": "draft"},
        BLUE,
        MUG,
        MUG | {"Handle": "old", "Status": "archived"},
        MUG | {"Handle": "secret", "Published": "FALSE"},
    )
    products, _, rejected, left_out = read(path)
    assert (set(products), rejected) == ({"mug"}, [])
    assert left_out == {"draft": 1, "archived": 1, "unpublished": 1}


def test_bad_rows_are_named_and_the_others_kept(tmp_path: Path) -> None:
    path = export(
        tmp_path,
        TEE | {"Variant Price": "-19.90"},
        BLUE | {"Variant Inventory Qty": "3"},
        {"Variant Price": "5", "Image Src": "https://cdn.shopify.com/x.jpg"},
        MUG | {"Handle": "bowl", "Variant Inventory Qty": "many", "Variant Inventory Tracker": "shopify"},
        MUG | {"Handle": "plate", "Image Src": ""},
        MUG | {"Handle": "cup", "Title": ""},
        MUG,
        MUG | {"Title": "Another mug", "Handle": "mug"},
        TEE | {"Title": "Tee again"},
    )
    products, photos, rejected, _ = read(path)
    assert {product.id: product.price for product in products.values()} == {"classic-tee": 14.9, "mug": 8.0}
    assert "classic-tee\thttps://cdn.shopify.com/tee-1.jpg?v=1" in photos  # the product's, whatever its first variant
    said = {bad.path.rpartition(" ")[2]: (bad.product_id, bad.reason) for bad in rejected}
    words = {
        "2": ("classic-tee", "price is '-19.90'"),
        "4": (None, "Handle is empty"),
        "5": ("bowl", "quantity is 'many'"),
        "6": ("plate", "image is empty"),
        "7": ("cup", "title is empty"),
        "9": ("mug", "title is 'Another mug', but row 8 says 'Mug' of the same handle"),
        "10": ("classic-tee", "has the id 'classic-tee' of products_export_1.csv row 2 again"),
    }
    assert set(said) == set(words)
    for row, (product_id, reason) in words.items():
        assert (said[row][0], reason in said[row][1]) == (product_id, True), said[row]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.dictionaries(st.sampled_from(SHOPIFY_HEADING), st.text(max_size=20)), min_size=1, max_size=3))
def test_wild_rows_are_never_a_crash(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    clean = [
        {name: value.encode("utf-8", "ignore").decode() for name, value in (TEE | cells).items()} for cells in rows
    ]
    for row in read_shopify(export(tmp_path, *clean), NOW):
        assert isinstance(row, Rejected) or row.problem or row.price is None or row.price >= 0
