"""Splits: nothing that belongs together is torn apart, every class can be learnt, and the order does not matter."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshelf.data.collect import _lot
from snapshelf.data.groups import connect, same_key
from snapshelf.data.split import NONE, SHARES, TEST, TRAIN, VALIDATION, Assignment, Grouped, _cut, assign_splits
from snapshelf.errors import SourceError
from snapshelf.types import SPLITS, Split

CLASSES = "abcd"

PhotoFacts = tuple[str, str, str | None, str]
"""Path, label, product and content of a photo."""


def grouped(photos: Sequence[PhotoFacts], given_splits: Sequence[Split | None] | None = None) -> Grouped:
    paths, labels, products, contents = zip(*photos, strict=True)
    product_N = np.array([product or "" for product in products])
    return Grouped(
        label_N=np.array([sorted(set(labels)).index(label) for label in labels], np.int32),
        given_N=np.array([SPLITS.index(split) if split else NONE for split in given_splits or [None] * len(photos)]),
        group_N=connect(len(photos), [same_key(product_N, none=""), same_key(np.array(contents))]),
        lot_N=np.array([_lot(path) for path in paths], np.uint64),
    )


def assigned(photos: Sequence[PhotoFacts], given_splits: Sequence[Split | None] | None = None) -> Assignment:
    return assign_splits(grouped(photos, given_splits), sorted({photo[1] for photo in photos}))


def split_of_each(photos: Sequence[PhotoFacts], given_splits: Sequence[Split | None] | None = None) -> dict[str, Split]:
    split_N = assigned(photos, given_splits).split_N
    return {photo[0]: SPLITS[split] for photo, split in zip(photos, split_N.tolist(), strict=True)}


def unrelated(label: str, number: int) -> list[PhotoFacts]:
    return [(f"{label}/{index}", label, None, f"{label} {index}") for index in range(number)]


def runs(*numbers: tuple[Split, int]) -> list[Split | None]:
    return [split for split, number in numbers for _ in range(number)]


def counts_by_class(split: dict[str, Split]) -> Counter[tuple[str, Split]]:
    return Counter((path[0], of_path) for path, of_path in split.items())


@st.composite
def shops(draw: st.DrawFn) -> list[PhotoFacts]:
    """Photos of up to 4 classes; some are of one product, some have the same content, also across classes."""
    number = draw(st.integers(1, 80))
    products, contents = st.none() | st.integers(0, 12).map(str), st.integers(0, 60).map(str)
    return [(f"p{index}", draw(st.sampled_from(CLASSES)), draw(products), draw(contents)) for index in range(number)]


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


@settings(max_examples=30, deadline=None)
@given(shops(), st.data())
def test_given_splits_are_kept_and_only_training_photos_become_validation(
    photos: list[PhotoFacts], data: st.DataObject
) -> None:
    splits: st.SearchStrategy[Split | None] = st.none() | st.sampled_from(SPLITS)
    given_splits: list[Split | None] = ["train", *(data.draw(splits) for _ in photos[1:])]
    split = split_of_each(photos, given_splits)
    for photo, before in zip(photos, given_splits, strict=True):
        cut_now = before == "train" and "validation" not in given_splits
        assert before is None or split[photo[0]] == before or (cut_now and split[photo[0]] == "validation")


def test_the_splits_hang_on_the_paths_and_on_nothing_else() -> None:
    photos = unrelated("a", 100)
    same_paths = [(path, "b", None, f"another {content}") for path, _, _, content in photos]
    other_paths = [(f"x{path}", label, product, content) for path, label, product, content in photos]
    split = split_of_each(photos)
    assert split_of_each(same_paths) == split
    assert list(split_of_each(other_paths).values()) != list(split.values())


def test_the_draw_is_the_same_on_every_machine_and_in_every_version() -> None:
    split = split_of_each(unrelated("a", 20))
    chosen = {name: sorted(path for path, of_path in split.items() if of_path == name) for name in SPLITS[1:]}
    assert chosen == {"validation": ["a/15", "a/3"], "test": ["a/13", "a/6"]}


def test_without_splits_every_class_is_cut_80_10_10() -> None:
    assert counts_by_class(split_of_each(unrelated("a", 200) + unrelated("b", 50))) == {
        ("a", "train"): 160, ("a", "validation"): 20, ("a", "test"): 20,
        ("b", "train"): 40, ("b", "validation"): 5, ("b", "test"): 5,
    }  # fmt: skip


def test_given_splits_are_kept() -> None:
    photos = unrelated("a", 9)
    given_splits: list[Split | None] = [*SPLITS, *SPLITS, *SPLITS]
    assert list(split_of_each(photos, given_splits).values()) == given_splits


def test_a_test_split_is_not_made_up_beside_given_ones() -> None:
    given_splits = runs(("train", 90), ("validation", 10))
    assert set(split_of_each(unrelated("a", 100), given_splits).values()) == {"train", "validation"}


def test_missing_validation_is_a_twelfth_of_every_class_of_the_training_photos() -> None:
    photos = unrelated("a", 240) + unrelated("b", 120)
    given_splits = runs(("train", 120), ("test", 120), ("train", 120))
    counts = counts_by_class(split_of_each(photos, given_splits))
    assert counts["a", "validation"] == counts["b", "validation"] == 10
    assert counts["a", "test"] == 120


def test_doubles_of_given_test_photos_stay_in_training_when_validation_is_cut() -> None:
    photos = [(f"a/{index}", "a", None, str(index % 12)) for index in range(24)]
    split = split_of_each(photos, runs(("train", 12), ("test", 12)))
    assert Counter(split.values()) == {"train": 12, "test": 12}


def test_a_group_that_was_torn_apart_before_is_not_torn_further() -> None:
    photos = [*unrelated("a", 24), ("p1", "a", "p", "1"), ("p2", "a", "p", "2"), ("p3", "a", "p", "3")]
    split = split_of_each(photos, [*runs(("train", 25), ("test", 1)), None])
    assert (split["p1"], split["p2"], split["p3"]) == ("train", "test", "train")


def test_a_class_of_large_products_still_gets_validation_and_test() -> None:
    photos = [(f"{index}", "a", f"product {index // 5}", str(index)) for index in range(30)]
    assert Counter(split_of_each(photos).values()) == {"train": 20, "validation": 5, "test": 5}


def test_of_large_products_the_smallest_are_taken() -> None:
    sizes = [9, 4, 9, 3, 9]
    photos = [(f"{p}/{n}", "a", str(p), f"{p} {n}") for p, size in enumerate(sizes) for n in range(size)]
    assert Counter(split_of_each(photos).values()) == {"train": 27, "validation": 3, "test": 4}


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, {"train": 1}), (2, {"train": 1, "validation": 1}), (3, {"train": 1, "validation": 1, "test": 1})],
)
def test_a_class_with_very_few_photos_keeps_one_to_learn_from(number: int, expected: dict[str, int]) -> None:
    assert Counter(split_of_each(unrelated("a", number)).values()) == expected


def test_one_product_of_two_classes_is_cut_only_where_both_can_spare_it() -> None:
    photos = [*unrelated("a", 30), ("only b", "b", "a/0's", "b"), ("a too", "a", "a/0's", "a too")]
    split = split_of_each(photos)
    assert split["only b"] == split["a too"] == "train"


def test_cutting_takes_from_training_photos_only() -> None:
    photos = grouped(unrelated("a", 40))
    before_N = np.array([TRAIN] * 20 + [VALIDATION] * 10 + [TEST] * 10, np.int8)
    after_N = _cut(photos, before_N, SHARES)
    assert after_N[20:].tolist() == before_N[20:].tolist()
    assert Counter(after_N[:20].tolist()) == {TRAIN: 16, VALIDATION: 2, TEST: 2}


def test_classes_that_lack_photos_in_a_split_are_named() -> None:
    advice = assigned(unrelated("common", 100) + unrelated("rare", 1)).advice
    assert "Too few photos: no validation photo of rare. Add photos of these." in advice
    assert not any("common" in sentence for sentence in advice)


def test_classes_with_few_photos_are_named_with_their_number() -> None:
    advice = assigned(unrelated("common", 100) + unrelated("scarce", 9) + unrelated("enough", 10)).advice
    assert any("Fewer than 10 photos: scarce (9)." in sentence for sentence in advice)
    assert not any("enough" in sentence for sentence in advice)


def test_how_the_splits_came_about_is_told() -> None:
    photos = unrelated("a", 30)
    assert assigned(photos).how == "The splits are 80/10/10, by class."
    assert assigned(photos, ["train", "test", "validation"] * 10).how == "The splits are as given."
    assert "validation cut from training" in assigned(photos, ["train", "test", "train"] * 10).how


def test_a_photo_without_a_split_goes_where_its_product_is_and_else_to_training() -> None:
    photos = [("1", "a", "p", "1"), ("2", "a", "p", "2"), ("3", "a", None, "3"), ("4", "a", None, "4")]
    split = split_of_each(photos, ["validation", None, None, "train"])
    assert split == {"1": "validation", "2": "validation", "3": "train", "4": "train"}


def test_given_splits_without_training_photos_are_refused() -> None:
    with pytest.raises(SourceError, match=r"All 3 usable photos are given as test.*expected photos for training"):
        split_of_each(unrelated("a", 3), ["test"] * 3)
