"""Findings on photos where it is known what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from snapshelf.data.collect import Columns
from snapshelf.data.facts import FACTS
from snapshelf.data.quality import PhotoFlaw, Rows, exact_pairs, examine, photo_flaws
from snapshelf.imaging.decode import DecodeLimits

SIZE_PX = 224
TRAIN, VALIDATION, TEST = range(3)
NO_PAIRS = np.empty((0, 2), np.int64)

Row = tuple[str, int, str, int, str]
"""Label, split, content, width, and product (empty where there is none)."""


def facts(**values: Any) -> NDArray[np.void]:
    """Of one photo that has no flaw, but for what is named."""
    flawless = {"width_px": 300, "height_px": 300, "orientation": 1, "brightness": 0.9, "contrast": 0.8}
    made = np.zeros(1, FACTS)
    for name, value in (flawless | {"sharpness": 0.9} | values).items():
        made[name] = value
    return made


def columns_of(*rows: Row) -> Columns:
    labels, _, contents, widths, products = zip(*rows, strict=True)
    number = len(rows)
    facts_N = np.concatenate([facts(width_px=width) for width in widths])
    facts_N["sha256"] = [list(content.encode().ljust(32)) for content in contents]
    names = sorted(set(labels))
    return Columns(
        positions_N=np.arange(1, number + 1),
        label_N=np.array([names.index(label) for label in labels], np.int32),
        split_N=np.full(number, -1, np.int8),
        product_N=np.array([int.from_bytes(product.encode()) for product in products], np.uint64),
        file_N=np.zeros(number, np.uint64),
        lot_N=np.arange(number, dtype=np.uint64),
        folder_N=np.zeros(number, np.uint8),
        row_N=np.arange(number),
        facts_N=facts_N,
        labels=names,
    )


def as_lists(groups: list[Rows]) -> list[list[int]]:
    return [rows.tolist() for rows in groups]


ROWS: list[Row] = [
    ("hat", TRAIN, "a", 300, ""),
    ("hat", TRAIN, "a", 300, ""),
    ("cap", TEST, "a", 300, ""),
    ("cap", TRAIN, "b", 300, "p"),
    ("cap", VALIDATION, "b", 300, "q"),
    ("cap", TRAIN, "c", 300, "p"),
    ("hat", TRAIN, "c", 301, "q"),
    ("cap", TRAIN, "d", 300, ""),
    ("cap", TRAIN, "d", 300, ""),
    ("hat", TRAIN, "e", 300, ""),
    ("cap", TRAIN, "f", 300, ""),
    ("cap", TEST, "g", 300, ""),
]
NEAR = np.array([(7, 11), (9, 10)], np.int64)
COLUMNS = columns_of(*ROWS)
FOUND = examine(COLUMNS, np.array([row[1] for row in ROWS], np.int8), NEAR, SIZE_PX)


def test_exact_doubles_within_a_split() -> None:
    assert as_lists(FOUND.exact.within_split) == [[0, 1], [7, 8]]


def test_exact_doubles_across_splits_are_whole_groups() -> None:
    assert as_lists(FOUND.exact.across_splits) == [[0, 1, 2], [3, 4]]


def test_near_doubles_bring_the_exact_ones_of_each_along() -> None:
    assert as_lists(FOUND.near.across_splits) == [[7, 8, 11]]
    assert as_lists(FOUND.near.within_split) == [[7, 8], [9, 10]]


def test_groups_of_exact_doubles_alone_are_not_near_ones() -> None:
    pairs_of_doubles = np.array([(0, 2), (3, 4)], np.int64)
    near = examine(COLUMNS, np.zeros(len(COLUMNS), np.int8), pairs_of_doubles, SIZE_PX).near
    assert (near.within_split, near.across_splits) == ([], [])


def test_the_same_picture_under_two_labels() -> None:
    assert sorted(as_lists(FOUND.two_labels)) == [[0, 1, 2], [9, 10]]


def test_a_picture_under_two_labels_is_told_once_with_all_its_near_doubles() -> None:
    found = examine(COLUMNS, np.zeros(len(COLUMNS), np.int8), np.array([(0, 7)], np.int64), SIZE_PX)
    assert as_lists(found.two_labels) == [[0, 1, 2, 7, 8]]


def test_products_in_more_than_one_split() -> None:
    assert as_lists(FOUND.product_leaks) == [[4, 6]], "p is in training only, and no product is none"


def test_the_same_pixels_of_another_size_are_another_photo() -> None:
    assert exact_pairs(columns_of(*[("hat", 0, "a", width, "") for width in (300, 301, 300)])).tolist() == [[0, 2]]
    high = columns_of(*[("hat", 0, "a", 300, "")] * 2)
    high.facts_N["height_px"][1] = 301
    assert not len(exact_pairs(high))
    turned = columns_of(*[("hat", 0, "a", 300, "")] * 2)
    turned.facts_N["width_px"], turned.facts_N["height_px"] = (200, 300), (300, 200)
    assert not len(exact_pairs(turned))


def test_other_pixels_of_the_same_size_are_another_photo() -> None:
    assert not len(exact_pairs(columns_of(("hat", 0, "a", 300, ""), ("hat", 0, "b", 300, ""))))


def test_counts_by_class_and_split() -> None:
    assert FOUND.class_counts == {
        "cap": {"train": 5, "validation": 1, "test": 2},
        "hat": {"train": 4, "validation": 0, "test": 0},
    }
    assert FOUND.split_counts == {"train": 9, "validation": 1, "test": 2}


def test_splits_that_are_not_there_are_not_counted() -> None:
    rows: list[Row] = [("hat", TRAIN, "a", 300, ""), ("cap", TEST, "b", 300, "")]
    found = examine(columns_of(*rows), np.array([TRAIN, TEST], np.int8), NO_PAIRS, SIZE_PX)
    assert found.split_counts == {"train": 1, "test": 1}
    assert found.class_counts == {"cap": {"train": 0, "test": 1}, "hat": {"train": 1, "test": 0}}


def test_a_class_without_photos_is_not_counted() -> None:
    hats = COLUMNS.take(COLUMNS.label_N == COLUMNS.labels.index("hat"))
    found = examine(hats, np.zeros(len(hats), np.int8), NO_PAIRS, SIZE_PX)
    assert found.class_counts == {"hat": {"train": 4}}


def flaws_of(size_px: int = SIZE_PX, **values: Any) -> set[PhotoFlaw]:
    return {flaw for flaw, rows in photo_flaws(facts(**values), size_px).items() if len(rows)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, set()),
        ({"width_px": 112, "height_px": 112}, {"tiny"}),
        ({"width_px": 112, "height_px": 113}, set()),
        ({"width_px": 300, "height_px": 100}, set()),
        ({"width_px": 301, "height_px": 100}, {"extreme_aspect"}),
        ({"width_px": 100, "height_px": 301}, {"extreme_aspect"}),
        ({"contrast": 0.06}, set()),
        ({"contrast": 0.059}, {"blank"}),
        ({"brightness": 0.25}, set()),
        ({"brightness": 0.249}, {"dark"}),
        ({"sharpness": 0.42}, set()),
        ({"sharpness": 0.419}, {"blurred"}),
        ({"orientation": 6}, {"exif_rotated"}),
        ({"orientation": 8, "brightness": 0.1, "width_px": 1000}, {"exif_rotated", "dark", "extreme_aspect"}),
    ],
)
def test_a_flaw_begins_where_its_limit_is(values: dict[str, Any], expected: set[PhotoFlaw]) -> None:
    assert flaws_of(**values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"contrast": 0.01, "brightness": 0.01}, {"blank"}),
        ({"contrast": 0.01, "sharpness": 0.0}, {"blank"}),
        ({"brightness": 0.1, "sharpness": 0.1}, {"dark"}),
        ({"width_px": 50, "height_px": 50, "sharpness": 0.1}, {"tiny"}),
    ],
)
def test_what_explains_another_flaw_is_told_alone(values: dict[str, Any], expected: set[PhotoFlaw]) -> None:
    assert flaws_of(**values) == expected


def test_photos_that_were_enlarged_are_not_called_blurred() -> None:
    assert flaws_of(width_px=223, height_px=200, sharpness=0.1) == set()
    assert flaws_of(width_px=224, height_px=200, sharpness=0.1) == {"blurred"}


def test_tiny_data_sets_are_not_called_blurred() -> None:
    assert flaws_of(size_px=95, sharpness=0.1) == set()
    assert flaws_of(size_px=96, sharpness=0.1) == {"blurred"}


def test_flaws_name_the_photos_that_have_them() -> None:
    facts_N = np.concatenate([facts(), facts(contrast=0.0), facts(), facts(contrast=0.0)])
    found = photo_flaws(facts_N, SIZE_PX)
    assert found["blank"].tolist() == [1, 3]
    assert set(found) == {"tiny", "extreme_aspect", "blank", "dark", "blurred", "exif_rotated"}


def test_the_longest_photos_do_not_overflow() -> None:
    assert flaws_of(width_px=DecodeLimits().max_pixels, height_px=1) == {"extreme_aspect"}
