"""How many orders had both of two products, counted with NumPy alone and in bounded memory.

Shapes: O orders, L lines (one product of one order), P products, M pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.orders import Orders

MAX_PRODUCTS = 100
"""An order of more different products than this is no shopping basket but a stocktaking or a reseller's: every product
would be bought with every other. It is left out."""

MIN_ORDERS = 2
"""Two products that were bought together once may be a coincidence."""

_BLOCK_PAIRS = 4_000_000


@dataclass(frozen=True, slots=True)
class Pairs:
    """Products that were bought together, with what is known of both. Each pair comes in both directions."""

    product_M: NDArray[np.int64]
    other_M: NDArray[np.int64]
    support_M: NDArray[np.int64]
    """How many orders had both."""
    product_orders_M: NDArray[np.int64]
    """How many orders had the product."""
    other_orders_M: NDArray[np.int64]
    num_orders: int
    """How many orders there are at all."""

    @property
    def expected_M(self) -> NDArray[np.float64]:
        """How many orders would have both if the one had nothing to do with the other."""
        return self.product_orders_M * (self.other_orders_M / self.num_orders)


def is_evidence(orders: Orders) -> NDArray[np.bool_]:
    """The orders that say something: all but those of more than `MAX_PRODUCTS` products, (O,).

    Orders of a single product say that something was bought alone.
    """
    small_O: NDArray[np.bool_] = orders.size_O <= MAX_PRODUCTS
    return small_O


def count_products(orders: Orders) -> NDArray[np.int64]:
    """How many orders had each product, (P,)."""
    return np.bincount(orders.product_L, minlength=len(orders.product_ids))


def count_pairs(orders: Orders) -> Iterator[Pairs]:
    """The pairs that were bought together in `MIN_ORDERS` orders or more, and more often than by chance; a block of
    products after the other, each product's pairs in one block.

    Memory is bounded by the lines and by one block of some 4 million pairs; a product that has more of them is counted
    in parts.
    """
    num_products = len(orders.product_ids)
    num_orders_P = count_products(orders)
    order_L = np.repeat(np.arange(len(orders)), orders.size_O)
    by_product_L = np.argsort(orders.product_L, kind="stable")
    first_P = np.concatenate([[0], np.cumsum(num_orders_P)])
    num_lines_L = orders.size_O[order_L[by_product_L]]
    work_P = np.concatenate([[0], np.cumsum(num_lines_L)])[first_P]
    start = 0
    while start < num_products:
        end = max(start + 1, int(np.searchsorted(work_P, work_P[start] + _BLOCK_PAIRS, side="right")) - 1)
        line_L = by_product_L[first_P[start] : first_P[end]]
        key_M, support_M = _count(orders, order_L[line_L], orders.product_L[line_L])
        product_M, other_M = np.divmod(key_M, num_products)
        more_than_chance_M = support_M * len(orders) > num_orders_P[product_M] * num_orders_P[other_M]
        kept_M = (support_M >= MIN_ORDERS) & more_than_chance_M & (product_M != other_M)
        product_M, other_M = product_M[kept_M], other_M[kept_M]
        yield Pairs(product_M, other_M, support_M[kept_M], num_orders_P[product_M], num_orders_P[other_M], len(orders))
        start = end


def _count(
    orders: Orders, order_L: NDArray[np.int64], product_L: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of some lines, product × P + other, for everything in the same order, and how often each comes."""
    work_L = np.cumsum(orders.size_O[order_L])
    cuts = np.searchsorted(work_L, np.arange(_BLOCK_PAIRS, work_L[-1] if len(work_L) else 0, _BLOCK_PAIRS))
    parts = [
        np.unique(_keys(orders, order_L[part], product_L[part]), return_counts=True)
        for part in np.split(np.arange(len(order_L)), cuts)
    ]
    if len(parts) == 1:
        return parts[0]
    key_M, place = np.unique(np.concatenate([key for key, _ in parts]), return_inverse=True)
    return key_M, np.bincount(place, np.concatenate([support for _, support in parts])).astype(np.int64)


def _keys(orders: Orders, order_L: NDArray[np.int64], product_L: NDArray[np.int32]) -> NDArray[np.int64]:
    size_L = orders.size_O[order_L]
    end_L = np.cumsum(size_L)
    within_M = np.arange(size_L.sum()) + np.repeat(orders.start_O[order_L] - end_L + size_L, size_L)
    key_L = product_L.astype(np.int64) * len(orders.product_ids)
    key_M: NDArray[np.int64] = np.repeat(key_L, size_L) + orders.product_L[within_M]
    return key_M
