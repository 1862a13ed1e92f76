"""`VectorIndex` on Qdrant Edge: the engine of Qdrant inside this process, its shard in a folder.

One process at a time holds a shard. Queries hold Python's lock while they run.

Shapes: N photos, D numbers an embedding.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import qdrant_edge as qdrant
from numpy.typing import NDArray

from snapshelf.adapters.diversity import num_candidates
from snapshelf.adapters.qdrant_edge_payload import (
    INDEXED,
    conditions,
    equals,
    one_of,
    photo_payload,
    point_id,
    product_payload,
    to_photo,
    to_product,
)
from snapshelf.errors import StoreError
from snapshelf.types import Filters, Neighbour, Product, ProductPhoto

_PAGE = 1000
"""Points read at once when many are listed."""

_EVERY_VALUE = 2**31 - 1
"""A facet lists the most frequent values; this asks for all."""


class QdrantEdgeIndex:
    """Photos of products in a shard. May be used from several threads of the one process that opened it."""

    def __init__(self, shard: qdrant.EdgeShard) -> None:
        """Use `create` or `open` instead."""
        self._shard = shard
        self._lock = threading.RLock()
        self._product_ids: dict[str | None, list[str]] = {}

    @classmethod
    def create(cls, folder: Path, embedding_dim: int) -> Self:
        """Make an empty index in a folder that has none.

        Raises:
            StoreError: there is one already.
        """
        vectors = qdrant.EdgeVectorParams(size=embedding_dim, distance=qdrant.Distance.Cosine)
        folder.mkdir(parents=True, exist_ok=True)
        with _in_words(folder):
            shard = qdrant.EdgeShard.create(str(folder), qdrant.EdgeConfig(vectors=vectors))
        for key, schema in INDEXED.items():
            shard.update(qdrant.UpdateOperation.create_field_index(key, schema))
        return cls(shard)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open an index. What a crash left in the engine's log is replayed.

        Raises:
            StoreError: there is none, or another process has it open.
        """
        with _in_words(folder):
            return cls(qdrant.EdgeShard.load(str(folder)))

    def upsert(self, photos: Sequence[ProductPhoto], embedding_ND: NDArray[np.float32]) -> None:
        """Add photos, or replace those of the same `photo_id`. About 1,000 at once cost least."""
        points = [
            qdrant.Point(point_id(photo.photo_id), embedding_D.tolist(), photo_payload(photo))
            for photo, embedding_D in zip(photos, embedding_ND, strict=True)
        ]
        if points:
            self._write(qdrant.UpdateOperation.upsert_points(points))

    def remove(self, product_ids: Sequence[str]) -> int:
        """Remove products with all their photos; returns how many of these products there were."""
        if not product_ids:
            return 0
        products = one_of("product_id", list(product_ids))
        with self._lock:
            num_found = len(self._values("product_id", products))
            self._write(qdrant.UpdateOperation.delete_points_by_filter(products))
        return num_found

    def remove_photos(self, photo_ids: Sequence[str]) -> None:
        """Remove single photos; ids that are not there are passed over."""
        if photo_ids:
            self._write(qdrant.UpdateOperation.delete_points([point_id(photo_id) for photo_id in photo_ids]))

    def update_products(self, products: Sequence[Product]) -> None:
        """Change what is said of products on all their photos, without embedding them again."""
        changes = [
            qdrant.UpdateOperation.set_payload_by_filter(one_of("product_id", [product.id]), product_payload(product))
            for product in products
        ]
        if changes:
            self._write(*changes)

    def search(
        self, embedding_D: NDArray[np.float32], *, limit: int, filters: Filters, diversity: float = 0.0
    ) -> list[Neighbour]:
        """The nearest products; see `VectorIndex.search`. Variety is the engine's own MMR, lambda = 1 - diversity."""
        if limit <= 0:
            return []
        query_D = embedding_D.tolist()
        if diversity <= 0:
            hits = self._nearest_of_each_product(query_D, limit, conditions(filters))
        else:
            candidates = self._nearest_of_each_product(query_D, num_candidates(limit), conditions(filters))
            hits = self._diversify(query_D, candidates, limit, diversity)
        return [_to_neighbour(hit) for hit in hits]

    def _nearest_of_each_product(
        self, query_D: list[float], limit: int, condition: qdrant.Filter | None
    ) -> list[qdrant.ScoredPoint]:
        """The nearest photo of each of the `limit` nearest products: more photos are fetched until there are enough."""
        fetch = 2 * limit
        while True:
            hits = self._nearest_photos(query_D, fetch, condition)
            nearest: dict[str, qdrant.ScoredPoint] = {}
            for hit in hits:
                nearest.setdefault(_payload(hit)["product_id"], hit)
            if len(nearest) >= limit or len(hits) < fetch:
                return list(nearest.values())[:limit]
            fetch *= 4

    def _nearest_photos(
        self, query_D: list[float], limit: int, condition: qdrant.Filter | None
    ) -> list[qdrant.ScoredPoint]:
        hits = self._query(qdrant.Query.Nearest(query_D), limit, condition, exact=False)
        if len(hits) < limit:
            # A graph walked under a filter may end before it has seen every match; the list must not be short of any.
            hits = self._query(qdrant.Query.Nearest(query_D), limit, condition, exact=True)
        return sorted(hits, key=lambda hit: (-hit.score, str(hit.id)))

    def _diversify(
        self, query_D: list[float], candidates: list[qdrant.ScoredPoint], limit: int, diversity: float
    ) -> list[qdrant.ScoredPoint]:
        if not candidates:
            return []
        mmr = qdrant.Mmr(query_D, 1.0 - diversity, len(candidates))
        only_candidates = qdrant.Filter(must=[qdrant.HasIdCondition({hit.id for hit in candidates})])
        return self._query(mmr, limit, only_candidates, exact=True)

    def _query(
        self, query: qdrant.Query | qdrant.Mmr, limit: int, condition: qdrant.Filter | None, *, exact: bool
    ) -> list[qdrant.ScoredPoint]:
        params = qdrant.SearchParams(exact=exact)
        request = qdrant.QueryRequest(limit=limit, query=query, filter=condition, with_payload=True, params=params)
        return self._shard.query(request)

    def product(self, product_id: str) -> Product | None:
        """What is known of a product, or None."""
        return next((to_product(payload) for payload in self._payloads(one_of("product_id", [product_id]))), None)

    def product_photos(self, product_id: str) -> list[ProductPhoto]:
        """The photos of a product, in the order of their `photo_id`."""
        found = [to_photo(payload) for payload in self._payloads(one_of("product_id", [product_id]))]
        return sorted(found, key=lambda photo: photo.photo_id)

    def products(self, *, offset: int, limit: int, category: str | None = None) -> list[Product]:
        """A page of products in the order of their ids."""
        ids = self._ids(category)[offset : offset + limit]
        if not ids:
            return []
        by_id = {payload["product_id"]: payload for payload in self._payloads(one_of("product_id", ids))}
        return [to_product(by_id[product_id]) for product_id in ids if product_id in by_id]

    def count_products(self, category: str | None = None) -> int:
        """How many products there are, or how many of a category."""
        return len(self._ids(category))

    def categories(self) -> dict[str, int]:
        """The categories and how many products each has, in the order of the alphabet."""
        return {category: self.count_products(category) for category in sorted(self._values("category", None))}

    def photo_hashes(self) -> dict[str, str]:
        """`photo_id` to `photo_sha256`, of everything in the index."""
        payloads = self._payloads(None, keys=["photo_id", "photo_sha256"])
        return {payload["photo_id"]: payload["photo_sha256"] for payload in payloads}

    def optimize(self) -> None:
        """Merge what many changes left and build the search graph where there is enough to need one."""
        with self._lock:
            self._shard.optimize()
            self._shard.flush()

    def close(self) -> None:
        """Let go of the folder. The index cannot be used afterwards."""
        self._shard.close()

    def _write(self, *operations: qdrant.UpdateOperation) -> None:
        """Change the shard and wait for the disk: the engine's log alone outlives this process, but no power cut."""
        with self._lock:
            for operation in operations:
                self._shard.update(operation)
            self._shard.flush()
            self._product_ids.clear()

    def _ids(self, category: str | None) -> list[str]:
        """The ids of all products, or of a category, in order. Kept until the next change: pages come one by one."""
        with self._lock:
            if category not in self._product_ids:
                condition = None if category is None else qdrant.Filter(must=[equals("category", category)])
                self._product_ids[category] = sorted(self._values("product_id", condition))
            return self._product_ids[category]

    def _values(self, key: str, condition: qdrant.Filter | None) -> list[str]:
        """The values of a key among the points. The engine also lists those of removed points, with a count of 0."""
        request = qdrant.FacetRequest(key, limit=_EVERY_VALUE, exact=True, filter=condition)
        return [str(hit.value) for hit in self._shard.facet(request).hits if hit.count]

    def _payloads(self, condition: qdrant.Filter | None, keys: list[str] | None = None) -> Iterator[dict[str, Any]]:
        offset: qdrant.PointId | None = None
        while True:
            page = qdrant.ScrollRequest(
                offset=offset, limit=_PAGE, filter=condition, with_payload=keys or True, with_vector=False
            )
            records, offset = self._shard.scroll(page)
            for record in records:
                yield record.payload or {}
            if offset is None:
                return


def _payload(hit: qdrant.ScoredPoint) -> dict[str, Any]:
    return hit.payload or {}


def _to_neighbour(hit: qdrant.ScoredPoint) -> Neighbour:
    payload = _payload(hit)
    return Neighbour(to_product(payload), payload["photo_id"], float(np.clip(hit.score, -1.0, 1.0)))


@contextlib.contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    """The engine raises a bare `Exception` for everything; the log's lock is known by its text."""
    try:
        yield
    except Exception as error:
        if "WouldBlock" in str(error):
            raise StoreError(
                f"Another snapshelf serves or changes the index {folder}. Stop it, or change products over HTTP."
            ) from error
        raise StoreError(
            f"The index {folder} cannot be used ({error}). Build it anew: snapshelf index CATALOGUE --store DIR "
            "--replace"
        ) from error
