"""Google Merchant feeds: RSS, Atom and tables; sales, stock, variants, and everything that can be wrong with them."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapshelf.data.catalogue import CatalogueEntry, open_catalogue
from snapshelf.data.feeds.google_merchant import read_google_merchant
from snapshelf.data.feeds.google_xml import read_items
from snapshelf.data.feeds.offers import Offer
from snapshelf.data.sources.options import SourceOptions
from snapshelf.data.tables import Row
from snapshelf.errors import SourceError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.types import Product, Rejected
from tests.feeds import GOOGLE_HEADING, NAMESPACE, google_item, rss, write_table

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)

DRESS = {
    "id": "D1-red",
    "title": "Summer dress, red",
    "link": "https://shop.example/dress?color=red",
    "image_link": "https://cdn.example/dress-red.jpg",
    "availability": "in_stock",
    "price": "59.00 EUR",
    "item_group_id": "D1",
    "product_type": "Home > Women > Dresses",
    "google_product_category": "Apparel & Accessories > Clothing > Dresses",
    "brand": "Acme",
    "color": "red",
}
BLUE = DRESS | {
    "id": "D1-blue",
    "title": "Summer dress, blue",
    "image_link": "https://cdn.example/dress-blue.jpg",
    "price": "49.00 EUR",
    "color": "blue",
}


def read(path: Path) -> tuple[dict[str, Product], list[str], list[Rejected]]:
    """Products by their ids, the photos that are told, and what was rejected."""
    found = list(open_catalogue(str(path), "auto", SourceOptions(path), split=None, limits=DecodeLimits()).entries())
    entries = [row for row in found if isinstance(row, CatalogueEntry)]
    products = {entry.product.id: entry.product for entry in entries}
    return products, [entry.photo_id for entry in entries], [row for row in found if isinstance(row, Rejected)]


def tsv(folder: Path, *rows: dict[str, str]) -> Path:
    return write_table(folder / "feed.tsv", GOOGLE_HEADING, *rows, separator="\t")


def offer(folder: Path, **fields: str) -> Offer:
    """What is understood of one row."""
    (row,) = read_google_merchant(tsv(folder, DRESS | fields), NOW)
    assert isinstance(row, Offer)
    return row


def test_variants_are_one_product_with_all_photos_and_the_lowest_price(tmp_path: Path) -> None:
    products, photos, rejected = read(tsv(tmp_path, DRESS, BLUE))
    assert products == {
        "D1": Product(
            "D1", "Summer dress, red", "Dresses", 49.0, "EUR", True, "https://shop.example/dress?color=red",
            {"brand": "Acme", "color": "red, blue"},
        )
    }  # fmt: skip
    assert photos == ["D1\thttps://cdn.example/dress-red.jpg", "D1\thttps://cdn.example/dress-blue.jpg"]
    assert rejected == []


def test_variants_may_stand_anywhere_in_the_feed(tmp_path: Path) -> None:
    hat = DRESS | {"id": "H", "item_group_id": "", "title": "Hat"}
    products, _, _ = read(tsv(tmp_path, DRESS, hat, BLUE))
    assert (list(products), products["D1"].price) == (["D1", "H"], 49.0)


def test_what_cannot_be_bought_does_not_lower_the_price(tmp_path: Path) -> None:
    products, _, _ = read(tsv(tmp_path, DRESS, BLUE | {"availability": "out of stock"}))
    assert (products["D1"].price, products["D1"].in_stock) == (59.0, True)
    products, _, _ = read(
        tsv(tmp_path, DRESS | {"availability": "out_of_stock"}, BLUE | {"availability": "out of stock"})
    )
    assert (products["D1"].price, products["D1"].in_stock) == (49.0, False)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("in_stock", (True, None)),
        ("in stock", (True, None)),
        ("In Stock", (True, None)),
        ("https://schema.org/InStock", (True, None)),
        ("out of stock", (False, None)),
        ("preorder", (True, "preorder")),
        ("Pre-Order", (True, "preorder")),
        ("backorder", (True, "backorder")),
        ("", (None, None)),
    ],
)
def test_availability(tmp_path: Path, word: str, expected: tuple[bool | None, str | None]) -> None:
    found = offer(tmp_path, availability=word)
    assert (found.in_stock, found.waiting, found.problem) == (*expected, None)


def test_what_must_be_waited_for_says_so(tmp_path: Path) -> None:
    products, _, _ = read(tsv(tmp_path, DRESS | {"availability": "preorder"}))
    assert products["D1"].attributes["availability"] == "preorder"
    products, _, _ = read(tsv(tmp_path, DRESS | {"availability": "preorder"}, BLUE))
    assert "availability" not in products["D1"].attributes


@pytest.mark.parametrize(
    ("sale", "expected"),
    [
        ({"sale_price": "39.00 EUR"}, 39.0),
        ({"sale_price": "39.00 EUR", "sale_price_effective_date": "2026-03-01T00:00+0100/2026-03-31T23:59+0100"}, 39.0),
        ({"sale_price": "39.00 EUR", "sale_price_effective_date": "2026-03-01 / 2026-03-15"}, 39.0),
        ({"sale_price": "39.00 EUR", "sale_price_effective_date": "2026-03-15T13:01+0100/2026-03-31T23:59Z"}, 59.0),
        ({"sale_price": "39.00 EUR", "sale_price_effective_date": "2026-02-01T00:00Z/2026-03-15T11:59Z"}, 59.0),
        ({"sale_price": "", "sale_price_effective_date": "soon"}, 59.0),
    ],
)
def test_a_sale_is_the_price_while_it_lasts(tmp_path: Path, sale: dict[str, str], expected: float) -> None:
    assert offer(tmp_path, **sale).price == expected


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("15.00 USD", (15.0, "USD")),
        ("USD 15.00", (15.0, "USD")),
        ("15,00eur", (15.0, "EUR")),
        ("1,250.00 USD", (1250.0, "USD")),
        ("1.250,00 EUR", (1250.0, "EUR")),
        ("15", (15.0, None)),
    ],
)
def test_prices_with_currencies(tmp_path: Path, price: str, expected: tuple[float, str | None]) -> None:
    found = offer(tmp_path, price=price)
    assert (found.price, found.currency) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "Dresses"),
        ({"product_type": ""}, "Dresses"),
        ({"product_type": "Dresses"}, "Dresses"),
        ({"product_type": "", "google_product_category": "2271"}, "Google category 2271"),
        ({"product_type": "", "google_product_category": ""}, "Uncategorized"),
    ],
)
def test_the_category_is_the_most_particular_word(tmp_path: Path, fields: dict[str, str], expected: str) -> None:
    products, _, _ = read(tsv(tmp_path, DRESS | fields))
    assert products["D1"].category == expected


def test_bad_rows_are_named_and_the_others_kept(tmp_path: Path) -> None:
    alone = DRESS | {"item_group_id": ""}
    path = tsv(
        tmp_path,
        alone | {"id": ""},
        alone | {"id": "a", "price": "-4.00 EUR"},
        alone | {"id": "b", "availability": "perhaps"},
        alone | {"id": "c", "price": "1,250 EUR"},
        alone | {"id": "d", "image_link": ""},
        alone | {"id": "e", "image_link": "nowhere.jpg"},
        alone | {"id": "f", "sale_price": "3 EUR", "sale_price_effective_date": "next week"},
        alone | {"id": "g", "link": "javascript:alert(1)"},
        alone | {"id": "h", "title": ""},
        alone | {"id": "good"},
        alone | {"id": "good", "price": "1.00 EUR"},
        BLUE | {"price": "none"},
        DRESS,
    )
    products, _, rejected = read(path)
    assert {product.id: product.price for product in products.values()} == {"good": 59.0, "D1": 59.0}
    said = {bad.path.removeprefix("feed.tsv row "): (bad.product_id, bad.reason) for bad in rejected}
    words = {
        "2": (None, "id is empty"),
        "3": ("a", "price is '-4.00 EUR'; expected a price of 0 or more such as 15.00 USD"),
        "4": ("b", "availability is 'perhaps'; expected in_stock, out_of_stock, preorder or backorder"),
        "5": ("c", "price is '1,250 EUR'"),
        "6": ("d", "image is empty"),
        "7": ("e", "nowhere.jpg' is not there"),
        "8": ("f", "sale_price_effective_date has 'next week'"),
        "9": ("g", "url is 'javascript:"),
        "10": ("h", "title is empty"),
        "12": ("good", "has the id 'good' of feed.tsv row 11 again"),
        "13": ("D1", "price is 'none'"),
    }
    assert set(said) == set(words)
    for row, (product_id, reason) in words.items():
        assert (said[row][0], reason in said[row][1]) == (product_id, True), said[row]


def test_rss_with_several_photos_and_what_lies_deeper_is_not_mixed_up(tmp_path: Path) -> None:
    more = ["https://cdn.example/2.jpg", "https://cdn.example/3.jpg"]
    item = google_item(
        id="7", image_link="https://cdn.example/1.jpg", additional_image_link=more, availability="in stock",
        price="15.00 USD", product_type=["Shoes &gt; Boots", "Sale"], brand="A&amp;B",
    )  # fmt: skip
    shipping = "<g:shipping><g:country>US</g:country><g:price>4.95 USD</g:price><g:id>9</g:id></g:shipping>"
    plain = "<title>Plain</title><g:title><![CDATA[Boot <b>new</b>]]></g:title><link>https://shop.example/7</link>"
    path = tmp_path / "feed.xml"
    path.write_text(rss(plain + shipping + item), "utf-8")
    products, photos, rejected = read(path)
    assert products == {
        "7": Product(
            "7", "Boot <b>new</b>", "Boots", 15.0, "USD", True, "https://shop.example/7", {"brand": "A&B"}
        )
    }  # fmt: skip
    assert (photos, rejected) == ([f"7\thttps://cdn.example/{number}.jpg" for number in (1, 2, 3)], [])


def test_atom(tmp_path: Path) -> None:
    path = tmp_path / "feed.atom"
    path.write_text(
        f'\n<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="{NAMESPACE}">'
        "<title>Shop</title><id>tag:shop</id><entry><title>Boot</title><id>tag:shop:7</id>"
        '<link rel="self" href="https://shop.example/api/7"/><link href="https://shop.example/7"/><g:id>7</g:id>'
        "<g:image_link>https://cdn.example/1.jpg</g:image_link><g:price>15.00 USD</g:price></entry></feed>",
        "utf-8",
    )
    products, _, _ = read(path)
    assert products == {
        "7": Product("7", "Boot", "Uncategorized", 15.0, "USD", None, "https://shop.example/7", {})
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-16", "windows-1252"])
def test_xml_says_itself_how_it_is_encoded(tmp_path: Path, encoding: str) -> None:
    item = google_item(id="1", title="Café", image_link="https://cdn.example/1.jpg")
    path = tmp_path / "feed.xml"
    path.write_bytes(rss(item).replace("UTF-8", encoding).encode(encoding))
    products, _, _ = read(path)
    assert products["1"].title == "Café"


def test_broken_xml_is_named_by_its_line_and_what_came_before_is_kept(tmp_path: Path) -> None:
    items = [google_item(id=str(number), title="Hat", image_link="https://cdn.example/1.jpg") for number in range(3)]
    path = tmp_path / "feed.xml"
    path.write_text(rss(*items).replace("<g:id>2</g:id>", "<g:id>2</g:i>"), "utf-8")
    products, _, (bad,) = read(path)
    assert set(products) == {"0", "1"}
    assert bad.path == "feed.xml line 9"
    assert bad.reason == "the XML is broken (mismatched tag) after item 3; the items after it were lost"
    assert bad.unread
    path.write_text(rss(*items)[:-60], "utf-8")
    assert read(path)[2][0].unread


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE r [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE r [<!ENTITY passwords SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE r [<!ENTITY % outside SYSTEM "http://127.0.0.1/x.dtd"> %outside;]>',
    ],
)
def test_entities_are_refused(tmp_path: Path, doctype: str) -> None:
    path = tmp_path / "feed.xml"
    item = google_item(id="1", title="&b;&passwords;", image_link="https://cdn.example/1.jpg")
    path.write_text(rss(item).replace("?>\n", f"?>\n{doctype}\n", 1), "utf-8")
    with pytest.raises(SourceError, match=r"declares the entity '\w+' in line 2"):
        list(read_items(path))


def test_an_outside_document_type_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    (tmp_path / "bad.dtd").write_text('<!ENTITY nbsp "loaded">')
    item = google_item(id="1", title="a&nbsp;b", image_link="https://cdn.example/1.jpg")
    path.write_text(rss(item).replace("?>\n", '?>\n<!DOCTYPE rss SYSTEM "bad.dtd">\n', 1), "utf-8")
    assert [row.values["title"] for row in read_items(path) if isinstance(row, Row)] == ["ab"]


def test_a_tag_without_an_end_and_an_item_without_measure_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(f'<rss xmlns:g="{NAMESPACE}"><channel><item g:x="' + "x" * 3_000_000, "utf-8")
    with pytest.raises(SourceError, match="tag of more than"):
        list(read_items(path))
    huge = google_item(id="1", title="x" * 2_000_000)
    path.write_text(rss(huge, google_item(id="2", title="Hat")), "utf-8")
    bad, good = read_items(path)
    assert isinstance(bad, Rejected)
    assert (bad.path, good) == ("feed.xml item 1", Row(2, {"id": "2", "title": "Hat"}))


def test_many_items_are_no_more_memory_than_one(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = tmp_path / f"{count}.xml"
        path.write_text(rss(*(google_item(id=str(number), title="Hat" * 20) for number in range(count))), "utf-8")
        tracemalloc.start()
        assert sum(1 for _ in read_items(path)) == count
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak_bytes

    assert peak(20_000) < 2 * peak(2_000)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.text("<>/g:idrstem &;![]x'\"=\0é", max_size=200).map(str.encode))
def test_wild_xml_is_a_source_error_or_bad_items(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wild.xml"
    path.write_bytes(b"<rss>" + content)
    try:
        rows = list(read_google_merchant(path, NOW))
    except SourceError:
        return
    assert all(isinstance(row, Offer | Rejected) for row in rows)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.dictionaries(st.sampled_from(GOOGLE_HEADING), st.text(max_size=30)))
def test_wild_rows_are_never_a_crash(tmp_path: Path, cells: dict[str, str]) -> None:
    path = tmp_path / "wild.tsv"
    clean = {name: value.encode("utf-8", "ignore").decode() for name, value in (DRESS | cells).items()}
    for row in read_google_merchant(write_table(path, GOOGLE_HEADING, clean, separator="\t"), NOW):
        assert isinstance(row, Rejected) or row.problem or row.price is None or row.price >= 0
