"""Attributes as texts to filter by."""

from __future__ import annotations

import pytest

from snapshelf.adapters.facts import LONGEST, fact, most_frequent, product_facts, satisfies
from snapshelf.types import Attribute, Filters, Product, attribute_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (3.0, "3"), (3, "3"), (2.5, "2.5"), (-0.0, "0"), ("Größe", "Größe"), ("", "")],
)
def test_attributes_as_people_read_them(value: Attribute, text: str) -> None:
    assert attribute_text(value) == text


def test_what_nobody_chooses_by_is_no_fact() -> None:
    attributes: dict[str, Attribute] = {
        "size": 42, "note": "x" * (LONGEST + 1), "short": "x" * LONGEST, "empty": "", "huge": 1e300, "a\x1fb": "c",
    }  # fmt: skip
    assert product_facts(Product("p", "", "", attributes=attributes)) == ["size\x1f42", "short\x1f" + "x" * LONGEST]


def test_the_most_frequent_values_of_each_name() -> None:
    counts = {"size\x1f42": 2, "size\x1f41": 2, "size\x1f40": 5, "brand\x1fAcme": 1}
    own = {"brand": {"brand\x1fAcme": 1, "brand\x1fNike": 3, "size\x1f42": 9}, "colour": {"size\x1f42": 9}}
    found = most_frequent(counts, own, num_values=2)
    assert found == {"brand": {"Nike": 3, "Acme": 1}, "size": {"40": 5, "41": 2}}
    assert [list(values) for values in found.values()] == [["Nike", "Acme"], ["40", "41"]]


def test_a_product_in_several_colours_has_each_of_them() -> None:
    product = Product("p", "Scarf", "scarf", attributes={"color": "red, blue, red", "size": "M"})
    assert product_facts(product) == [fact("color", "red"), fact("color", "blue"), fact("size", "M")]
    assert satisfies(product, Filters(attributes={"color": frozenset({"blue"})}))
    assert not satisfies(product, Filters(attributes={"color": frozenset({"red, blue"})}))
