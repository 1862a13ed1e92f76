"""Splits: nothing that belongs together is torn apart, every class can be learnt, and the order does not matter."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshelf.data.split import assign_splits, group_photos
from snapshelf.errors import SourceError
from snapshelf.types import SPLITS, Split

TRAIN, VALIDATION, TEST = SPLITS

PhotoFacts = tuple[str, str, str | None, str]
"""Path, label, product and content of a photo."""


def split_of_each(photos: Sequence[PhotoFacts], given_splits: Sequence[Split | None] | None = None) -> dict[str, Split]:
    groups = group_photos((("product", product) if product else None, content) for _, _, product, content in photos)
    paths, labels = [photo[0] for photo in photos], [photo[1] for photo in photos]
    splits = assign_splits(paths, labels, given_splits or [None] * len(photos), groups).splits
    return dict(zip(paths, splits, strict=True))


def unrelated(label: str, number: int) -> list[PhotoFacts]:
    return [(f"{label}/{index}", label, None, f"{label} {index}") for index in range(number)]


@st.composite
def shops(draw: st.DrawFn) -> list[PhotoFacts]:
    """Photos of up to 4 classes; some are of one product, some have the same content, also across classes."""
    number = draw(st.integers(1, 80))
    products, contents = st.none() | st.integers(0, 12).map(str), st.integers(0, 60).map(str)
    return [(f"p{index}", draw(st.sampled_from("abcd")), draw(products), draw(contents)) for index in range(number)]


@settings(max_examples=60, deadline=None)
@given(shops(), st.randoms(use_true_random=False))
def test_no_product_and_no_content_is_torn_apart_in_any_order(
    photos: list[PhotoFacts], shuffler: random.Random
) -> None:
    split = split_of_each(photos)
    of_key: defaultdict[tuple[str, str], set[Split]] = defaultdict(set)
    for path, _, product, content in photos:
        of_key["content", content].add(split[path])
        if product:
            of_key["product", product].add(split[path])
    assert all(len(splits) == 1 for splits in of_key.values())
    for label in {photo[1] for photo in photos}:
        assert "train" in {split[photo[0]] for photo in photos if photo[1] == label}, "a class without training photos"
    shuffled = list(photos)
    shuffler.shuffle(shuffled)
    assert split_of_each(shuffled) == split


def test_without_splits_every_class_is_cut_80_10_10() -> None:
    split = split_of_each(unrelated("a", 200) + unrelated("b", 50))
    counts = Counter((path[0], of_path) for path, of_path in split.items())
    assert counts == {
        ("a", "train"): 160, ("a", "validation"): 20, ("a", "test"): 20,
        ("b", "train"): 40, ("b", "validation"): 5, ("b", "test"): 5,
    }  # fmt: skip


def test_given_splits_are_kept() -> None:
    photos = unrelated("a", 9)
    given_splits: list[Split | None] = [*SPLITS, *SPLITS, *SPLITS]
    assert list(split_of_each(photos, given_splits).values()) == given_splits


def test_a_test_split_is_not_made_up_beside_given_ones() -> None:
    given_splits = [TRAIN] * 90 + [VALIDATION] * 10
    assert set(split_of_each(unrelated("a", 100), given_splits).values()) == {"train", "validation"}


def test_missing_validation_is_a_twelfth_of_every_class_of_the_training_photos() -> None:
    photos = unrelated("a", 240) + unrelated("b", 120)
    given_splits = [TRAIN] * 120 + [TEST] * 120 + [TRAIN] * 120
    split = split_of_each(photos, given_splits)
    counts = Counter((path[0], of_path) for path, of_path in split.items())
    assert counts["a", "validation"] == counts["b", "validation"] == 10
    assert counts["a", "test"] == 120


def test_doubles_of_given_test_photos_stay_in_training_when_validation_is_cut() -> None:
    photos = [(f"a/{index}", "a", None, str(index % 12)) for index in range(24)]
    split = split_of_each(photos, [TRAIN] * 12 + [TEST] * 12)
    assert Counter(split.values()) == {"train": 12, "test": 12}


def test_a_class_of_large_products_still_gets_validation_and_test() -> None:
    photos = [(f"{index}", "a", f"product {index // 5}", str(index)) for index in range(30)]
    assert Counter(split_of_each(photos).values()) == {"train": 20, "validation": 5, "test": 5}


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, {"train": 1}), (2, {"train": 1, "validation": 1}), (3, {"train": 1, "validation": 1, "test": 1})],
)
def test_a_class_with_very_few_photos_keeps_one_to_learn_from(number: int, expected: dict[str, int]) -> None:
    assert Counter(split_of_each(unrelated("a", number)).values()) == expected


def test_classes_that_lack_photos_in_a_split_are_named() -> None:
    photos = unrelated("common", 100) + unrelated("rare", 1)
    labels = [photo[1] for photo in photos]
    notes = assign_splits([photo[0] for photo in photos], labels, [None] * 101, range(101)).notes
    assert any("no validation photo of rare" in note for note in notes)
    assert not any("common" in note for note in notes)


def test_a_photo_without_a_split_goes_where_its_product_is_and_else_to_training() -> None:
    photos = [("1", "a", "p", "1"), ("2", "a", "p", "2"), ("3", "a", None, "3"), ("4", "a", None, "4")]
    split = split_of_each(photos, ["validation", None, None, "train"])
    assert split == {"1": "validation", "2": "validation", "3": "train", "4": "train"}


def test_given_splits_without_training_photos_are_refused() -> None:
    with pytest.raises(SourceError, match=r"All 3 usable photos are given as test.*expected photos for training"):
        split_of_each(unrelated("a", 3), ["test"] * 3)


def test_groups_are_linked_through_a_third_photo() -> None:
    assert group_photos([("p", "x"), (None, "y"), ("p", "z"), (None, "z"), ("q", "y")]) == [0, 1, 0, 0, 1]
