"""What goes over the wire, as OpenAPI shows it to app developers."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from snapshelf.together.bought_together import Companion
from snapshelf.types import Attribute, Facets, Product, Reason, ReasonKind, Recommendation, Verdict


class ProblemOut(BaseModel):
    """An error, as RFC 9457 has it: `type` tells the kind and never changes, `detail` says what to do."""

    type: str = Field(pattern=r"^urn:snapshelf:problem:[a-z-]+$")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str


class ProductOut(BaseModel):
    """A product as customers see it."""

    id: str
    title: str
    category: str
    price: float | None
    currency: str | None
    in_stock: bool | None
    url: str | None
    image_url: str
    attributes: dict[str, Attribute]

    @classmethod
    def of(cls, product: Product, photo_sha256: str = "") -> ProductOut:
        """The wire form of a product. With a photo's hash, its picture's address is good for ever."""
        image_url = f"/api/v1/products/{quote(product.id, safe='')}/image"
        return cls(
            id=product.id,
            title=product.title,
            category=product.category,
            price=product.price,
            currency=product.currency,
            in_stock=product.in_stock,
            url=product.url,
            image_url=f"{image_url}?photo={photo_sha256[:16]}" if photo_sha256 else image_url,
            attributes=dict(product.attributes),
        )


class ClassProbabilityOut(BaseModel):
    """A category and its calibrated probability."""

    label: str
    probability: float


class PredictionOut(BaseModel):
    """What the photo was taken for."""

    label: str
    probability: float
    verdict: Verdict
    top: list[ClassProbabilityOut]


class ReasonOut(BaseModel):
    """One reason why a product is shown, with the colours, the brand or the words where it is about such."""

    kind: ReasonKind
    values: list[str] = []

    @classmethod
    def of(cls, reason: Reason) -> ReasonOut:
        """The wire form of a reason."""
        return cls(kind=reason.kind, values=list(reason.values))


class RecommendationOut(BaseModel):
    """A product, how alike it is (cosine, -1 to 1) and why it is shown: in English, and for other languages."""

    product: ProductOut
    similarity: float
    reason: str
    reasons: list[ReasonOut] = []

    @classmethod
    def of(cls, recommendation: Recommendation) -> RecommendationOut:
        """The wire form of a recommendation."""
        return cls(
            product=ProductOut.of(recommendation.product, recommendation.photo_sha256),
            similarity=round(recommendation.similarity, 4),
            reason=recommendation.reason,
            reasons=[ReasonOut.of(each) for each in recommendation.reasons],
        )


class TimingOut(BaseModel):
    """Milliseconds spent in each stage."""

    decode: float
    encode: float
    search: float
    total: float


class RecommendationsOut(BaseModel):
    """The answer to a photo."""

    request_id: str
    model_id: str
    prediction: PredictionOut
    recommendations: list[RecommendationOut]
    timing_ms: TimingOut


class SearchTimingOut(BaseModel):
    """Milliseconds of a search without a photo."""

    total: float


class SimilarOut(BaseModel):
    """Products like others."""

    model_id: str
    recommendations: list[RecommendationOut]
    timing_ms: SearchTimingOut


class FacetsOut(BaseModel):
    """What there is to choose from. All numbers count products; each facet obeys the other filters, not its own."""

    num_products: int
    categories: dict[str, int]
    num_in_stock: int
    price_min: float | None
    price_max: float | None
    attributes: dict[str, dict[str, int]]

    @classmethod
    def of(cls, facets: Facets) -> FacetsOut:
        """The wire form of facets."""
        return cls(
            num_products=facets.num_products,
            categories=dict(facets.categories),
            num_in_stock=facets.num_in_stock,
            price_min=facets.price_min,
            price_max=facets.price_max,
            attributes={name: dict(values) for name, values in facets.attributes.items()},
        )


class MatchOut(BaseModel):
    """How alike a photo and a product are (cosine), and which part of the photo makes it so."""

    similarity: float
    map: list[list[float]]
    """Rows from the top, cells from the left: 0, does nothing, to 1, does most."""


class ProductsOut(BaseModel):
    """A page of products, in the order of their ids."""

    products: list[ProductOut]
    total: int


class CompanionOut(BaseModel):
    """A product that was bought with another one, and out of how many orders that is known."""

    product: ProductOut
    support: int
    """Orders with both."""
    confidence: float
    """The share of the other product's orders that had this one too, 0 to 1."""
    lift: float
    """How many times as often as by chance."""
    reason: str

    @classmethod
    def of(cls, companion: Companion) -> CompanionOut:
        """The wire form of a companion."""
        return cls(
            product=ProductOut.of(companion.product),
            support=companion.support,
            confidence=round(companion.confidence, 4),
            lift=round(companion.lift, 2),
            reason=companion.reason,
        )


class BoughtTogetherOut(BaseModel):
    """What was bought with a product, the best first."""

    product_id: str
    num_orders: int
    """Orders with this product."""
    bought_together: list[CompanionOut]


class CategoryOut(BaseModel):
    """A category and how many products it has."""

    name: str
    num_products: int


class CategoriesOut(BaseModel):
    """Every category, in the order of the alphabet."""

    categories: list[CategoryOut]


ShortText = Annotated[str, Field(min_length=1, max_length=300)]
LongText = Annotated[str, Field(max_length=10_000)]


class ProductIn(BaseModel):
    """A product as staff send it. Without `image_base64` the product must be there already; its photo is kept."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: ShortText
    category: ShortText
    price: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    in_stock: bool | None = None
    url: str | None = Field(default=None, max_length=2000, pattern=r"^(https?://|/)")
    attributes: dict[ShortText, bool | int | FiniteFloat | LongText] = Field(default_factory=dict)
    image_base64: str | None = None

    def product(self, product_id: str) -> Product:
        """The product that this describes."""
        return Product(
            id=product_id,
            title=self.title,
            category=self.category,
            price=self.price,
            currency=self.currency,
            in_stock=self.in_stock,
            url=self.url,
            attributes=self.attributes,
        )
