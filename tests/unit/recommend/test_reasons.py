"""Reasons are true, and say no more than what is known."""

from __future__ import annotations

import pytest

from snapshelf.artifacts.cards import Looks
from snapshelf.recommend.reasons import Wanted, brand_of, in_words, reasons, words_of
from snapshelf.types import Neighbour, Prediction, Product, Reason, Verdict


def near(category: str, similarity: float, colours: tuple[str, ...] = (), **attributes: str) -> Neighbour:
    return Neighbour(Product("p", "Leather Boot", category, attributes=attributes), "photo", similarity, colours)


def reason(near: Neighbour, wanted: Wanted, looks: Looks) -> str:
    """In English."""
    return in_words(reasons(near, wanted, looks))


def by_photo(verdict: Verdict, colours: tuple[str, ...] = (), text: str = "") -> Wanted:
    return Wanted.by_photo(Prediction("Shoe", 0.9, verdict, ()), colours, text)


@pytest.mark.parametrize(
    ("similarity", "look"),
    [(1.0, "very similar look"), (0.9, "very similar look"), (0.89, "similar look"), (0.75, "similar look"),
     (0.74, "somewhat similar look"), (0.5, "somewhat similar look"), (0.49, "the nearest there is"),
     (-1.0, "the nearest there is")],
)  # fmt: skip
def test_reasons_say_how_alike(similarity: float, look: str) -> None:
    sure = by_photo("confident")
    assert reason(near("shoe", similarity), sure, Looks()) == f"same category, {look}"
    assert reason(near("bag", similarity), sure, Looks()) == f"other category, {look}"


@pytest.mark.parametrize("verdict", ["unsure", "unknown"])
def test_reasons_claim_no_category_that_is_not_sure(verdict: Verdict) -> None:
    assert reason(near("shoe", 0.8), by_photo(verdict), Looks()) == "similar look"


def test_shared_colours_are_named() -> None:
    wanted = by_photo("unsure", colours=("red", "white"))
    assert reason(near("shoe", 0.8, ("white", "blue")), wanted, Looks()) == "similar look, also white"
    assert reason(near("shoe", 0.8, ("white", "red")), wanted, Looks()) == "similar look, also red and white"
    assert reason(near("shoe", 0.8, ("blue",)), wanted, Looks()) == "similar look"


def test_words_that_a_product_has_are_named() -> None:
    wanted = by_photo("unsure", text="rotes LEATHER für Acmé")
    assert reason(near("shoe", 0.8, brand="ACME"), wanted, Looks()) == "similar look, has «leather», «acme»"


def test_a_brand_is_named_only_where_examples_have_it() -> None:
    liked = Product("q", "Shoe", "shoe", attributes={"Brand": "acme"})
    wanted = Wanted.by_examples([liked], (), "")
    assert reason(near("shoe", 0.8, brand="Acme"), wanted, Looks()) == "same category, similar look, also by Acme"
    assert reason(near("shoe", 0.8, brand="Other"), wanted, Looks()) == "same category, similar look"
    assert reason(near("shoe", 0.8, brand="Acme"), by_photo("unsure"), Looks()) == "similar look"


def test_reasons_are_there_one_by_one_for_other_languages() -> None:
    liked = Product("q", "Shoe", "shoe", attributes={"brand": "Acme"})
    wanted = Wanted.by_examples([liked], ("red", "white"), "leather boot")
    assert reasons(near("shoe", 0.8, ("white", "red"), brand="Acme"), wanted, Looks()) == (
        Reason("same-category"),
        Reason("similar-look"),
        Reason("colours", ("red", "white")),
        Reason("brand", ("Acme",)),
        Reason("words", ("leather", "boot")),
    )


def test_a_brand_has_several_names() -> None:
    assert brand_of(Product("p", "", "", attributes={"Hersteller": "Acme"})) == "Acme"
    assert brand_of(Product("p", "", "", attributes={"size": 3})) is None


def test_words_have_neither_capitals_nor_accents() -> None:
    assert words_of("Crème BRÛLÉE, crème-2 straße") == ("creme", "brulee", "2", "strasse")
