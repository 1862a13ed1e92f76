"""Guises of a photo are found among others; and what is quick finds what is slow and plain finds."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from snapshelf.data import near_duplicates as module
from snapshelf.data.facts import FACTS, measure
from snapshelf.data.groups import connect
from snapshelf.data.near_duplicates import NEAREST, SIMILARITY, TURNED_RADIUS, near_duplicates
from tests.drawn import cut, drawn, resaved, squares

SIZE_PX = 128
PICTURES = [drawn(number) for number in range(60)]

GUISES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved anew": lambda image: resaved(image, 30),
    "half the size": lambda image: image.resize((80, 80)),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside down": lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "turned right": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned left": lambda image: image.transpose(Image.Transpose.ROTATE_270),
    "turned round": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "turned and mirrored": lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
}

Pair = tuple[int, int]


@dataclass(frozen=True)
class Shelf:
    """Photos with their looks."""

    photos_NSSC: NDArray[np.uint8]
    looks_N: NDArray[np.uint64]
    turned_looks_N: NDArray[np.uint64]

    def pairs(self, embeddings_ND: NDArray[np.float32] | None = None, num_threads: int = 1) -> set[Pair]:
        found = near_duplicates(self.looks_N, self.turned_looks_N, self.photos_NSSC, embeddings_ND, num_threads)
        return as_set(found)


def shelf(images: list[Image.Image], size_px: int = SIZE_PX) -> Shelf:
    photos_NSSC = squares(images, size_px)
    facts_N = np.frombuffer(b"".join(measure(pixels, (160, 160), 1) for pixels in photos_NSSC), FACTS)
    return Shelf(photos_NSSC, facts_N["look"], facts_N["turned_look"])


def as_set(pairs: NDArray[np.int64]) -> set[Pair]:
    return {(one, other) for one, other in pairs.tolist()}


@pytest.mark.parametrize("name", GUISES)
def test_a_photo_in_another_guise_is_found_and_nothing_else(name: str) -> None:
    planted = {number: 60 + place for place, number in enumerate(range(0, 60, 6))}
    found = shelf([*PICTURES, *(GUISES[name](PICTURES[number]) for number in planted)]).pairs()
    assert found == set(planted.items())


def test_all_guises_of_one_photo_are_connected() -> None:
    images = [*PICTURES[:20], *(guise(PICTURES[7]) for guise in GUISES.values())]
    group_N = connect(len(images), [np.array(sorted(shelf(images).pairs()))])
    assert group_N.tolist() == [*range(20), *[7] * len(GUISES)]


def test_more_threads_find_the_same() -> None:
    some = shelf([*PICTURES[:20], *(guise(PICTURES[7]) for guise in GUISES.values())])
    assert some.pairs(num_threads=3) == some.pairs()


def test_the_lower_number_comes_first_and_no_pair_comes_twice() -> None:
    some = shelf([PICTURES[0], *(guise(PICTURES[0]) for guise in GUISES.values())])
    random = np.random.default_rng(0)
    embeddings_ND = random.normal(0, 0.01, (len(some.looks_N), 8)).astype(np.float32)
    found = near_duplicates(some.looks_N, some.turned_looks_N, some.photos_NSSC, embeddings_ND, 1)
    assert (found[:, 0] < found[:, 1]).all()
    assert len(np.unique(found, axis=0)) == len(found)


def cropped_ones() -> tuple[Shelf, set[Pair]]:
    """20 photos and 15 % crops of the first five, each from another place."""
    crops = [cut(PICTURES[number], 0.85, number / 4, 1 - number / 4) for number in range(5)]
    return shelf([*PICTURES[:20], *crops]), {(number, 20 + number) for number in range(5)}


def embeddings_of(number_of: list[int], noise: float = 0.05) -> NDArray[np.float32]:
    """Made up: photos with the same number have nearly the same embedding, others are far from it."""
    random = np.random.default_rng(0)
    distinct_ND = random.normal(0, 1, (max(number_of) + 1, 64)) + 5.0
    return (distinct_ND[number_of] + random.normal(0, noise, (len(number_of), 64))).astype(np.float32)


def test_crops_are_found_where_embeddings_propose_them_and_not_without() -> None:
    crops, planted = cropped_ones()
    assert crops.pairs() & planted == set()
    assert crops.pairs(embeddings_of([*range(20), *range(5)])) == planted


def test_what_embeddings_propose_is_looked_at_before_it_is_believed() -> None:
    some = shelf(PICTURES[:20])
    assert some.pairs(embeddings_of([*range(10), *range(10)])) == set()


def test_small_photos_of_one_kind_are_told_apart_and_their_copies_found() -> None:
    tiny = [drawn(number, 112, num_shapes=12) for number in range(60)]
    found = shelf([*tiny, *(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for image in tiny[:6])], 28).pairs()
    assert found == {(number, 60 + number) for number in range(6)}


def test_a_thousand_look_alikes_make_few_pairs_and_one_chain() -> None:
    photos_NSSC = np.broadcast_to(squares(PICTURES[:1], 64), (1000, 64, 64, 3))
    same_N = np.full(1000, 12345, np.uint64)
    embeddings_ND = np.ones((1000, 4), np.float32)
    embeddings_ND[0] = 0
    with ThreadPoolExecutor(1) as pool:  # before so many are laid upon each other
        assert len(module._near_bits(same_N, 8, pool, "")) <= NEAREST * 1000
    assert len(module._near_embeddings(embeddings_ND)) <= NEAREST * 1000
    found = near_duplicates(same_N, same_N, photos_NSSC, embeddings_ND, 1)
    assert 999 <= len(found) <= NEAREST * 1000
    assert not connect(1000, [found]).any()


@pytest.mark.parametrize(("number", "with_embeddings"), [(0, False), (1, False), (1, True)])
@pytest.mark.parametrize("size_px", [28, 128])
def test_none_or_one_photo_has_no_partner(number: int, size_px: int, with_embeddings: bool) -> None:
    nothing_N = np.zeros(number, np.uint64)
    embeddings_ND = np.ones((number, 8), np.float32) if with_embeddings else None
    photos_NSSC = np.zeros((number, size_px, size_px, 3), np.uint8)
    assert near_duplicates(nothing_N, nothing_N, photos_NSSC, embeddings_ND, 2).shape == (0, 2)


def nearest_later(distance_NN: NDArray[np.float64], most: float) -> set[Pair]:
    """The same, naively: of each photo the nearest later ones that are near enough; on a draw the earlier ones."""
    pairs: set[Pair] = set()
    for one, distance_N in enumerate(distance_NN):
        later = [other for other in range(one + 1, len(distance_N)) if distance_N[other] <= most]
        pairs.update((one, other) for other in sorted(later, key=lambda other: (distance_N[other], other))[:NEAREST])
    return pairs


@settings(max_examples=60, deadline=None)
@given(
    number=st.integers(1, 150),
    planted=st.lists(st.tuples(st.integers(0, 149), st.integers(0, 149), st.integers(0, 12)), max_size=60),
    radius=st.integers(0, 10),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_search_for_near_bits_agrees_with_a_naive_one(
    number: int, planted: list[tuple[int, int, int]], radius: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    hashes_N = random.integers(0, 2**64, number, dtype=np.uint64)
    for one, other, num_bits in planted:
        bits = random.choice(64, num_bits, replace=False).astype(np.uint64)
        hashes_N[other % number] = hashes_N[one % number] ^ np.bitwise_or.reduce(np.uint64(1) << bits, initial=0)
    distance_NN = np.bitwise_count(hashes_N[:, None] ^ hashes_N[None]).astype(np.float64)
    with ThreadPoolExecutor(1) as pool:
        found = module._near_bits(hashes_N, radius, pool, "")
    assert as_set(found) == nearest_later(distance_NN, radius)
    assert len(found) == len(as_set(found))


def test_bits_are_near_across_blocks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 3)
    monkeypatch.setattr(module, "_WIDTH", 5)
    hashes_N = np.random.default_rng(0).integers(0, 8, 40).astype(np.uint64)
    distance_NN = np.bitwise_count(hashes_N[:, None] ^ hashes_N[None]).astype(np.float64)
    with ThreadPoolExecutor(2) as pool:
        assert as_set(module._near_bits(hashes_N, 1, pool, "")) == nearest_later(distance_NN, 1)


@settings(max_examples=40, deadline=None)
@given(number=st.integers(1, 60), num_kinds=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_the_search_for_near_embeddings_agrees_with_a_naive_one(number: int, num_kinds: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    kinds_KD = random.normal(0, 1, (num_kinds, 12)) + 1.0
    lengths = random.uniform(0.5, 2, (number, 1))
    noisy = kinds_KD[random.integers(0, num_kinds, number)] + random.normal(0, 0.4, (number, 12))
    embeddings_ND = (lengths * noisy).astype(np.float32)
    centred_ND = embeddings_ND.astype(np.float64) - embeddings_ND.astype(np.float64).mean(0)
    unit_ND = centred_ND / np.maximum(np.linalg.norm(centred_ND, axis=1, keepdims=True), 1e-9)
    distance_NN = 1 - unit_ND @ unit_ND.T
    steps = np.diff(np.sort(np.c_[distance_NN, np.full(number, 1 - SIMILARITY)]))
    assume(number == 1 or steps.min() > 3e-6)  # else rounding may decide
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_EMBEDDING_BLOCK", 7)
        patch.setattr(module, "_WIDTH", 11)
        found = module._near_embeddings(embeddings_ND)
    assert as_set(found) == nearest_later(distance_NN, 1 - SIMILARITY)


@pytest.mark.parametrize("name", GUISES)
def test_guises_pass_the_quick_tests_by_themselves(name: str) -> None:
    """So that photos are laid upon each other only where it is worth it, and no guise hangs on luck."""
    one, other = shelf(PICTURES), shelf([GUISES[name](image) for image in PICTURES])
    turned_bits_N = np.bitwise_count(one.turned_looks_N ^ other.turned_looks_N)
    bits_N = np.bitwise_count(one.looks_N ^ other.looks_N)
    assert ((bits_N <= module.LOOK_RADIUS) | (turned_bits_N <= TURNED_RADIUS)).mean() >= 0.95
