"""Catalogues: what becomes a product, what is refused and in which words."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from snapshelf.data import fields
from snapshelf.data.catalogue import Catalogue, CatalogueEntry, open_catalogue, photo_title
from snapshelf.data.photo_ids import photo_id, product_id_of
from snapshelf.data.sources.options import SourceOptions
from snapshelf.errors import ConfigError, PhotoError, SourceError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.types import Photo, Product, Rejected, Split

HEADING = ["id", "title", "category", "price", "currency", "in_stock", "url", "image"]
GOOD = ["1", "Red shoe", "shoe", "12.50", "EUR", "yes", "https://shop.example/1", "a.png"]


def table(folder: Path, *rows: list[str], heading: list[str] = HEADING) -> Path:
    """A CSV with these rows, and a photo `a.png` beside it and in `more/b.png`."""
    (folder / "more").mkdir(parents=True, exist_ok=True)
    (folder / "a.png").write_bytes(b"a's bytes")
    (folder / "more" / "b.png").write_bytes(b"b's bytes")
    path = folder / "products.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([heading, *rows])
    return path


def opened(path: Path, split: Split | None = None, columns: dict[str, str] | None = None) -> Catalogue:
    options = SourceOptions(path.parent, columns=columns or {})
    return open_catalogue(str(path), "auto", options, split=split, limits=DecodeLimits())


def read(
    path: Path, split: Split | None = None, columns: dict[str, str] | None = None
) -> tuple[list[CatalogueEntry], list[Rejected]]:
    found = list(opened(path, split, columns).entries())
    return [row for row in found if isinstance(row, CatalogueEntry)], [
        row for row in found if isinstance(row, Rejected)
    ]


def changed(**cells: str) -> list[str]:
    return [cells.get(name, value) for name, value in zip(HEADING, GOOD, strict=True)]


def test_a_row_becomes_a_product_with_its_photo(tmp_path: Path) -> None:
    path = table(tmp_path, [*GOOD, "Acme", ""], heading=[*HEADING, "brand", "colour"])
    (entry,), rejected = read(path)
    assert rejected == []
    assert entry.product == Product(
        "1", "Red shoe", "shoe", 12.5, "EUR", True, "https://shop.example/1", {"brand": "Acme"}
    )
    assert (opened(path).read(entry), entry.name) == (b"a's bytes", "products.csv row 2")
    assert product_id_of(entry.photo_id) == "1"


def test_what_a_store_does_not_say_is_none(tmp_path: Path) -> None:
    (entry,), _ = read(table(tmp_path, ["1", "Hat", "hat", "a.png"], heading=["id", "title", "category", "image"]))
    assert entry.product == Product("1", "Hat", "hat")


def test_names_of_columns_are_mapped_and_capitals_do_not_matter(tmp_path: Path) -> None:
    path = table(tmp_path, ["1", "Hut", "hat", "9,90", "a.png"], heading=["Id ", "Name", "CATEGORY", "Preis", "Foto"])
    (entry,), _ = read(path, columns={"title": "name", "price": "Preis", "image": "Foto"})
    assert entry.product == Product("1", "Hut", "hat", 9.9)


def test_a_missing_column_names_those_that_are_there_and_the_remedy(tmp_path: Path) -> None:
    path = table(tmp_path, GOOD, heading=[*HEADING[:-1], "images"])
    with pytest.raises(SourceError, match=r"no column 'image'; it has id, .*images.*image = \"images\""):
        read(path)
    with pytest.raises(SourceError, match="no column 'Titel'"):
        read(table(tmp_path, GOOD), columns={"title": "Titel"})


def test_an_unknown_name_in_the_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"names 'titel'; expected names out of id, title"):
        read(table(tmp_path, GOOD), columns={"titel": "Name"})


def test_rows_of_one_id_are_photos_of_one_product(tmp_path: Path) -> None:
    blank = ["1", "", "", "", "", "", "", "more/b.png"]
    path = table(tmp_path, GOOD, changed(id="2", title="Other"), blank)
    entries, rejected = read(path)
    assert rejected == []
    assert [entry.product.id for entry in entries] == ["1", "2", "1"]
    assert entries[2].product == entries[0].product
    assert opened(path).read(entries[2]) == b"b's bytes"
    assert len({entry.photo_id for entry in entries}) == 3


def test_a_row_may_have_several_photos(tmp_path: Path) -> None:
    path = table(tmp_path, changed(image="a.png|nowhere.png|more\\b.png|a.png"), changed(id="2"))
    entries, rejected = read(path)
    assert [(entry.product.id, opened(path).read(entry)) for entry in entries] == [
        ("1", b"a's bytes"), ("1", b"b's bytes"), ("2", b"a's bytes")
    ]  # fmt: skip
    assert len({entry.photo_id for entry in entries}) == 3
    assert [bad.path for bad in rejected] == ["products.csv row 2"] * 2
    assert "'nowhere.png'" in rejected[0].reason
    assert "same product and photo as row 2" in rejected[1].reason


@pytest.mark.parametrize(
    ("cell", "value"), [("title", "Blue shoe"), ("price", "13"), ("in_stock", "no"), ("category", "Shoe")]
)
def test_rows_of_one_id_must_not_contradict_each_other(tmp_path: Path, cell: str, value: str) -> None:
    later = changed(image="more/b.png", **{cell: value})
    entries, (bad,) = read(table(tmp_path, GOOD, later))
    assert [entry.product.title for entry in entries] == ["Red shoe"]
    assert bad.path == "products.csv row 3"
    assert bad.reason.startswith(f"{cell} is ")
    assert "row 2 says" in bad.reason


def test_the_same_photo_of_the_same_product_counts_once(tmp_path: Path) -> None:
    entries, (bad,) = read(table(tmp_path, GOOD, GOOD))
    assert len(entries) == 1
    assert bad == Rejected("products.csv row 3", "is the same product and photo as row 2.", product_id="1")


def test_two_products_may_share_a_photo(tmp_path: Path) -> None:
    entries, rejected = read(table(tmp_path, GOOD, changed(id="2")))
    assert (len({entry.photo_id for entry in entries}), rejected) == (2, [])


@pytest.mark.parametrize(
    ("cell", "value", "reason"),
    [
        ("id", "", "id is empty"),
        ("id", "x" * 201, r"201 characters\); expected 1 to 200"),
        ("id", "a\tb", "control character"),
        ("title", " ", "title is empty"),
        ("category", "", "category is empty"),
        ("price", "-3", "price is '-3'; expected a number of 0 or more"),
        ("price", "1.250,00", "price is '1.250,00'; expected a number such as 12.50"),
        ("price", "1,250", "price is '1,250'"),
        ("price", "€ 5", "price is '€ 5'.*currency in its own column"),
        ("price", "nan", "price is 'nan'"),
        ("price", "1e5", "price is '1e5'"),
        ("currency", "€", "currency is '€'; expected three letters"),
        ("in_stock", "17", "in_stock is '17'; expected true or false"),
        ("url", "javascript:alert(1)", "url is 'javascript:.*https://"),
        ("image", "", "image is empty"),
        ("image", "nowhere.png", "image is 'nowhere.png', but .* is not there"),
        ("image", "more", "is not there"),
        ("image", "../secret.png", "leaves the table's folder"),
        ("image", "a\0.png", "NUL"),
        ("image", "x" * 5000, "is not there"),
    ],
)
def test_a_bad_row_names_field_and_remedy_and_the_others_are_kept(
    tmp_path: Path, cell: str, value: str, reason: str
) -> None:
    (tmp_path / "secret.png").write_bytes(b"not for the catalogue")
    path = table(tmp_path / "feed", changed(**{cell: value}), changed(id="good"))
    entries, rejected = read(path)
    assert [entry.product.id for entry in entries] == ["good"]
    assert [bad.path for bad in rejected] == ["products.csv row 2"]
    assert re.search(reason, rejected[0].reason), rejected[0].reason


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"not for the catalogue")
    path = table(tmp_path / "feed", changed(image="link.png"))
    (path.parent / "link.png").symlink_to(tmp_path / "secret.png")
    entries, (bad,) = read(path)
    assert entries == []
    assert "leaves the table's folder" in bad.reason


def test_a_leading_slash_is_the_tables_folder(tmp_path: Path) -> None:
    path = table(tmp_path, changed(image="/more/b.png"))
    (entry,), _ = read(path)
    assert opened(path).read(entry) == b"b's bytes"


def test_an_address_on_this_machine_is_not_asked(tmp_path: Path) -> None:
    path = table(tmp_path, changed(image="http://127.0.0.1:9/a.png"))
    (entry,), rejected = read(path)
    assert rejected == []
    with pytest.raises(PhotoError, match=r"http://127\.0\.0\.1:9/a\.png cannot be downloaded"):
        opened(path).read(entry)


def test_a_split_is_chosen_by_its_column(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        [*GOOD, "train"],
        [*changed(id="2"), "test"],
        [*changed(id="3"), "nonsense"],
        heading=[*HEADING, "split"],
    )
    entries, (bad,) = read(path, split="test")
    assert [entry.product.id for entry in entries] == ["2"]
    assert "split is 'nonsense'" in bad.reason


def test_json_lines_may_lack_what_is_unknown(tmp_path: Path) -> None:
    table(tmp_path)
    path = tmp_path / "products.jsonl"
    rows = [
        {"title": "no id", "category": "hat", "image": "a.png"},
        {"id": 7, "title": "Hat", "category": "hat", "image": "a.png", "price": 5, "in_stock": False, "size": 4.5},
        {"id": 8, "title": "\ud800", "category": "hat", "image": "a.png"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (entry,), rejected = read(path)
    assert entry.product == Product("7", "Hat", "hat", 5.0, in_stock=False, attributes={"size": 4.5})
    assert [bad.path for bad in rejected] == ["products.jsonl row 1", "products.jsonl row 3"]


def test_a_folder_of_photos_is_a_catalogue(tmp_path: Path) -> None:
    for name in ("ankle_boot/00042.png", "bag/0a1b2c3d-4e5f-6789.png"):
        (tmp_path / "shop" / name).parent.mkdir(parents=True)
        (tmp_path / "shop" / name).write_bytes(name.encode())
    entries, rejected = read(tmp_path / "shop")
    assert [(entry.product, entry.photo_id, opened(tmp_path / "shop").read(entry)) for entry in entries] == [
        (Product(f"{name}", title, category), name, name.encode())
        for name, title, category in (
            ("ankle_boot/00042.png", "Ankle boot 00042", "ankle_boot"),
            ("bag/0a1b2c3d-4e5f-6789.png", "Bag 0a1b2c3d", "bag"),
        )
    ]
    assert (rejected, product_id_of(entries[0].photo_id)) == ([], "ankle_boot/00042.png")


def test_of_a_folder_with_splits_one_can_be_chosen(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split / "hat").mkdir(parents=True)
        (tmp_path / split / "hat" / "1.png").write_bytes(b"")
    assert [entry.photo_id for entry in read(tmp_path, split="test")[0]] == ["test/hat/1.png"]


def test_counting_is_for_the_progress_bar(tmp_path: Path) -> None:
    path = table(tmp_path, GOOD, changed(price="-1"), changed(id="2", image="a.png|more/b.png"), changed(image=""))
    catalogue = open_catalogue(str(path), "table", SourceOptions(tmp_path), split=None, limits=DecodeLimits())
    assert catalogue.count() == 5


def test_titles_are_for_people() -> None:
    assert photo_title(Photo("test/00042", "sneaker")) == "Sneaker 00042"
    assert photo_title(Photo("x.jpg", "T-Shirt")) == "T-Shirt x"


def test_photo_ids_of_different_products_never_meet() -> None:
    assert photo_id("a", "b/c.png") != photo_id("a/b", "c.png")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("12.50", 12.5), ("12,50", 12.5), (" 0 ", 0.0), ("+3", 3.0), (7, 7.0), (7.25, 7.25), ("", None), (None, None)],
)
def test_prices(value: object, expected: float | None) -> None:
    assert fields.price(value) == expected
    assert fields.price(float("nan")) is None


@pytest.mark.parametrize("value", [float("inf"), -1, -0.01, True])
def test_prices_that_are_none(value: object) -> None:
    with pytest.raises(SourceError, match="price is"):
        fields.price(value)


@pytest.mark.parametrize("value", [True, "TRUE", "yes", "1", 1, 1.0, "In Stock", "in_stock"])
def test_words_for_in_stock(value: object) -> None:
    assert fields.in_stock(value) is True


@pytest.mark.parametrize("value", [False, "false", "No", "0", 0, 0.0, "out of stock", "sold out"])
def test_words_for_out_of_stock(value: object) -> None:
    assert fields.in_stock(value) is False


def test_ids_that_a_program_turned_into_floats_are_whole_again() -> None:
    assert fields.product_id(12.0) == "12"
    assert fields.product_id(np.int64(12)) == "12"


@pytest.fixture(scope="module")
def wild_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wild")
    table(folder)
    return folder


json_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.lists(st.integers())


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.dictionaries(st.sampled_from([*HEADING, "split", "brand"]), json_values), max_size=6))
def test_any_row_is_a_product_or_is_named(wild_folder: Path, rows: list[dict[str, object]]) -> None:
    good = dict(zip(HEADING, GOOD, strict=True)) | {"id": "the good one"}
    path = wild_folder / "products.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, good]))
    entries, rejected = read(path)
    assert len(entries) + len(rejected) == len(rows) + 1
    assert all(bad.path and bad.reason for bad in rejected)
    for entry in entries:
        product = entry.product
        assert 1 <= len(product.id) <= 200
        assert product.title
        assert product.category
        assert product.price is None or product.price >= 0
        f"{product}{entry.photo_id}".encode()
    assert "the good one" in [entry.product.id for entry in entries]


def test_boxes_are_products_of_their_own_cut_out_of_their_file(tmp_path: Path) -> None:
    picture = Image.new("RGB", (40, 20), (200, 0, 0))
    picture.paste((0, 0, 200), (20, 0, 40, 20))
    picture.save(tmp_path / "shelf.png")
    boxes = {1: [0, 0, 20, 20], 2: [20, 0, 20, 20]}
    content = {
        "images": [{"id": 1, "file_name": "shelf.png", "width": 40, "height": 20}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": number, "bbox": box, "area": 400, "iscrowd": 0}
            for number, box in boxes.items()
        ],
        "categories": [{"id": 1, "name": "red"}, {"id": 2, "name": "blue"}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    found, _ = read(tmp_path / "instances.json")
    assert [(entry.product.id, entry.product.category) for entry in found] == [
        ("shelf.png#1", "red"), ("shelf.png#2", "blue")
    ]  # fmt: skip
    for entry, colour in zip(found, ((200, 0, 0), (0, 0, 200)), strict=True):
        pixels = opened(tmp_path / "instances.json").read(entry)
        assert isinstance(pixels, np.ndarray)
        assert pixels.shape == (20, 20, 3)
        assert (pixels == colour).all()
