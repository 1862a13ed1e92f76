"""By look, by words, by both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshelf.adapters.exact_index import ExactIndex
from snapshelf.recommend.options import SearchOptions
from snapshelf.recommend.ranking import query_of, ranked
from snapshelf.types import Filters, Product, ProductPhoto

QUERY_D = np.array([1.0, 0.0], np.float32)


def index_of(*titles: str) -> ExactIndex:
    """Products with these titles, each a little further from the query than the one before."""
    made = ExactIndex(2)
    for number, title in enumerate(titles):
        product = Product(f"p{number}", title, "thing", price=float(number))
        angle = 0.1 + number * 0.01
        made.upsert(
            [ProductPhoto(product.id, "", product)], np.array([[np.cos(angle), np.sin(angle)]], dtype=np.float32)
        )
    return made


def order(index: ExactIndex, **options: object) -> list[str]:
    return [near.product.id for near in ranked(index, QUERY_D, SearchOptions(**options))]  # type: ignore[arg-type]


def test_words_bring_their_products_to_the_front() -> None:
    index = index_of("canvas", "canvas", "red leather", "canvas", "leather")
    assert order(index) == ["p0", "p1", "p2", "p3", "p4"]
    assert order(index, text="red leather")[:2] == ["p2", "p4"]


def test_words_that_nothing_has_change_nothing() -> None:
    index = index_of("canvas", "leather", "wool")
    assert order(index, text="velvet") == order(index) == order(index, text="  ")


def test_a_product_far_away_is_found_by_its_words() -> None:
    index = index_of(*["canvas"] * 300, "red leather")
    assert "p300" in order(index, text="leather", top_k=3)
    near = {each.product.id: each for each in ranked(index, QUERY_D, SearchOptions(text="leather"))}
    assert near["p300"].similarity == pytest.approx(np.cos(0.1 + 3.0), abs=1e-5)


def test_filters_are_obeyed_with_words_and_variety_too() -> None:
    index = index_of("leather", "canvas", "leather", "wool", "leather")
    cheap = Filters(price_max=2.0)
    assert set(order(index, text="leather", filters=cheap)) == {"p0", "p1", "p2"}
    assert set(order(index, text="leather", filters=cheap, diversity=0.7)) == {"p0", "p1", "p2"}
    assert order(index, text="leather", filters=cheap, top_k=1) == ["p0"]


def test_what_is_not_liked_is_turned_away_from() -> None:
    liked_ED = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], np.float32)
    disliked_ED = np.array([[0.0, 1.0, 0.0]], np.float32)
    alone_D = query_of(liked_ED, disliked_ED[:0])
    assert alone_D == pytest.approx(np.array([1, 1, 0]) / np.sqrt(2))
    assert query_of(liked_ED, disliked_ED) == pytest.approx([1.0, 0.0, 0.0])


@given(st.integers(1, 5), st.integers(0, 5), st.integers(0, 2**31))
def test_a_query_has_length_one(num_liked: int, num_disliked: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    liked_ED, disliked_ED = (random.normal(size=(num, 4)).astype(np.float32) for num in (num_liked, num_disliked))
    assert np.linalg.norm(query_of(liked_ED, disliked_ED)) == pytest.approx(1.0, abs=1e-5)
