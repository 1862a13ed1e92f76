"""WooCommerce's CSV export: variations and their parents, sales, categories, drafts, what can be wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapshelf.data.catalogue import CatalogueEntry, open_catalogue
from snapshelf.data.feeds.offers import Offer
from snapshelf.data.feeds.woocommerce import read_woocommerce
from snapshelf.data.sources.options import SourceOptions
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.types import Product, Rejected
from tests.feeds import WOO_HEADING, write_table

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)

HOODIE = {
    "ID": "44",
    "Type": "variable",
    "SKU": "woo-hoodie",
    "Name": "Hoodie",
    "Published": "1",
    "Visibility in catalog": "visible",
    "In stock?": "1",
    "Categories": "Clothing, Clothing > Hoodies",
    "Tags": "warm",
    "Images": "https://shop.example/hoodie-1.jpg, https://shop.example/hoodie-2.jpg",
    "Attribute 1 name": "Color",
    "Attribute 1 value(s)": "Blue, Green",
    "Attribute 2 name": "Logo",
    "Attribute 2 value(s)": "Yes, No",
}
GREEN = {
    "ID": "51",
    "Type": "variation",
    "SKU": "woo-hoodie-green",
    "Name": "Hoodie - Green, No",
    "Published": "1",
    "Visibility in catalog": "visible",
    "In stock?": "1",
    "Stock": "3",
    "Sale price": "35",
    "Regular price": "45",
    "Images": "https://shop.example/hoodie-green.jpg",
    "Parent": "woo-hoodie",
    "Attribute 1 name": "Color",
    "Attribute 1 value(s)": "Green",
    "Attribute 2 name": "Logo",
    "Attribute 2 value(s)": "No",
}
BLUE = GREEN | {
    "ID": "52",
    "SKU": "woo-hoodie-blue",
    "In stock?": "0",
    "Sale price": "",
    "Regular price": "30",
    "Images": "https://shop.example/hoodie-blue.jpg",
    "Parent": "id:44",
    "Attribute 1 value(s)": "Blue",
}
CAP = {
    "ID": "60",
    "Type": "simple",
    "SKU": "woo-cap",
    "Name": "Cap",
    "Published": "1",
    "Visibility in catalog": "visible",
    "In stock?": "1",
    "Regular price": "16",
    "Categories": "Clothing > Accessories",
    "Images": "https://shop.example/cap.jpg?a=1&copy=2",
}


def export(folder: Path, *rows: dict[str, str]) -> Path:
    return write_table(folder / "wc-product-export.csv", WOO_HEADING, *rows)


def read(path: Path) -> tuple[dict[str, Product], list[str], list[Rejected], dict[str, int]]:
    """Products by their ids, the photos that are told, what was rejected, and what was left out."""
    catalogue = open_catalogue(str(path), "auto", SourceOptions(path), split=None, limits=DecodeLimits())
    found = list(catalogue.entries())
    entries = [row for row in found if isinstance(row, CatalogueEntry)]
    products = {entry.product.id: entry.product for entry in entries}
    rejected = [row for row in found if isinstance(row, Rejected)]
    return products, [entry.photo_id for entry in entries], rejected, catalogue.left_out()


def test_variations_belong_to_their_parent_wherever_they_stand(tmp_path: Path) -> None:
    products, photos, rejected, _ = read(export(tmp_path, BLUE, HOODIE, CAP, GREEN))
    assert products == {
        "44": Product(
            "44", "Hoodie", "Hoodies", 35.0, None, True, None,
            {"tags": "warm", "color": "Blue, Green", "logo": "No, Yes"},
        ),
        "60": Product("60", "Cap", "Accessories", 16.0, None, True),
    }  # fmt: skip
    assert sorted(photos) == [
        *(f"44\thttps://shop.example/hoodie-{name}.jpg" for name in ("1", "2", "blue", "green")),
        "60\thttps://shop.example/cap.jpg?a=1&copy=2",
    ]
    assert rejected == []


def test_products_without_an_id_are_known_by_their_sku(tmp_path: Path) -> None:
    products, *_ = read(export(tmp_path, HOODIE | {"ID": ""}, GREEN | {"ID": ""}))
    assert {product.id: product.price for product in products.values()} == {"woo-hoodie": 35.0}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, 35.0),
        ({"Sale price": ""}, 45.0),
        ({"Date sale price starts": "2026-03-01", "Date sale price ends": "2026-03-15"}, 35.0),
        ({"Date sale price starts": "2026-03-16"}, 45.0),
        ({"Date sale price ends": "2026-03-14 23:59:59"}, 45.0),
        ({"Sale price": "", "Regular price": ""}, None),
    ],
)
def test_a_sale_is_the_price_while_it_lasts(tmp_path: Path, cells: dict[str, str], expected: float | None) -> None:
    offer = list(read_woocommerce(export(tmp_path, HOODIE, GREEN | cells), NOW))[1]
    assert isinstance(offer, Offer)
    assert (offer.price, offer.problem) == (expected, None)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"In stock?": "1"}, (True, None)),
        ({"In stock?": "0"}, (False, None)),
        ({"In stock?": "backorder"}, (True, "backorder")),
        ({"In stock?": "", "Stock": "2"}, (True, None)),
        ({"In stock?": "", "Stock": "0"}, (False, None)),
        ({"In stock?": "", "Stock": ""}, (None, None)),
    ],
)
def test_stock(tmp_path: Path, cells: dict[str, str], expected: tuple[bool | None, str | None]) -> None:
    (offer,) = read_woocommerce(export(tmp_path, CAP | cells), NOW)
    assert isinstance(offer, Offer)
    assert (offer.in_stock, offer.waiting, offer.problem) == (*expected, None)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Clothing > Hoodies, Sale", "Hoodies"),
        ("Sale, Clothing > Women > Tops", "Tops"),
        ("Hats\\, caps", "Hats, caps"),
        ("Tops &amp; tees", "Tops & tees"),
        ("", "Uncategorized"),
    ],
)
def test_the_category_is_the_deepest(tmp_path: Path, cell: str, expected: str) -> None:
    products, *_ = read(export(tmp_path, CAP | {"Categories": cell}))
    assert products["60"].category == expected


def test_what_is_not_for_sale_is_left_out_and_counted(tmp_path: Path) -> None:
    path = export(
        tmp_path,
        HOODIE | {"Published": "-1"},
        GREEN,
        CAP,
        CAP | {"ID": "61", "Published": "'-1"},
        CAP | {"ID": "62", "Published": "0"},
        CAP | {"ID": "63", "Visibility in catalog": "hidden"},
    )
    products, _, rejected, left_out = read(path)
    assert (set(products), rejected) == ({"60"}, [])
    assert left_out == {"draft": 2, "private": 1, "hidden": 1}


def test_a_variation_that_is_not_published_is_not_offered(tmp_path: Path) -> None:
    products, photos, *_ = read(export(tmp_path, HOODIE, GREEN | {"Published": "0"}, BLUE | {"In stock?": "1"}))
    assert products["44"].price == 30.0
    assert not any("green" in photo for photo in photos)


def test_bad_rows_are_named_and_the_others_kept(tmp_path: Path) -> None:
    path = export(
        tmp_path,
        HOODIE,
        GREEN | {"Regular price": "-45"},
        BLUE | {"Parent": "woo-nothing"},
        CAP | {"ID": "", "SKU": ""},
        CAP | {"ID": "61", "In stock?": "maybe"},
        CAP | {"ID": "62", "Images": ""},
        CAP | {"ID": "63", "Regular price": "-1"},
        CAP | {"ID": "64", "Date sale price ends": "later", "Sale price": "3"},
        CAP,
        CAP | {"Name": "Cap again"},
    )
    products, _, rejected, _ = read(path)
    assert set(products) == {"60"}
    said = {bad.path.rpartition(" ")[2]: (bad.product_id, bad.reason) for bad in rejected}
    words = {
        "3": ("44", "Regular price is '-45'"),
        "4": ("52", "is a variation of 'woo-nothing', which this export does not have"),
        "5": (None, "id is empty"),
        "6": ("61", "in_stock is 'maybe'"),
        "7": ("62", "image is empty"),
        "8": ("63", "Regular price is '-1'"),
        "9": ("64", "Date sale price has 'later'"),
        "11": ("60", "has the id '60' of wc-product-export.csv row 10 again"),
    }
    assert set(said) == set(words)
    for row, (product_id, reason) in words.items():
        assert (said[row][0], reason in said[row][1]) == (product_id, True), said[row]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.dictionaries(st.sampled_from(WOO_HEADING), st.text(max_size=20)), min_size=1, max_size=3))
def test_wild_rows_are_never_a_crash(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    clean = [
        {name: value.encode("utf-8", "ignore").decode() for name, value in (GREEN | cells).items()} for cells in rows
    ]
    for row in read_woocommerce(export(tmp_path, HOODIE, *clean), NOW):
        assert isinstance(row, Rejected) or row.problem or row.price is None or row.price >= 0
