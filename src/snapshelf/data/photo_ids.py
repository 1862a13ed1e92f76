"""How photos of products are called: `<product id>\\t<name>`; a photo that is a product by itself has its own id."""

from __future__ import annotations

_SEPARATOR = "\t"
"""A product's id holds no control characters, so different products' photos never have one id."""


def photo_id(product_id: str, name: str) -> str:
    """The id of a product's photo: unique in an index, the same each time it is asked for."""
    return f"{product_id}{_SEPARATOR}{name}"


def product_id_of(photo_id: str) -> str:
    """The product that a photo's id belongs to."""
    return photo_id.partition(_SEPARATOR)[0]
