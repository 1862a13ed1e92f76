"""The words of a product, and of a text that is searched for, as sparse vectors: BM25 (Robertson & Zaragoza, 2009).

A word's value grows with how often a product has it and falls with how much is said of the product; how rare the word
is among the products is left to the index, which knows them (`idf`). What a word is, and its number, is Qdrant's own.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache

import qdrant_edge as qdrant

from snapshelf.types import Product, attribute_text

K, B = 1.2, 0.75
"""The usual constants: how soon a word that comes again counts no more, and how much length counts."""

AVERAGE_WORDS = 16
"""Words of a usual product: a title, a category and a handful of attributes."""


@dataclass(frozen=True, slots=True)
class Words:
    """Numbers of words, rising, and their values, all above 0."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


def product_words(product: Product) -> Words:
    """The words of a product's title, category and attribute values; true and false are none."""
    said = [attribute_text(value) for value in product.attributes.values() if not isinstance(value, bool)]
    counts = _counts(" ".join([product.title, product.category, *said]))
    length = K * (1 - B + B * counts.total() / AVERAGE_WORDS)
    rising = sorted(counts)
    return Words(tuple(rising), tuple(counts[index] * (K + 1) / (counts[index] + length) for index in rising))


def query_words(text: str) -> Words:
    """The words of a text that is searched for, each of value 1."""
    rising = sorted(_counts(text))
    return Words(tuple(rising), (1.0,) * len(rising))


def idf(num_products: int, num_with_word: int) -> float:
    """How much a word tells: the rarer among the products that have any words, the more. Qdrant's own formula."""
    return math.log(1 + (num_products - num_with_word + 0.5) / (num_with_word + 0.5))


def _counts(text: str) -> Counter[int]:
    """How often a text has each word. It is read piece by piece, so that a piece has the same words in every text."""
    return Counter(number for piece in text.split() for number in _numbers(piece))


@lru_cache(maxsize=1 << 16)
def _numbers(piece: str) -> frozenset[int]:
    """The numbers of the words in a piece of text that has no spaces."""
    return frozenset(number for model in _models() for number in model.embed_query(piece).indices)


@cache
def _models() -> tuple[qdrant.Bm25, ...]:
    """Two ways to find words, as neither finds all in every language; to most words both give the same number.

    `Multilingual` also parts scripts that write no spaces, but drops numbers; `Word` keeps those. No stemmer and no
    stop words: both belong to one language.
    """
    return tuple(
        qdrant.Bm25(
            qdrant.Bm25Config(
                tokenizer=tokenizer,
                lowercase=True,
                ascii_folding=True,
                stopwords=qdrant.StopwordsSet(),
                stemmer=qdrant.DisabledStemmer(),
            )
        )
        for tokenizer in (qdrant.TokenizerType.Multilingual, qdrant.TokenizerType.Word)
    )
