"""For each product, those that it is bought with, the best first.

Shapes: P products, K partners of all products, M pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.orders import Orders
from snapshelf.together.methods import Method
from snapshelf.together.pairs import Pairs, count_pairs

MAX_PARTNERS = 100
"""So many are kept of each product: more than are ever shown, as some may be out of stock or no longer sold."""


@dataclass(frozen=True, slots=True)
class Partners:
    """The partners of each product, one product's after the other's."""

    first_P: NDArray[np.int64]
    """Where each product's partners begin; one more at the end, (P + 1,)."""
    other_K: NDArray[np.int32]
    support_K: NDArray[np.int32]
    """How many orders had both."""
    score_K: NDArray[np.float32]
    """Falls within each product's partners."""

    def of(self, product: int) -> slice:
        """Where one product's partners are."""
        return slice(int(self.first_P[product]), int(self.first_P[product + 1]))


def find_partners(orders: Orders, methods: Mapping[str, Method]) -> dict[str, Partners]:
    """Count once, and rank by each method. Equals come in the order of their support, then of the products."""
    parts: dict[str, list[tuple[NDArray[np.int64], ...]]] = defaultdict(list)
    scores: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for pairs in count_pairs(orders):
        for name, method in methods.items():
            score_M = method(pairs)
            best = _best(pairs, score_M)
            parts[name].append((pairs.product_M[best], pairs.other_M[best], pairs.support_M[best]))
            scores[name].append(score_M[best])
    return {name: _joined(parts[name], scores[name], len(orders.product_ids)) for name in methods}


def _best(pairs: Pairs, score_M: NDArray[np.float64]) -> NDArray[np.intp]:
    """Which pairs are among the first of their product, in order."""
    order = np.lexsort((pairs.other_M, -pairs.support_M, -score_M, pairs.product_M))
    product_M = pairs.product_M[order]
    rank_M = np.arange(len(order)) - np.searchsorted(product_M, product_M)
    return order[rank_M < MAX_PARTNERS]


def _joined(
    parts: list[tuple[NDArray[np.int64], ...]], scores: list[NDArray[np.float64]], num_products: int
) -> Partners:
    product_K, other_K, support_K = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Partners(
        first_P=np.searchsorted(product_K, np.arange(num_products + 1)),
        other_K=other_K.astype(np.int32),
        support_K=support_K.astype(np.int32),
        score_K=np.concatenate(scores).astype(np.float32),
    )
