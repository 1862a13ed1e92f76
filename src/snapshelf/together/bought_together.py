"""What customers are told: the products that were bought with one, out of how many orders, and the file it is kept in.

Shapes: P products, K partners of all products.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from snapshelf.artifacts.cards import TogetherCard
from snapshelf.artifacts.publish import sha256_file
from snapshelf.errors import ArtifactMismatchError
from snapshelf.together.partners import Partners
from snapshelf.types import Product

PARTNERS_FILE = "partners.parquet"

DEFAULT_LIMIT = 6
MAX_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Companion:
    """A product that was bought with another one."""

    product: Product
    support: int
    """How many orders had both."""
    confidence: float
    """The share of the orders with the other product that had this one too, 0 to 1."""
    lift: float
    """How many times as often as by chance; above 1."""
    reason: str


class BoughtTogether:
    """The partners of every product, in memory. May be asked from several threads."""

    def __init__(
        self, card: TogetherCard, product_ids: list[str], num_orders_P: NDArray[np.int64], partners: Partners
    ) -> None:
        self.card = card
        self._ids = product_ids
        self._number = {product_id: number for number, product_id in enumerate(product_ids)}
        self._num_orders_P = num_orders_P
        self._partners = partners

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what `write_partners` wrote.

        Raises:
            StoreError: the card or the file is missing, broken, or of a newer schema.
        """
        card, path = TogetherCard.read(folder), folder / PARTNERS_FILE
        if not path.is_file() or sha256_file(path) != card.partners_sha256:
            raise ArtifactMismatchError(
                f"{path} is not the file that its card describes. Read the orders again: {TogetherCard.remedy}, or go "
                "without: snapshelf orders --remove --store DIR"
            )
        table = pq.read_table(path).combine_chunks()
        others, support, score = (table[name].combine_chunks() for name in ("others", "support", "score"))
        partners = Partners(
            first_P=np.asarray(others.offsets, np.int64),
            other_K=np.asarray(others.values, np.int32),
            support_K=np.asarray(support.values, np.int32),
            score_K=np.asarray(score.values, np.float32),
        )
        return cls(card, table["product_id"].to_pylist(), np.asarray(table["num_orders"], np.int64), partners)

    def num_orders(self, product_id: str) -> int:
        """How many orders had a product; 0 where none is known."""
        number = self._number.get(product_id)
        return 0 if number is None else int(self._num_orders_P[number])

    def companions(
        self,
        product_id: str,
        find: Callable[[str], Product | None],
        *,
        limit: int = DEFAULT_LIMIT,
        in_stock: bool | None = None,
    ) -> list[Companion]:
        """What was bought with a product, the best first; what is out of stock comes last.

        Args:
            product_id: any id; of one that is in no order, nothing is known.
            find: the index's `product`; what it does not have is not listed.
            limit: how many at most.
            in_stock: only products that are said to be in stock, or only those that are not.
        """
        number = self._number.get(product_id)
        there: list[Companion] = []
        sold_out: list[Companion] = []
        part = slice(0) if number is None else self._partners.of(number)
        for other, support in zip(
            self._partners.other_K[part].tolist(), self._partners.support_K[part].tolist(), strict=True
        ):
            product = find(self._ids[other])
            if product is None or (in_stock is not None and product.in_stock != in_stock):
                continue
            companion = self._companion(product, self.num_orders(product_id), other, support)
            (sold_out if product.in_stock is False else there).append(companion)
            if len(there) == limit:
                break
        return (there + sold_out)[:limit]

    def _companion(self, product: Product, num_orders: int, other: int, support: int) -> Companion:
        by_chance = num_orders * int(self._num_orders_P[other]) / self.card.num_orders
        reason = f"in {support:,} of {num_orders:,} orders with this product"
        return Companion(product, support, support / num_orders, support / by_chance, reason)


def write_partners(folder: Path, product_ids: list[str], num_orders_P: NDArray[np.int64], partners: Partners) -> str:
    """Write `partners.parquet`: a row a product, `others` the numbers of rows, best first. Returns its sha256."""
    offsets = pa.array(partners.first_P, pa.int32())
    table = pa.table(
        {
            "product_id": pa.array(product_ids, pa.string()),
            "num_orders": pa.array(num_orders_P, pa.int64()),
            "others": pa.ListArray.from_arrays(offsets, pa.array(partners.other_K)),
            "support": pa.ListArray.from_arrays(offsets, pa.array(partners.support_K)),
            "score": pa.ListArray.from_arrays(offsets, pa.array(partners.score_K)),
        }
    )
    path = folder / PARTNERS_FILE
    pq.write_table(table, path)
    return sha256_file(path)
