"""What can be filtered by: a product's attributes as texts, one a name and value, and whether a product passes."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import replace

from snapshelf.types import Filters, Product, attribute_text

_SEPARATOR = "\x1f"
"""ASCII's unit separator: no store writes it."""

_BETWEEN = ", "
"""What stands between the values of a product that comes in several colours or sizes."""

LONGEST = 60
"""Longer texts describe a product; nobody chooses by them."""


def fact(name: str, value: str) -> str:
    """An attribute's name and value as one text."""
    return f"{name}{_SEPARATOR}{value}"


def product_facts(product: Product) -> list[str]:
    """One text for each value of each attribute: `red, blue` are two. Empty ones and those over `LONGEST` characters
    are none.
    """
    texts = {name: attribute_text(value) for name, value in product.attributes.items() if _SEPARATOR not in name}
    facts = [
        fact(name, part) for name, text in texts.items() for part in text.split(_BETWEEN) if 0 < len(part) <= LONGEST
    ]
    return list(dict.fromkeys(facts))


def satisfies(product: Product, filters: Filters) -> bool:
    """Whether a product passes. One that does not say its price or stock does not pass a filter on it."""
    facts = set(product_facts(product))
    return (
        (filters.category is None or product.category == filters.category)
        and (filters.in_stock is None or product.in_stock == filters.in_stock)
        and (filters.price_min is None or (product.price is not None and product.price >= filters.price_min))
        and (filters.price_max is None or (product.price is not None and product.price <= filters.price_max))
        and all(any(fact(name, value) in facts for value in values) for name, values in filters.attributes.items())
        and (filters.product_ids is None or product.id in filters.product_ids)
        and product.id not in filters.excluded_ids
    )


def without_attribute(filters: Filters, name: str) -> Filters:
    """The same filters, but the one on an attribute."""
    return replace(filters, attributes={key: values for key, values in filters.attributes.items() if key != name})


def most_frequent(
    counts: Mapping[str, int], own: Mapping[str, Mapping[str, int]], num_values: int
) -> dict[str, dict[str, int]]:
    """Counts of facts → name → its most frequent values; equal ones in the order of the alphabet.

    Args:
        counts: of every fact, with all filters.
        own: for each name that is filtered by, counts of every fact without that filter.
        num_values: how many values to keep of a name.
    """
    by_name: dict[str, dict[str, int]] = {}
    for filtered, facts in [(None, counts), *own.items()]:
        for text, count in facts.items():
            name, _, value = text.partition(_SEPARATOR)
            if name == filtered or (filtered is None and name not in own):
                by_name.setdefault(name, {})[value] = count
    return {
        name: dict(heapq.nsmallest(num_values, by_name[name].items(), key=lambda item: (-item[1], item[0])))
        for name in sorted(by_name)
    }
