"""The scores, on a shop so small that they can be computed by hand.

Ten orders: bread in 5, butter in 4, both in 3; tea in 2 and milk in 2, both times together; salt 5 times alone or with
bread (once).
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from snapshelf.together.methods import METHODS, shrunk_lift
from snapshelf.together.pairs import Pairs, count_pairs
from tests.baskets import orders_of

TEN = [{"bread", "butter"}] * 3 + [{"bread", "salt"}, {"bread"}, {"butter"}, {"milk", "tea"}, {"milk", "tea"}]
TEN += [{"salt"}, {"salt"}]
BREAD, BUTTER, MILK, TEA = 0, 1, 2, 4


@pytest.fixture
def pairs() -> Pairs:
    (block,) = count_pairs(orders_of(TEN))
    return block


def test_the_pairs_are_bread_with_butter_and_milk_with_tea(pairs: Pairs) -> None:
    rows = zip(pairs.product_M.tolist(), pairs.other_M.tolist(), pairs.support_M.tolist(), strict=True)
    assert list(rows) == [(BREAD, BUTTER, 3), (BUTTER, BREAD, 3), (MILK, TEA, 2), (TEA, MILK, 2)]
    assert pairs.expected_M.tolist() == pytest.approx([2.0, 2.0, 0.4, 0.4])  # 5 · 4 / 10 and 2 · 2 / 10


def by_method(pairs: Pairs, name: str) -> list[float]:
    score_M = METHODS[name](pairs)
    return [float(score_M[0]), float(score_M[2])]


def test_count(pairs: Pairs) -> None:
    assert by_method(pairs, "count") == [3, 2]


def test_lift_shrunk_by_nothing_is_lift_and_shrunk_by_much_ranks_as_count_does(pairs: Pairs) -> None:
    assert shrunk_lift(pairs, 0)[[0, 2]].tolist() == pytest.approx([1.5, 5.0])
    assert by_method(pairs, "lift") == pytest.approx([3 / 52, 2 / 50.4])


def test_cosine(pairs: Pairs) -> None:
    assert by_method(pairs, "cosine") == pytest.approx([3 / (math.sqrt(20) + 50), 2 / (2 + 50)])


def test_npmi(pairs: Pairs) -> None:
    bread = 3 / 4 * 4 / 5 * math.log(1.5) / -math.log(0.3)
    tea = 2 / 3 * 2 / 3 * 1.0  # never apart: the information is as large as it can be
    assert by_method(pairs, "npmi") == pytest.approx([bread, tea])


@pytest.mark.parametrize("name", METHODS)
def test_every_score_is_finite_and_the_same_in_both_directions(pairs: Pairs, name: str) -> None:
    score_M = METHODS[name](pairs)
    assert np.isfinite(score_M).all()
    assert score_M[[0, 2]].tolist() == score_M[[1, 3]].tolist()
