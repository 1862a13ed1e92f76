"""What Qdrant keeps of a photo, in process or on a server: the point, its payload, and how `Filters` ask for it.

One photo of each product leads: its point alone carries `lead` 1 and the product's words, so that what is counted over
the leads counts products. Shapes: D numbers an embedding.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapshelf.adapters.facts import fact, product_facts
from snapshelf.adapters.words import Words, product_words
from snapshelf.types import Filters, Neighbour, Product, ProductPhoto

EMBEDDING = "photo"
"""The name of the dense vector."""

WORDS = "words"
"""The name of the sparse vector; the engine multiplies it by its own idf."""

QUANTILE = 0.99
CANDIDATES_PER_HIT = 2.0
WALKED = 256
"""Embeddings are searched as 8-bit integers, whose range this share of their numbers fills; so many candidates for each
hit are then compared by the embeddings themselves. The walk through the graph keeps so many of the nearest in sight.
Why these: docs/decisions/0024-quantized-search.md."""

KEYWORDS = ("product_id", "category", "facts")
INTEGERS = ("in_stock", "lead")
FLOATS = ("price",)
"""The keys of the payload that are searched by. `in_stock` is kept as 1 or 0: qdrant-edge-py 0.9.0 turns a condition
on True into one on the integer 1, which matches no boolean."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """The condition that a key holds one of some values."""

    key: str
    values: tuple[str, ...] | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """The condition that a key holds a number of a range, ends included."""

    key: str
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a point must and must not be. A point that lacks a key matches no condition on it."""

    must: tuple[OneOf | Between, ...] = ()
    must_not: tuple[OneOf, ...] = ()

    def and_(self, *more: OneOf | Between) -> Conditions:
        """These and more that must hold."""
        return Conditions((*self.must, *more), self.must_not)


LEADS = OneOf("lead", (1,))


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo with everything that its point holds."""

    photo: ProductPhoto
    embedding_D: NDArray[np.float32]
    leads: bool

    @property
    def payload(self) -> dict[str, Any]:
        """Everything but the vectors."""
        product = self.photo.product
        return {
            "photo_id": self.photo.photo_id,
            "photo_sha256": self.photo.photo_sha256,
            "colours": list(self.photo.colours),
            "lead": int(self.leads),
            "product_id": product.id,
            "title": product.title,
            "category": product.category,
            "price": product.price,
            "currency": product.currency,
            "in_stock": None if product.in_stock is None else int(product.in_stock),
            "url": product.url,
            "attributes": dict(product.attributes),
            "facts": product_facts(product),
        }

    @property
    def words(self) -> Words | None:
        """The product's words, where this photo leads and there are any."""
        words = product_words(self.photo.product) if self.leads else None
        return words if words is not None and words.indices else None


@dataclass(frozen=True, slots=True)
class Hit:
    """A point that was found, and how well it answers."""

    point: str
    score: float
    payload: dict[str, Any]


def point_id(photo_id: str) -> uuid.UUID:
    """The point that holds a photo. The engine's ids are numbers or UUIDs; ours are any text."""
    return uuid.uuid5(uuid.NAMESPACE_OID, photo_id)


def to_product(payload: dict[str, Any]) -> Product:
    """The product of a point."""
    in_stock = payload.get("in_stock")
    return Product(
        id=payload["product_id"],
        title=payload["title"],
        category=payload["category"],
        price=payload.get("price"),
        currency=payload.get("currency"),
        in_stock=None if in_stock is None else bool(in_stock),
        url=payload.get("url"),
        attributes=payload.get("attributes") or {},
    )


def to_photo(payload: dict[str, Any]) -> ProductPhoto:
    """The photo of a point."""
    colours = tuple(payload.get("colours") or ())
    return ProductPhoto(payload["photo_id"], payload["photo_sha256"], to_product(payload), colours)


def to_neighbour(hit: Hit) -> Neighbour:
    """The product of a point near a query."""
    photo = to_photo(hit.payload)
    similarity = min(1.0, max(-1.0, hit.score))
    return Neighbour(photo.product, photo.photo_id, similarity, photo.colours, photo.photo_sha256)


def unit(embedding_D: Iterable[float]) -> NDArray[np.float32]:
    """An embedding of length 1."""
    vector_D = np.asarray(embedding_D, dtype=np.float32)
    unit_D: NDArray[np.float32] = vector_D / max(float(np.linalg.norm(vector_D)), 1e-12)
    return unit_D


def of_products(product_ids: Iterable[str]) -> Conditions:
    """All photos of some products."""
    return Conditions((OneOf("product_id", tuple(product_ids)),))


def conditions(filters: Filters) -> Conditions:
    """The filters in the engine's words."""
    must: list[OneOf | Between] = []
    if filters.category is not None:
        must.append(OneOf("category", (filters.category,)))
    if filters.in_stock is not None:
        must.append(OneOf("in_stock", (int(filters.in_stock),)))
    if filters.price_min is not None or filters.price_max is not None:
        must.append(Between("price", filters.price_min, filters.price_max))
    for name, values in filters.attributes.items():
        must.append(OneOf("facts", tuple(fact(name, value) for value in sorted(values))))
    if filters.product_ids is not None:
        must.append(OneOf("product_id", tuple(sorted(filters.product_ids))))
    excluded = (OneOf("product_id", tuple(sorted(filters.excluded_ids))),) if filters.excluded_ids else ()
    return Conditions(tuple(must), excluded)
