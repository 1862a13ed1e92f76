"""Findings on a manifest where it is known what is wrong."""

from __future__ import annotations

import pyarrow as pa

from snapshelf.data.dataset import MANIFEST_SCHEMA
from snapshelf.data.quality import examine


def manifest(*rows: tuple[str, str, str, str, int]) -> pa.Table:
    """Rows of path, label, split, sha256 and side."""
    paths, labels, splits, hashes, sides = zip(*rows, strict=True)
    return pa.table([paths, labels, splits, [None] * len(rows), hashes, sides, sides], schema=MANIFEST_SCHEMA)


FOUND = examine(
    manifest(
        ("1", "hat", "train", "a", 300),
        ("2", "hat", "train", "a", 300),
        ("3", "cap", "test", "a", 300),
        ("4", "cap", "train", "b", 300),
        ("5", "cap", "validation", "b", 300),
        ("6", "cap", "train", "c", 112),
        ("7", "hat", "train", "c", 113),
        ("8", "cap", "train", "d", 300),
        ("9", "cap", "train", "d", 300),
    ),
    size_px=224,
)


def test_doubles_within_a_split() -> None:
    assert FOUND.within_split == [["1", "2"], ["8", "9"]]


def test_doubles_across_splits_are_whole_groups() -> None:
    assert FOUND.across_splits == [["1", "2", "3"], ["4", "5"]]


def test_the_same_photo_under_two_labels() -> None:
    assert FOUND.two_labels == [["1", "2", "3"]]


def test_the_same_bytes_in_another_shape_are_another_photo() -> None:
    assert not any("7" in group for group in FOUND.within_split)


def test_photos_that_had_to_be_enlarged_twice() -> None:
    assert FOUND.small == ["6"]


def test_counts_by_class_and_split() -> None:
    assert FOUND.class_counts == {
        "cap": {"train": 4, "validation": 1, "test": 1},
        "hat": {"train": 3, "validation": 0, "test": 0},
    }
    assert FOUND.split_counts == {"train": 7, "validation": 1, "test": 1}


def test_splits_that_are_not_there_are_not_counted() -> None:
    assert examine(manifest(("1", "hat", "train", "a", 300)), 224).split_counts == {"train": 1}
