"""Which words a product has, in any language, and what they are worth."""

from __future__ import annotations

import math

import pytest

from snapshelf.adapters.words import AVERAGE_WORDS, idf, product_words, query_words
from snapshelf.types import Product


def has(title: str, text: str) -> bool:
    """Whether a product of that title has each word of a text."""
    words = set(product_words(Product("p", title, "")).indices)
    return all(words & set(query_words(word).indices) for word in text.split())


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Rote Größe 42 Äpfel Schuhe-Damen", "ROTE"),
        ("Rote Größe 42 Äpfel Schuhe-Damen", "grosse"),
        ("Rote Größe 42 Äpfel Schuhe-Damen", "42"),
        ("Rote Größe 42 Äpfel Schuhe-Damen", "damen apfel"),
        ("Air-Max 2.5 XL", "air max 2.5"),
        ("scarpe d'estate", "estate"),
        ("красные Туфли", "туфли"),
        ("红色运动鞋", "运动"),
        ("赤い靴 レッド", "靴"),
        ("赤い靴 Nike 42", "靴 nike 42"),
        ("红色连衣裙 Acme 女装", "连衣裙 女装 acme"),
        ("빨간 구두", "구두"),
    ],
)
def test_words_of_many_languages_are_found(title: str, text: str) -> None:
    assert has(title, text)


@pytest.mark.parametrize("text", ["", " ", "✨", "!?"])
def test_a_text_without_words_has_none(text: str) -> None:
    assert query_words(text).indices == ()
    assert product_words(Product("p", text, "")).indices == ()


def test_no_language_is_preferred() -> None:
    assert has("the one is for you", "the is for")
    assert not has("shoes", "shoe")


def test_category_and_attributes_are_words_but_true_and_false_are_not() -> None:
    product = Product("p", "Runner", "shoe", attributes={"size": 42.0, "sale": True, "brand": "Acme"})
    for text in ("runner", "shoe", "42", "acme"):
        assert set(query_words(text).indices) <= set(product_words(product).indices)
    assert not set(query_words("true").indices) & set(product_words(product).indices)


def test_the_values_are_those_of_bm25() -> None:
    words = product_words(Product("p", "red red shoe", "bag"))
    values = dict(zip(words.indices, words.values, strict=True))
    for text, count in (("red", 2), ("shoe", 1), ("bag", 1)):
        expected = count * 2.2 / (count + 1.2 * (1 - 0.75 + 0.75 * 4 / AVERAGE_WORDS))
        assert values[query_words(text).indices[0]] == pytest.approx(expected, rel=1e-4)
    assert list(words.indices) == sorted(words.indices)


def test_idf_is_the_formula_of_the_engine() -> None:
    assert idf(10, 2) == pytest.approx(math.log(1 + 8.5 / 2.5))
    assert idf(5, 5) > 0
