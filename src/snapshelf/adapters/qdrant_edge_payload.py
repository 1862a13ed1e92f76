"""A product's photo ↔ the payload of a point, and `Filters` → the engine's conditions."""

from __future__ import annotations

import uuid
from typing import Any

import qdrant_edge as qdrant

from snapshelf.types import Filters, Product, ProductPhoto

INDEXED = {
    "product_id": qdrant.PayloadSchemaType.Keyword,
    "category": qdrant.PayloadSchemaType.Keyword,
    "price": qdrant.PayloadSchemaType.Float,
    "in_stock": qdrant.PayloadSchemaType.Integer,
}
"""The keys that are searched by. `in_stock` is kept as 1 or 0: qdrant-edge-py 0.9.0 turns a condition on True into one
on the integer 1, which matches no boolean."""


def point_id(photo_id: str) -> uuid.UUID:
    """The point that holds a photo. The engine's ids are numbers or UUIDs; ours are any text."""
    return uuid.uuid5(uuid.NAMESPACE_OID, photo_id)


def photo_payload(photo: ProductPhoto) -> dict[str, Any]:
    """Everything that is kept of a photo."""
    return {
        "photo_id": photo.photo_id,
        "photo_sha256": photo.photo_sha256,
        "product_id": photo.product.id,
        **product_payload(photo.product),
    }


def product_payload(product: Product) -> dict[str, Any]:
    """What is said of a product, and may change. Setting a key to None removes it from a point."""
    return {
        "title": product.title,
        "category": product.category,
        "price": product.price,
        "currency": product.currency,
        "in_stock": None if product.in_stock is None else int(product.in_stock),
        "url": product.url,
        "attributes": dict(product.attributes),
    }


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
        attributes=payload.get("attributes", {}),
    )


def to_photo(payload: dict[str, Any]) -> ProductPhoto:
    """The photo of a point."""
    return ProductPhoto(payload["photo_id"], payload["photo_sha256"], to_product(payload))


def conditions(filters: Filters) -> qdrant.Filter | None:
    """The filters in the engine's words. A point that lacks a key matches no condition on it."""
    must: list[qdrant.FieldCondition] = []
    if filters.category is not None:
        must.append(equals("category", filters.category))
    if filters.in_stock is not None:
        must.append(equals("in_stock", int(filters.in_stock)))
    if filters.price_min is not None or filters.price_max is not None:
        price = qdrant.RangeFloat(gte=filters.price_min, lte=filters.price_max)
        must.append(qdrant.FieldCondition("price", range=price))
    return qdrant.Filter(must=[*must]) if must else None


def equals(key: str, value: str | int) -> qdrant.FieldCondition:
    """The condition that a key holds a value."""
    return qdrant.FieldCondition(key, match=qdrant.MatchValue(value))


def one_of(key: str, values: list[str]) -> qdrant.Filter:
    """The filter that a key holds one of some values."""
    return qdrant.Filter(must=[qdrant.FieldCondition(key, match=qdrant.MatchAny(values))])
