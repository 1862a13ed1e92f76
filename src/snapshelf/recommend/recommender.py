"""A customer's photo, or products that are liked → products to buy, with reasons."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snapshelf.artifacts.cards import ModelCard
from snapshelf.errors import ProductNotFoundError, RequestError
from snapshelf.imaging.colours import dominant_colours
from snapshelf.imaging.preprocess import crop
from snapshelf.ports import Encoder, VectorIndex
from snapshelf.recommend.match_map import match_map
from snapshelf.recommend.options import SearchOptions
from snapshelf.recommend.prediction import NUM_VOTERS, prediction_beside_products, vote
from snapshelf.recommend.ranking import query_of, ranked
from snapshelf.recommend.reasons import Wanted, in_words, reasons
from snapshelf.types import Box, Encoding, Filters, Neighbour, Prediction, Recommendation

_CATEGORIES_KEPT_S = 10.0


@dataclass(frozen=True, slots=True)
class Look:
    """What the model says of a photo or a part of it, and which colours that has."""

    encoding: Encoding
    """Of the one photo, N = 1."""
    colours: tuple[str, ...]
    encode_s: float
    """How long it took."""
    size_px: tuple[int, int] = (0, 0)
    """Width and height of what was looked at, before it was made a square; of a JPEG maybe at a smaller scale."""
    pixels_SSC: NDArray[np.uint8] | None = None
    """The square; None where the look is kept longer than the photo is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a customer is told, and the seconds that the two stages took."""

    prediction: Prediction
    recommendations: tuple[Recommendation, ...]
    encode_s: float
    search_s: float
    nearest: tuple[Neighbour, ...] = ()
    """The products that are most like the photo, whatever else was asked for."""

    def to_json(self) -> dict[str, object]:
        """The answer as the HTTP API words it."""
        fields = ("product", "similarity", "reason")
        return {
            "prediction": asdict(self.prediction),
            "recommendations": [{name: asdict(each)[name] for name in fields} for each in self.recommendations],
            "timing_ms": {"encode": round(self.encode_s * 1000, 2), "search": round(self.search_s * 1000, 2)},
        }


class Recommender:
    """A model and the index that it made. May be called from several threads."""

    def __init__(self, encoder: Encoder, card: ModelCard, index: VectorIndex) -> None:
        self._encoder = encoder
        self._card = card
        self._index = index
        self._categories = (-math.inf, frozenset[str]())

    def needed_px(self, box: Box | None, *, at_least: int = 0) -> int | None:
        """How many pixels `decode` must keep of the photo's shorter side; None is all of them, for a very small box.

        `at_least` is for others that look at the same picture: the side of what they look at.
        """
        size_px = max(self._encoder.preprocess.size_px, at_least)
        if box is None:
            return size_px
        part = min(box.w, box.h)
        return math.ceil(size_px / part) if part > 0.01 else None

    def recommend(self, image: Image.Image, options: SearchOptions | None = None, *, box: Box | None = None) -> Answer:
        """Recognise an upright RGB photo and find products that look like it.

        Args:
            image: the photo, or a smaller decoding of it: see `needed_px`.
            options: what is wanted beside what it shows.
            box: search for this part of the photo only.

        Raises:
            RequestError: one of these is not what it may be; says what was found and expected.
            ProductNotFoundError: an example is none of the products.
        """
        return self.answer(self.look(image, box), options)

    def look(self, image: Image.Image, box: Box | None = None) -> Look:
        """Look at an upright RGB photo, or at a part of it, once for any number of answers.

        Raises:
            RequestError: the box is not inside the photo.
        """
        started = time.perf_counter()
        part = crop(image, box) if box else image
        pixels_SSC = self._encoder.preprocess.apply(part)
        encoding = self._encoder.encode(pixels_SSC[None])
        encode_s = time.perf_counter() - started
        return Look(encoding, dominant_colours(part), encode_s, part.size, pixels_SSC)

    def answer(self, look: Look, options: SearchOptions | None = None) -> Answer:
        """Name what was looked at, and find products that look like it.

        Raises:
            RequestError: an option is not what it may be; says what was found and expected.
            ProductNotFoundError: an example is none of the products.
        """
        options = options or SearchOptions()
        options.check()
        started = time.perf_counter()
        query_D = look.encoding.embedding_ND[0]
        # One search for both, the voters and the answer, where nothing but the look decides.
        num = max(NUM_VOTERS, options.top_k) if options.by_look_alone else NUM_VOTERS
        nearest = self._index.search(query_D, limit=num, filters=Filters())
        prediction = self._predict(look.encoding, nearest[:NUM_VOTERS])
        found = nearest[: options.top_k] if options.by_look_alone else self._ranked(query_D, options)
        recommendations = self._with_reasons(found, Wanted.by_photo(prediction, look.colours, options.text))
        search_s = time.perf_counter() - started
        return Answer(prediction, recommendations, look.encode_s, search_s, tuple(nearest[:NUM_VOTERS]))

    def _ranked(self, query_D: NDArray[np.float32], options: SearchOptions) -> Sequence[Neighbour]:
        """What is like the photo and the examples, as the options want it."""
        if options.liked or options.disliked:
            examples_ED = np.concatenate([query_D[None], self._examples(options.liked)])
            query_D = query_of(examples_ED, self._examples(options.disliked))
        return ranked(self._index, query_D, options.without_examples())

    def similar(self, options: SearchOptions) -> tuple[Recommendation, ...]:
        """Find products like those that are liked and unlike those that are not; none of them is among the answers.

        Raises:
            RequestError: no product is liked, or an option is not what it may be.
            ProductNotFoundError: an example is none of the products.
        """
        options.check()
        if not options.liked:
            raise RequestError("No product is liked; name at least one that the others should be like.")
        query_D = query_of(self._examples(options.liked), self._examples(options.disliked))
        products = [product for product in map(self._index.product, options.liked) if product]
        photos = self._index.product_photos(options.liked[0])
        wanted = Wanted.by_examples(products, photos[0].colours if photos else (), options.text)
        return self._with_reasons(ranked(self._index, query_D, options.without_examples()), wanted)

    def match(self, image: Image.Image, product_id: str, box: Box | None = None) -> tuple[float, NDArray[np.float32]]:
        """How alike a photo and a product are, and which part of the photo makes it so: see `match_map`.

        Raises:
            ProductNotFoundError: there is no such product.
            RequestError: the box is not inside the photo.
        """
        (product_PD,) = self._photos_of((product_id,))
        photo_SSC = self._encoder.preprocess.apply(crop(image, box) if box else image)
        return match_map(self._encoder, photo_SSC, product_PD)

    def _with_reasons(self, found: Sequence[Neighbour], wanted: Wanted) -> tuple[Recommendation, ...]:
        return tuple(self._with_reason(near, wanted) for near in found)

    def _with_reason(self, near: Neighbour, wanted: Wanted) -> Recommendation:
        why = reasons(near, wanted, self._card.looks)
        return Recommendation(near.product, near.similarity, in_words(why), near.photo_sha256, why)

    def _examples(self, product_ids: Sequence[str]) -> NDArray[np.float32]:
        """The mean embedding of each product's photos, (E, D)."""
        means = [photos_PD.mean(axis=0) for photos_PD in self._photos_of(product_ids)]
        return np.stack(means) if means else np.zeros((0, self._encoder.embedding_dim), np.float32)

    def _photos_of(self, product_ids: Sequence[str]) -> list[NDArray[np.float32]]:
        """The embeddings of each product's photos, (P, D)."""
        found = self._index.product_embeddings(product_ids) if product_ids else {}
        if missing := [product_id for product_id in product_ids if product_id not in found]:
            raise ProductNotFoundError(
                f"There is no product {missing[0]!r}. GET /api/v1/products lists those that are there."
            )
        return [found[product_id] for product_id in product_ids]

    def _predict(self, encoding: Encoding, nearest: Sequence[Neighbour]) -> Prediction:
        """Of a single photo, beside the products nearest to it."""
        if self._card.labels:
            return prediction_beside_products(encoding, self._card, nearest, self._sold())
        return vote(nearest, self._card.verdicts)

    def _sold(self) -> Set[str]:
        """The categories that have products, as they were at most some seconds ago."""
        looked_at, sold = self._categories
        if time.monotonic() - looked_at > _CATEGORIES_KEPT_S:
            sold = frozenset(self._index.categories())
            self._categories = time.monotonic(), sold
        return sold
