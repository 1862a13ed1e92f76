"""Counting pairs: against counting by hand, in one block or in many."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshelf.data.orders import Orders
from snapshelf.together import pairs as counting
from snapshelf.together.pairs import MAX_PRODUCTS, MIN_ORDERS, count_pairs, count_products, is_evidence
from tests.baskets import orders_of

Baskets = list[set[str]]
BASKETS = st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1), min_size=1, max_size=30)


def counted(orders: Orders) -> dict[tuple[str, str], int]:
    """(product, other) → support, of all blocks."""
    ids = orders.product_ids
    return {
        (ids[product], ids[other]): support
        for block in count_pairs(orders)
        for product, other, support in zip(
            block.product_M.tolist(), block.other_M.tolist(), block.support_M.tolist(), strict=True
        )
    }


def by_hand(baskets: Baskets) -> dict[tuple[str, str], int]:
    ids = set().union(*baskets)
    number = {one: sum(one in basket for basket in baskets) for one in ids}
    found = {pair: sum(set(pair) <= basket for basket in baskets) for pair in permutations(ids, 2)}
    return {
        (one, other): support
        for (one, other), support in found.items()
        if support >= MIN_ORDERS and support * len(baskets) > number[one] * number[other]
    }


@settings(max_examples=60, deadline=None)
@given(BASKETS)
def test_pairs_are_those_that_one_counts_by_hand(baskets: Baskets) -> None:
    assert counted(orders_of(baskets)) == by_hand(baskets)


@settings(max_examples=60, deadline=None)
@given(BASKETS)
def test_pairs_are_symmetric(baskets: Baskets) -> None:
    found = counted(orders_of(baskets))
    assert found == {(other, one): support for (one, other), support in found.items()}


@settings(max_examples=60, deadline=None)
@given(BASKETS, st.integers(1, 20))
def test_many_small_blocks_and_parts_count_as_one_large_does(baskets: Baskets, block_pairs: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "_BLOCK_PAIRS", block_pairs)
        assert counted(orders_of(baskets)) == by_hand(baskets)


def test_orders_of_a_single_product_count_as_orders() -> None:
    orders = orders_of([{"a", "b"}, {"a", "b"}, {"a"}, {"c"}])
    assert count_products(orders).tolist() == [3, 2, 1]
    (block,) = count_pairs(orders)
    assert block.expected_M.tolist() == [1.5, 1.5]


def test_an_order_of_hundreds_of_products_is_no_evidence() -> None:
    ids = [f"{number:03}" for number in range(MAX_PRODUCTS + 1)]
    assert is_evidence(orders_of([ids, ids[1:], {"000"}])).tolist() == [False, True, True]
