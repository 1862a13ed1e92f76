"""Each product's partners, ranked and cut off."""

from __future__ import annotations

import pytest

from snapshelf.data.orders import Orders
from snapshelf.together import pairs as counting
from snapshelf.together import partners as ranking
from snapshelf.together.methods import METHODS
from snapshelf.together.partners import Partners, find_partners
from tests.baskets import orders_of

BASKETS = [{"a", "b"}] * 4 + [{"a", "c"}] * 3 + [{"a", "d"}] * 3 + [{"x"}] * 10


def ranked(orders: Orders, partners: Partners) -> dict[str, list[tuple[str, int]]]:
    return {
        product_id: [
            (orders.product_ids[other], support)
            for other, support in zip(
                partners.other_K[partners.of(number)].tolist(),
                partners.support_K[partners.of(number)].tolist(),
                strict=True,
            )
        ]
        for number, product_id in enumerate(orders.product_ids)
    }


def test_the_best_come_first_and_equals_in_the_order_of_the_products() -> None:
    orders = orders_of(BASKETS)
    assert ranked(orders, find_partners(orders, METHODS)["count"]) == {
        "a": [("b", 4), ("c", 3), ("d", 3)],
        "b": [("a", 4)],
        "c": [("a", 3)],
        "d": [("a", 3)],
        "x": [],
    }


def test_scores_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_BLOCK_PAIRS", 5)  # several blocks
    for partners in find_partners(orders_of(BASKETS), METHODS).values():
        scores = partners.score_K[partners.of(0)].tolist()
        assert scores == sorted(scores, reverse=True)


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "MAX_PARTNERS", 2)
    orders = orders_of(BASKETS)
    assert ranked(orders, find_partners(orders, METHODS)["lift"])["a"] == [("b", 4), ("c", 3)]


def test_without_a_pair_there_are_no_partners() -> None:
    orders = orders_of([{"a"}, {"b"}])
    assert ranked(orders, find_partners(orders, METHODS)["lift"]) == {"a": [], "b": []}
