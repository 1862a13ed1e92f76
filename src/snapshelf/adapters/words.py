"""The words of a product, and of a text that is searched for, as sparse vectors: BM25 (Robertson & Zaragoza, 2009).

A document's value of a word grows with how often it has it and falls with the document's length; how rare the word is
among the products is left to the index, which knows them (`idf`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import qdrant_edge as qdrant

from snapshelf.types import Product, attribute_text

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
    text = " ".join([product.title, product.category, *said])
    return _together([model.embed_document(text) for model in _models()])


def query_words(text: str) -> Words:
    """The words of a text that is searched for, each of value 1."""
    return _together([model.embed_query(text) for model in _models()])


def idf(num_products: int, num_with_word: int) -> float:
    """How much a word tells: the rarer among the products that have any words, the more. Qdrant's own formula."""
    return math.log(1 + (num_products - num_with_word + 0.5) / (num_with_word + 0.5))


def _together(vectors: list[qdrant.SparseVector]) -> Words:
    """One vector of all words; a word that several have keeps the last one's value."""
    values = {index: value for vector in vectors for index, value in zip(vector.indices, vector.values, strict=True)}
    rising = sorted(values)
    return Words(tuple(rising), tuple(values[index] for index in rising))


@cache
def _models() -> tuple[qdrant.Bm25, qdrant.Bm25]:
    """Two ways to find words, as neither finds all in every language; both give the same word the same number.

    `Multilingual` also parts scripts that write no spaces, but drops numbers; `Word` keeps those. No stemmer and no
    stop words: both belong to one language.
    """
    multilingual, word = (
        qdrant.Bm25(
            qdrant.Bm25Config(
                avg_len=AVERAGE_WORDS,
                tokenizer=tokenizer,
                lowercase=True,
                ascii_folding=True,
                stopwords=qdrant.StopwordsSet(),
                stemmer=qdrant.DisabledStemmer(),
            )
        )
        for tokenizer in (qdrant.TokenizerType.Multilingual, qdrant.TokenizerType.Word)
    )
    return multilingual, word
