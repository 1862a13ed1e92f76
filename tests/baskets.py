"""Orders from sets of product ids, for tests of what is bought together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from snapshelf.data.orders import Orders


def orders_of(baskets: Sequence[Iterable[str]], days: Sequence[float] | None = None) -> Orders:
    """Orders as `read_orders` gives them; products in the order of the alphabet. Without `days` there are no dates."""
    product_ids = sorted(set().union(*baskets))
    numbers = [sorted(product_ids.index(product_id) for product_id in set(basket)) for basket in baskets]
    return Orders(
        product_ids=product_ids,
        product_L=np.array([number for basket in numbers for number in basket], np.int32),
        start_O=np.cumsum([0, *map(len, numbers)]),
        ordered_at_O=np.full(len(baskets), np.nan) if days is None else np.array(days, np.float64) * 86400,
    )


def write_orders(path: Path, baskets: Sequence[Iterable[str]]) -> Path:
    """A CSV of orders o0, o1, …, with a row a product."""
    rows = [f"o{number},{product_id}" for number, basket in enumerate(baskets) for product_id in basket]
    path.write_text("\n".join(["order_id,product_id", *rows]) + "\n", "utf-8")
    return path


def shoes_and_laces() -> list[set[str]]:
    """240 orders of a shop of twelve products p00 to p11: p00 and p01 go together, and so do p02 and p05."""
    pairs = [{"p00", "p01"}] * 60 + [{"p02", "p05"}] * 40 + [{"p00", "p05", "p07"}] * 10
    return pairs + [{f"p{number % 12:02}"} for number in range(130)]
