"""`VectorIndex` in NumPy, in memory: every photo is compared. The ground truth that other indexes are tested against.

Shapes: N photos, P of them candidates, D numbers an embedding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from snapshelf.adapters.diversity import num_candidates
from snapshelf.adapters.facts import most_frequent, product_facts, satisfies, without_attribute
from snapshelf.adapters.words import Words, idf, product_words, query_words
from snapshelf.types import Facets, Filters, Neighbour, Product, ProductPhoto, WordMatch


class ExactIndex:
    """Photos of products and their embeddings, in memory only. Not for several threads at once."""

    def __init__(self, embedding_dim: int) -> None:
        self._photos: list[ProductPhoto] = []
        self._embedding_ND = np.empty((0, embedding_dim), dtype=np.float32)

    def upsert(self, photos: Sequence[ProductPhoto], embedding_ND: NDArray[np.float32]) -> None:
        """Add photos, or replace those of the same `photo_id`. The last of several with one id wins."""
        last = {photo.photo_id: row for row, photo in enumerate(photos)}
        self.remove_photos(list(last))
        self._photos += [photos[row] for row in last.values()]
        self._embedding_ND = np.concatenate([self._embedding_ND, _unit(embedding_ND[list(last.values())])])
        self.update_products([photos[row].product for row in last.values()])

    def remove(self, product_ids: Sequence[str]) -> int:
        """Remove products with all their photos; returns how many of these products there were."""
        gone = set(product_ids)
        num_found = len({photo.product.id for photo in self._photos} & gone)
        self._keep(lambda photo: photo.product.id not in gone)
        return num_found

    def remove_photos(self, photo_ids: Sequence[str]) -> None:
        """Remove single photos; ids that are not there are passed over."""
        gone = set(photo_ids)
        self._keep(lambda photo: photo.photo_id not in gone)

    def update_products(self, products: Sequence[Product]) -> None:
        """Change what is said of products on all their photos."""
        by_id = {product.id: product for product in products}
        self._photos = [replace(photo, product=by_id.get(photo.product.id, photo.product)) for photo in self._photos]

    def search(
        self, embedding_D: NDArray[np.float32], *, limit: int, filters: Filters, diversity: float = 0.0
    ) -> list[Neighbour]:
        """The nearest products; see `VectorIndex.search`."""
        similarity_N = np.clip(self._embedding_ND @ _unit(embedding_D[None])[0], -1.0, 1.0)
        rows = self._nearest_rows(similarity_N, filters)
        if diversity > 0:
            rows = self._diversify(rows[: num_candidates(limit)], similarity_N, limit, diversity)
        return [
            Neighbour(photo.product, photo.photo_id, float(similarity_N[row]), photo.colours, photo.photo_sha256)
            for row, photo in ((row, self._photos[row]) for row in rows[: max(0, limit)])
        ]

    def _nearest_rows(self, similarity_N: NDArray[np.float32], filters: Filters) -> list[int]:
        """For each product that satisfies the filters the row of its nearest photo, nearest first."""
        nearest: dict[str, int] = {}
        for row in np.argsort(-similarity_N, kind="stable").tolist():
            product = self._photos[row].product
            if product.id not in nearest and satisfies(product, filters):
                nearest[product.id] = row
        return list(nearest.values())

    def _diversify(self, rows: list[int], similarity_N: NDArray[np.float32], limit: int, diversity: float) -> list[int]:
        """Maximal marginal relevance: Carbonell & Goldstein, SIGIR 1998, with lambda = 1 - diversity."""
        embedding_PD = self._embedding_ND[rows]
        between_PP = embedding_PD @ embedding_PD.T
        relevance_P = similarity_N[rows]
        chosen: list[int] = []
        left = list(range(len(rows)))
        while left and len(chosen) < limit:
            redundancy_P = between_PP[:, chosen].max(axis=1) if chosen else np.zeros(len(rows))
            score_P = (1 - diversity) * relevance_P - diversity * redundancy_P
            best = max(left, key=lambda candidate: score_P[candidate]) if chosen else 0
            chosen.append(best)
            left.remove(best)
        return [rows[candidate] for candidate in chosen]

    def search_words(self, text: str, *, limit: int, filters: Filters) -> list[WordMatch]:
        """The products that match the words of a text best; see `VectorIndex.search_words`."""
        all_words = {product.id: product_words(product) for product in self._by_id(None).values()}
        tells = {
            index: idf(
                sum(bool(words.indices) for words in all_words.values()),
                sum(index in words.indices for words in all_words.values()),
            )
            for index in query_words(text).indices
        }
        scores = {product.id: _bm25(all_words[product.id], tells) for product in self._that_satisfy(filters)}
        matches = [WordMatch(product_id, score) for product_id, score in scores.items() if score > 0]
        return sorted(matches, key=lambda match: (-round(match.score, 4), match.product_id))[: max(0, limit)]

    def facets(self, filters: Filters, *, num_values: int = 20) -> Facets:
        """What there is to choose from; see `VectorIndex.facets`."""
        free_category = self._that_satisfy(replace(filters, category=None))
        free_price = self._that_satisfy(replace(filters, price_min=None, price_max=None))
        prices = [product.price for product in free_price if product.price is not None]
        own = {name: self._count_facts(without_attribute(filters, name)) for name in filters.attributes}
        return Facets(
            num_products=len(self._that_satisfy(filters)),
            categories=dict(sorted(Counter(product.category for product in free_category).items())),
            num_in_stock=len(self._that_satisfy(replace(filters, in_stock=True))),
            price_min=min(prices, default=None),
            price_max=max(prices, default=None),
            attributes=most_frequent(self._count_facts(filters), own, num_values),
        )

    def product(self, product_id: str) -> Product | None:
        """What is known of a product, or None."""
        return next((photo.product for photo in self._photos if photo.product.id == product_id), None)

    def product_embeddings(self, product_ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """For each of these products that is there, its photos' embeddings (P, D), in the order of `photo_id`."""
        rows = sorted(range(len(self._photos)), key=lambda row: self._photos[row].photo_id)
        of_product = {
            product_id: [row for row in rows if self._photos[row].product.id == product_id]
            for product_id in dict.fromkeys(product_ids)
        }
        return {product_id: self._embedding_ND[found] for product_id, found in of_product.items() if found}

    def product_photos(self, product_id: str) -> list[ProductPhoto]:
        """The photos of a product, in the order of their `photo_id`."""
        found = [photo for photo in self._photos if photo.product.id == product_id]
        return sorted(found, key=lambda photo: photo.photo_id)

    def products(self, *, offset: int, limit: int, category: str | None = None) -> list[Product]:
        """A page of products in the order of their ids."""
        by_id = self._by_id(category)
        return [by_id[product_id] for product_id in sorted(by_id)[offset : offset + limit]]

    def count_products(self, category: str | None = None) -> int:
        """How many products there are, or how many of a category."""
        return len(self._by_id(category))

    def categories(self) -> dict[str, int]:
        """The categories and how many products each has, in the order of the alphabet."""
        return dict(sorted(Counter(product.category for product in self._by_id(None).values()).items()))

    def photo_hashes(self) -> dict[str, str]:
        """`photo_id` to `photo_sha256`, of everything in the index."""
        return {photo.photo_id: photo.photo_sha256 for photo in self._photos}

    def optimize(self) -> None:
        """Nothing to do: every search looks at everything."""

    def close(self) -> None:
        """Nothing to let go of."""

    def _by_id(self, category: str | None) -> dict[str, Product]:
        products = (photo.product for photo in self._photos)
        return {product.id: product for product in products if category is None or product.category == category}

    def _that_satisfy(self, filters: Filters) -> list[Product]:
        return [product for product in self._by_id(None).values() if satisfies(product, filters)]

    def _count_facts(self, filters: Filters) -> Counter[str]:
        return Counter(text for product in self._that_satisfy(filters) for text in product_facts(product))

    def _keep(self, wanted: Callable[[ProductPhoto], bool]) -> None:
        rows = [row for row, photo in enumerate(self._photos) if wanted(photo)]
        self._photos = [self._photos[row] for row in rows]
        self._embedding_ND = self._embedding_ND[rows]


def _bm25(words: Words, tells: dict[int, float]) -> float:
    """The sum, over the words that were searched for, of what each tells times its value in a product's words."""
    return sum(tells.get(index, 0.0) * value for index, value in zip(words.indices, words.values, strict=True))


def _unit(embedding_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    norm_N1 = np.linalg.norm(embedding_ND, axis=1, keepdims=True)
    unit_ND: NDArray[np.float32] = (embedding_ND / np.maximum(norm_N1, 1e-12)).astype(np.float32)
    return unit_ND
