"""What the rooms hand to one another. Everything is frozen, and nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

Verdict = Literal["confident", "likely", "unsure", "unknown"]

Attribute = str | int | float | bool


def attribute_text(value: Attribute) -> str:
    """An attribute's value as people read it and as filters name it: true and false in words, 3.0 as 3."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


@dataclass(frozen=True, slots=True)
class Box:
    """A part of an upright photo, in fractions of its width and height; `x`, `y` is the top left corner."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of a source, not yet read.

    `path` names it within its source, with forward slashes; it is also its id. `label` is its category.
    `split` is None where the source gives none; `product_id` is None where photos are not grouped by product.
    `box` is the part of a file that is the photo, and `file` then names that file, as several photos may be parts of
    one; both are None where the photo is a whole file.
    """

    path: str
    label: str
    split: Split | None = None
    product_id: str | None = None
    file: str | None = None
    box: Box | None = None

    @property
    def source_file(self) -> str:
        """What a source is asked for to read this photo."""
        return self.path if self.file is None else self.file


Flaw = Literal["row", "unreadable", "truncated", "too-large", "download"]
"""Why something cannot be used: a row that is wrong, a file that is no picture, one that is cut off, one over a limit,
one that could not be fetched."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A photo or row that cannot be used, and why, in words for the one who owns the photos."""

    path: str
    reason: str
    flaw: Flaw = "row"
    product_id: str | None = None
    """The product that it is about, where a catalogue says so: the product is not gone because of it."""
    unread: bool = False
    """Whether it stands for what could not be read at all, so that nobody knows which products it names."""

    def to_json(self) -> dict[str, str]:
        """As reports list it."""
        return {"path": self.path, "reason": self.reason, "flaw": self.flaw}


@dataclass(frozen=True, slots=True)
class Product:
    """Something a customer can buy. What the store does not say is None."""

    id: str
    title: str
    category: str
    price: float | None = None
    currency: str | None = None
    in_stock: bool | None = None
    url: str | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClassProbability:
    """A category and the calibrated probability, 0 to 1, that the photo shows it."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a photo was taken for. `top` is sorted, most probable first, and begins with `label`."""

    label: str
    probability: float
    verdict: Verdict
    top: tuple[ClassProbability, ...]


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a model says of N photos, all float32."""

    logits_NC: NDArray[np.float32]
    """C may be 0."""
    embedding_ND: NDArray[np.float32]
    """L2-normalised."""
    familiarity_N: NDArray[np.float32] | None = None
    """How much a photo looks like what the model knows: 0 is usual, far below it is something else. None where the
    model knows no categories."""


@dataclass(frozen=True, slots=True)
class ProductPhoto:
    """One photo of a product as the index keeps it.

    `photo_id` is unique in an index; `photo_sha256` is that of the file's bytes (or raw pixels), so that an unchanged
    photo is not embedded again.
    """

    photo_id: str
    photo_sha256: str
    product: Product
    colours: tuple[str, ...] = ()
    """The names of the colours that it mostly has, most first."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a recommended product must satisfy; None lets everything through. Prices are inclusive."""

    category: str | None = None
    price_min: float | None = None
    price_max: float | None = None
    in_stock: bool | None = None
    attributes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of each named attribute one of these values, as `attribute_text` writes them."""
    product_ids: frozenset[str] | None = None
    """Only these products."""
    excluded_ids: frozenset[str] = frozenset()
    """None of these."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A product near a query: the cosine similarity of its nearest photo, -1 to 1, higher is nearer."""

    product: Product
    photo_id: str
    similarity: float
    colours: tuple[str, ...] = ()
    """The names of the colours that this photo mostly has, most first."""
    photo_sha256: str = ""
    """That of the photo: see `ProductPhoto`."""


@dataclass(frozen=True, slots=True)
class WordMatch:
    """A product that has words of a text."""

    product_id: str
    score: float
    """BM25, above 0."""


@dataclass(frozen=True, slots=True)
class Facets:
    """What there is to choose from under some filters. All numbers count products."""

    num_products: int
    """That satisfy all filters."""
    categories: Mapping[str, int]
    """With the other filters, but not the one on the category; in the order of the alphabet."""
    num_in_stock: int
    """With the other filters, but not the one on stock."""
    price_min: float | None
    """The lowest price with the other filters, but not the one on price; None where no product says a price."""
    price_max: float | None
    """The highest, likewise."""
    attributes: Mapping[str, Mapping[str, int]]
    """Name → value → products, each name with the other filters, but not its own; the most frequent values first."""


ReasonKind = Literal[
    "same-category",
    "other-category",
    "very-similar-look",
    "similar-look",
    "somewhat-similar-look",
    "nearest-there-is",
    "colours",
    "brand",
    "words",
]
"""`colours` are shared ones, `brand` is that of an example, `words` are those of the text that the product has."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a product is shown, with the colours, the brand or the words where it is about such."""

    kind: ReasonKind
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A product to show, why, and how alike it is (cosine, -1 to 1)."""

    product: Product
    similarity: float
    reason: str
    photo_sha256: str = ""
    """Of the product's photo that is meant: see `ProductPhoto`."""
    reasons: tuple[Reason, ...] = ()
    """What `reason` says, one by one, for who says it in another language."""
