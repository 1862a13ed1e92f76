"""What a search may ask for."""

from __future__ import annotations

import math

import pytest

from snapshelf.errors import RequestError
from snapshelf.recommend.options import SearchOptions, parse_attributes
from snapshelf.types import Filters


@pytest.mark.parametrize(
    ("top_k", "filters", "diversity", "message"),
    [
        (0, Filters(), 0.0, "top_k is 0; expected a whole number from 1 to 100"),
        (101, Filters(), 0.0, "top_k is 101"),
        (1, Filters(), -0.1, "diversity is -0.1; expected a number from 0"),
        (1, Filters(), 1.1, "diversity is 1.1"),
        (1, Filters(), math.nan, "diversity is nan"),
        (1, Filters(price_min=-1), 0.0, "price_min is -1; expected a price of 0 or more"),
        (1, Filters(price_max=math.inf), 0.0, "price_max is inf"),
        (1, Filters(price_max=math.nan), 0.0, "price_max is nan"),
        (1, Filters(price_min=5, price_max=4), 0.0, "price_min is 5, above price_max, which is 4"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(top_k: int, filters: Filters, diversity: float, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        SearchOptions(top_k, filters, diversity).check()


@pytest.mark.parametrize("top_k", [1, 100])
def test_the_ends_of_the_ranges_are_allowed(top_k: int) -> None:
    for diversity in (0.0, 1.0):
        SearchOptions(top_k, Filters(price_min=4, price_max=4), diversity).check()
    SearchOptions(top_k, Filters(price_min=0, price_max=0)).check()


def test_too_many_words_or_examples_are_refused() -> None:
    with pytest.raises(RequestError, match="text has 201 characters; at most 200"):
        SearchOptions(text="x" * 201).check()
    with pytest.raises(RequestError, match="There are 21 examples; at most 20"):
        SearchOptions(liked=("a",) * 11, disliked=("b",) * 10).check()


def test_attributes_of_one_name_are_alternatives() -> None:
    read = parse_attributes(["brand:Acme", "colour: red", "colour:blue", "size:3:4"])
    assert read == {"brand": {"Acme"}, "colour": {"red", "blue"}, "size": {"3:4"}}


@pytest.mark.parametrize("text", ["", "brand", ":Acme", "brand:", " : "])
def test_an_attribute_without_name_or_value_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="expected name:value, such as brand:Acme"):
        parse_attributes([text])


def test_examples_are_not_among_the_answers() -> None:
    options = SearchOptions(filters=Filters(excluded_ids=frozenset({"x"})), liked=("a",), disliked=("b",))
    assert options.without_examples().filters.excluded_ids == {"x", "a", "b"}
