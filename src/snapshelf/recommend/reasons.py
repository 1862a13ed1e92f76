"""Why a product is shown: words that are true and can be checked on the card."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from snapshelf.artifacts.cards import Looks
from snapshelf.types import Neighbour, Prediction, Product, Reason, ReasonKind, attribute_text

BRAND_NAMES = ("brand", "vendor", "manufacturer", "marke", "hersteller")
"""The attributes that hold a product's brand, in capitals or not."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of what a customer looks for."""

    categories: frozenset[str] = frozenset()
    """Casefolded; empty where the photo's is not known for sure."""
    colours: tuple[str, ...] = ()
    brands: frozenset[str] = frozenset()
    """Casefolded; of examples, as a photo tells no brand."""
    words: tuple[str, ...] = ()
    """Of the text that was given, as `words_of` has them."""

    @classmethod
    def by_photo(cls, prediction: Prediction, colours: tuple[str, ...], text: str) -> Wanted:
        """By a photo and words beside it."""
        is_sure = prediction.verdict in ("confident", "likely")
        categories = frozenset({prediction.label.casefold()}) if is_sure else frozenset[str]()
        return cls(categories, colours, words=words_of(text))

    @classmethod
    def by_examples(cls, products: Sequence[Product], colours: tuple[str, ...], text: str) -> Wanted:
        """By products that are liked."""
        brands = frozenset(found.casefold() for found in map(brand_of, products) if found)
        return cls(frozenset(each.category.casefold() for each in products), colours, brands, words_of(text))


def reasons(near: Neighbour, wanted: Wanted, looks: Looks) -> tuple[Reason, ...]:
    """Why a product is shown: its category, how alike it looks, shared colours, its brand, words that it has."""
    return (*_category(near.product, wanted), Reason(look(near.similarity, looks)), *_others(near, wanted))


def in_words(reasons: Iterable[Reason]) -> str:
    """The same as a line in English."""
    return ", ".join(_ENGLISH[each.kind](each.values) for each in reasons)


def look(similarity: float, looks: Looks) -> ReasonKind:
    """How alike a product looks, in words that mean the same for every model."""
    if similarity >= looks.very_similar:
        return "very-similar-look"
    if similarity >= looks.similar:
        return "similar-look"
    return "somewhat-similar-look" if similarity >= looks.somewhat_similar else "nearest-there-is"


def brand_of(product: Product) -> str | None:
    """What the store says of a product's brand."""
    said = {name.casefold(): value for name, value in product.attributes.items()}
    return next((attribute_text(said[name]) for name in BRAND_NAMES if name in said), None)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, each once, without capitals and accents."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(each))
    return tuple(dict.fromkeys(re.findall(r"\w+", plain)))


def _category(product: Product, wanted: Wanted) -> Iterable[Reason]:
    if wanted.categories:
        yield Reason("same-category" if product.category.casefold() in wanted.categories else "other-category")


def _others(near: Neighbour, wanted: Wanted) -> Iterable[Reason]:
    if shared := tuple(colour for colour in wanted.colours if colour in near.colours):
        yield Reason("colours", shared)
    brand = brand_of(near.product) if wanted.brands else None
    if brand and brand.casefold() in wanted.brands:
        yield Reason("brand", (brand,))
    if not wanted.words:
        return
    has = words_of(" ".join([near.product.title, near.product.category, *_texts(near.product)]))
    if found := tuple(word for word in wanted.words if word in has):
        yield Reason("words", found)


def _texts(product: Product) -> Iterable[str]:
    return (attribute_text(value) for value in product.attributes.values())


_ENGLISH: Mapping[ReasonKind, Callable[[tuple[str, ...]], str]] = {
    "same-category": lambda _: "same category",
    "other-category": lambda _: "other category",
    "very-similar-look": lambda _: "very similar look",
    "similar-look": lambda _: "similar look",
    "somewhat-similar-look": lambda _: "somewhat similar look",
    "nearest-there-is": lambda _: "the nearest there is",
    "colours": lambda colours: "also " + " and ".join(colours),
    "brand": lambda brands: f"also by {brands[0]}",
    "words": lambda words: "has " + ", ".join(f"«{word}»" for word in words),
}
