"""`VectorIndex` on Qdrant, whether in this process or on a server: what both do alike.

Shapes: N photos, P of one product, D numbers an embedding.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapshelf.adapters.diversity import num_candidates
from snapshelf.adapters.facts import most_frequent, without_attribute
from snapshelf.adapters.qdrant_leads import after_removal, after_update, after_upsert
from snapshelf.adapters.qdrant_points import (
    LEADS,
    Conditions,
    Hit,
    StoredPhoto,
    conditions,
    of_products,
    to_neighbour,
    to_photo,
    to_product,
)
from snapshelf.adapters.words import Words, query_words
from snapshelf.types import Facets, Filters, Neighbour, Product, ProductPhoto, WordMatch

EVERY_VALUE = 2**31 - 1
"""A facet lists the most frequent values; this asks for all."""

_EVERYTHING = Conditions()
_SAME_SCORE = 4
"""Decimals: what differs by less is the order in which numbers were added."""


class QdrantIndex(ABC):
    """Photos of products as points. May be used from several threads of one process.

    A change reads what is stored of its products, decides anew which photo leads, and writes whole points.
    """

    ids_kept_s: float
    """How long the order of the products' ids is kept for the next page; every change by this process forgets it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._product_ids: dict[str | None, tuple[float, list[str]]] = {}

    def upsert(self, photos: Sequence[ProductPhoto], embedding_ND: NDArray[np.float32]) -> None:
        """Add photos, or replace those of the same `photo_id`. About 1,000 at once cost least."""
        new = {
            photo.photo_id: StoredPhoto(photo, embedding_D, leads=False)
            for photo, embedding_D in zip(photos, embedding_ND, strict=True)
        }
        if not new:
            return
        with self._lock:
            owners = {stored.photo.photo_id: stored.photo.product.id for stored in self._by_id(list(new))}
            self.remove_photos(
                [photo_id for photo_id, owner in owners.items() if owner != new[photo_id].photo.product.id]
            )
            product_ids = dict.fromkeys(stored.photo.product.id for stored in new.values())
            self._put(after_upsert(self._stored(of_products(product_ids)), list(new.values())))

    def remove(self, product_ids: Sequence[str]) -> int:
        """Remove products with all their photos; returns how many of these products there were."""
        if not product_ids:
            return 0
        with self._lock:
            num_found = len(self._facet("product_id", of_products(product_ids)))
            self._delete_where(of_products(product_ids))
        return num_found

    def remove_photos(self, photo_ids: Sequence[str]) -> None:
        """Remove single photos; ids that are not there are passed over."""
        if not photo_ids:
            return
        with self._lock:
            product_ids = {stored.photo.product.id for stored in self._by_id(photo_ids)}
            if product_ids:
                self._put(after_removal(self._stored(of_products(sorted(product_ids))), set(photo_ids)))
                self._delete(photo_ids)

    def update_products(self, products: Sequence[Product]) -> None:
        """Change what is said of products on all their photos, without embedding them again."""
        said = {product.id: product for product in products}
        if said:
            with self._lock:
                self._put(after_update(self._stored(of_products(said)), said))

    def search(
        self, embedding_D: NDArray[np.float32], *, limit: int, filters: Filters, diversity: float = 0.0
    ) -> list[Neighbour]:
        """The nearest products; see `VectorIndex.search`. Variety is the engine's own MMR, lambda = 1 - diversity."""
        if limit <= 0:
            return []
        wanted = conditions(filters)
        if diversity <= 0:
            hits = self._nearest_of_each_product(embedding_D, limit, wanted)
        else:
            candidates = self._nearest_of_each_product(embedding_D, num_candidates(limit), wanted)
            hits = self._varied(embedding_D, candidates, limit, diversity) if candidates else []
        return [to_neighbour(hit) for hit in hits]

    def _nearest_of_each_product(self, query_D: NDArray[np.float32], limit: int, wanted: Conditions) -> list[Hit]:
        """The nearest photo of each of the `limit` nearest products: more photos are fetched until there are enough."""
        fetch = 2 * limit
        while True:
            hits = self._nearest_photos(query_D, fetch, wanted)
            nearest: dict[str, Hit] = {}
            for hit in hits:
                nearest.setdefault(hit.payload["product_id"], hit)
            if len(nearest) >= limit or len(hits) < fetch:
                return list(nearest.values())[:limit]
            fetch *= 4

    def _nearest_photos(self, query_D: NDArray[np.float32], limit: int, wanted: Conditions) -> list[Hit]:
        hits = self._nearest(query_D, limit, wanted, exact=False)
        if len(hits) < limit:
            # A graph walked under a filter may end before it has seen every match; the list must not be short of any.
            hits = self._nearest(query_D, limit, wanted, exact=True)
        return sorted(hits, key=lambda hit: (-hit.score, hit.point))

    def search_words(self, text: str, *, limit: int, filters: Filters) -> list[WordMatch]:
        """The products that match the words of a text best; see `VectorIndex.search_words`."""
        words = query_words(text)
        if limit <= 0 or not words.indices:
            return []
        wanted = conditions(filters).and_(LEADS)
        fetch = limit + 1
        while True:
            hits = self._with_words(words, fetch, wanted)
            scores = sorted((round(hit.score, _SAME_SCORE) for hit in hits), reverse=True)
            if len(hits) < fetch or scores[limit - 1] > scores[-1]:
                break
            fetch *= 4  # the last ones are equal, and their ids decide
        matches = [WordMatch(hit.payload["product_id"], hit.score) for hit in hits if hit.score > 0]
        return sorted(matches, key=lambda match: (-round(match.score, _SAME_SCORE), match.product_id))[:limit]

    def facets(self, filters: Filters, *, num_values: int = 20) -> Facets:
        """What there is to choose from; see `VectorIndex.facets`. One request, and one for each filtered attribute."""
        free_category = replace(filters, category=None)
        free_price = _leading(replace(filters, price_min=None, price_max=None))
        in_stock = _leading(replace(filters, in_stock=True))
        own = {name: self._facet("facts", _leading(without_attribute(filters, name))) for name in filters.attributes}
        return Facets(
            num_products=self._count(_leading(filters)),
            categories=dict(sorted(self._facet("category", _leading(free_category)).items())),
            num_in_stock=self._count(in_stock),
            price_min=self._price(free_price, descending=False),
            price_max=self._price(free_price, descending=True),
            attributes=most_frequent(self._facet("facts", _leading(filters)), own, num_values),
        )

    def product(self, product_id: str) -> Product | None:
        """What is known of a product, or None."""
        photos = sorted(self._payloads(of_products([product_id])), key=lambda payload: -payload["lead"])
        return to_product(photos[0]) if photos else None

    def product_photos(self, product_id: str) -> list[ProductPhoto]:
        """The photos of a product, in the order of their `photo_id`."""
        found = [to_photo(payload) for payload in self._payloads(of_products([product_id]))]
        return sorted(found, key=lambda photo: photo.photo_id)

    def product_embeddings(self, product_ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """For each of these products that is there, its photos' embeddings (P, D), in the order of `photo_id`."""
        found: dict[str, list[StoredPhoto]] = defaultdict(list)
        for stored in sorted(self._stored(of_products(product_ids)), key=lambda stored: stored.photo.photo_id):
            found[stored.photo.product.id].append(stored)
        return {
            product_id: np.stack([stored.embedding_D for stored in found[product_id]])
            for product_id in dict.fromkeys(product_ids)
            if product_id in found
        }

    def products(self, *, offset: int, limit: int, category: str | None = None) -> list[Product]:
        """A page of products in the order of their ids."""
        ids = self._ids(category)[offset : offset + limit]
        if not ids:
            return []
        leads = of_products(ids).and_(LEADS)
        by_id = {payload["product_id"]: payload for payload in self._payloads(leads)}
        return [to_product(by_id[product_id]) for product_id in ids if product_id in by_id]

    def count_products(self, category: str | None = None) -> int:
        """How many products there are, or how many of a category."""
        return self._count(_leading(Filters(category=category)))

    def categories(self) -> dict[str, int]:
        """The categories and how many products each has, in the order of the alphabet."""
        return dict(sorted(self._facet("category", _leading(Filters())).items()))

    def photo_hashes(self) -> dict[str, str]:
        """`photo_id` to `photo_sha256`, of everything in the index."""
        payloads = self._payloads(_EVERYTHING, keys=["photo_id", "photo_sha256"])
        return {payload["photo_id"]: payload["photo_sha256"] for payload in payloads}

    def _ids(self, category: str | None) -> list[str]:
        """The ids of all products, or of a category, in order: pages come one by one."""
        with self._lock:
            now = time.monotonic()
            found_at, ids = self._product_ids.get(category, (None, []))
            if found_at is None or now - found_at > self.ids_kept_s:
                ids = sorted(self._facet("product_id", _leading(Filters(category=category))))
                self._product_ids[category] = now, ids
            return ids

    def _forget_ids(self) -> None:
        self._product_ids.clear()

    @abstractmethod
    def optimize(self) -> None:
        """Make searching fast after many changes; may take a while."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the engine. The index cannot be used afterwards."""

    @abstractmethod
    def _put(self, photos: list[StoredPhoto]) -> None:
        """Write whole points, wait until they are safe, and forget the ids."""

    @abstractmethod
    def _delete(self, photo_ids: Sequence[str]) -> None:
        """Delete points, likewise."""

    @abstractmethod
    def _delete_where(self, wanted: Conditions) -> None:
        """Delete all points that match, likewise."""

    @abstractmethod
    def _by_id(self, photo_ids: Sequence[str]) -> list[StoredPhoto]:
        """The photos of these ids that are there."""

    @abstractmethod
    def _stored(self, wanted: Conditions) -> list[StoredPhoto]:
        """All photos that match, with their embeddings at length 1."""

    @abstractmethod
    def _payloads(self, wanted: Conditions, keys: list[str] | None = None) -> Iterator[dict[str, Any]]:
        """The payloads of all points that match; of these keys alone where any are named."""

    @abstractmethod
    def _nearest(self, query_D: NDArray[np.float32], limit: int, wanted: Conditions, *, exact: bool) -> list[Hit]:
        """The nearest photos."""

    @abstractmethod
    def _varied(self, query_D: NDArray[np.float32], candidates: list[Hit], limit: int, diversity: float) -> list[Hit]:
        """Maximal marginal relevance among candidates."""

    @abstractmethod
    def _with_words(self, words: Words, limit: int, wanted: Conditions) -> list[Hit]:
        """The leads with the most telling words; idf is that of all leads, whatever the conditions."""

    @abstractmethod
    def _facet(self, key: str, wanted: Conditions) -> dict[str, int]:
        """Every value of a key among the points that match, and how many have it, at least one."""

    @abstractmethod
    def _count(self, wanted: Conditions) -> int:
        """How many points match."""

    @abstractmethod
    def _price(self, wanted: Conditions, *, descending: bool) -> float | None:
        """The first price in rising or falling order among the points that match, or None."""


def _leading(filters: Filters) -> Conditions:
    return conditions(filters).and_(LEADS)
