"""How strongly two products belong together, by how often they were bought together and alone.

Which of these a store uses is decided by its own orders: see `validation`. Shapes: M pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from snapshelf.together.pairs import Pairs

Method = Callable[[Pairs], NDArray[np.float64]]
"""Pairs → a score of each, (M,); the higher, the sooner it is shown."""

SHRINKAGE = 50.0
"""So many orders have to be there by chance before chance counts half: rare products must not win by one coincidence.
Of 5 to 300 the middle did best: see docs/decisions/0016-bought-together.md."""


def count(pairs: Pairs) -> NDArray[np.float64]:
    """How many orders had both. Favours what everybody buys."""
    return pairs.support_M.astype(np.float64)


def lift(pairs: Pairs) -> NDArray[np.float64]:
    """How many times more often than by chance, shrunk by `SHRINKAGE`."""
    return shrunk_lift(pairs, SHRINKAGE)


def shrunk_lift(pairs: Pairs, shrinkage: float) -> NDArray[np.float64]:
    """Observed / (expected + shrinkage) orders: 0 is the bare lift, which rare products win; a large one ranks by how
    many orders had both.
    """
    shrunk_M: NDArray[np.float64] = pairs.support_M / (pairs.expected_M + shrinkage)
    return shrunk_M


def npmi(pairs: Pairs) -> NDArray[np.float64]:
    """Normalised pointwise mutual information, -1 to 1: Bouma, «Normalized (Pointwise) Mutual Information in
    Collocation Extraction», GSCL 2009; discounted for few orders as in Pantel and Lin, «Discovering Word Senses from
    Text», KDD 2002.
    """
    rarest_M = np.minimum(pairs.product_orders_M, pairs.other_orders_M)
    discount_M = pairs.support_M / (pairs.support_M + 1) * rarest_M / (rarest_M + 1)
    information_M = np.log(pairs.support_M / pairs.expected_M)
    found_M: NDArray[np.float64] = discount_M * information_M / -np.log(pairs.support_M / pairs.num_orders)
    return found_M


def cosine(pairs: Pairs) -> NDArray[np.float64]:
    """The cosine of the two products' columns in the table of orders: Linden et al., «Amazon.com Recommendations:
    Item-to-Item Collaborative Filtering», IEEE Internet Computing 2003; shrunk by `SHRINKAGE`.
    """
    found_M: NDArray[np.float64] = pairs.support_M / (
        np.sqrt(pairs.product_orders_M * pairs.other_orders_M) + SHRINKAGE
    )
    return found_M


METHODS: Mapping[str, Method] = {"lift": lift, "cosine": cosine, "count": count, "npmi": npmi}
"""The first one is taken where there are too few orders to tell, and of equals."""
