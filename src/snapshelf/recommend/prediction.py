"""A customer's photo → what it was taken for, and products to buy, with reasons.

Shapes: N photos (here 1), C classes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image

from snapshelf.artifacts.cards import Looks, ModelCard, Verdicts
from snapshelf.errors import RequestError
from snapshelf.imaging.preprocess import crop
from snapshelf.metrics.calibration import softmax
from snapshelf.ports import Encoder, VectorIndex
from snapshelf.types import Box, ClassProbability, Encoding, Filters, Neighbour, Prediction, Recommendation, Verdict

DEFAULT_TOP_K = 12
MAX_TOP_K = 100
NUM_TOP = 5
"""How many categories a prediction lists."""

NUM_VOTERS = 10
"""Where a model knows no categories, the nearest products that vote."""

VOTE_TEMPERATURE = 0.07
"""A vote weighs exp(similarity / 0.07), after Wu et al., «Unsupervised Feature Learning via Non-Parametric Instance
Discrimination», CVPR 2018, section 3.4: of two products, the one that is 0.07 nearer counts 2.7 times."""

NOTHING_KNOWN = Prediction("unknown", 0.0, "unknown", ())
"""What is said where no category is known at all: a model without labels over an empty index."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a customer is told, and the seconds that the two stages took."""

    prediction: Prediction
    recommendations: tuple[Recommendation, ...]
    encode_s: float
    search_s: float

    def to_json(self) -> dict[str, object]:
        """The answer as the HTTP API words it."""
        return {
            "prediction": asdict(self.prediction),
            "recommendations": [asdict(each) for each in self.recommendations],
            "timing_ms": {"encode": round(self.encode_s * 1000, 2), "search": round(self.search_s * 1000, 2)},
        }


class Recommender:
    """A model and the index that it made. May be called from several threads."""

    def __init__(self, encoder: Encoder, card: ModelCard, index: VectorIndex) -> None:
        self._encoder = encoder
        self._card = card
        self._index = index

    def needed_px(self, box: Box | None) -> int | None:
        """How many pixels `decode` must keep of the photo's shorter side; None is all of them, for a very small box."""
        size_px = self._encoder.preprocess.size_px
        if box is None:
            return size_px
        part = min(box.w, box.h)
        return math.ceil(size_px / part) if part > 0.01 else None

    def recommend(
        self,
        image: Image.Image,
        *,
        top_k: int = DEFAULT_TOP_K,
        filters: Filters | None = None,
        diversity: float = 0.0,
        box: Box | None = None,
    ) -> Answer:
        """Recognise an upright RGB photo and find products that look like it.

        Args:
            image: the photo, or a smaller decoding of it: see `needed_px`.
            top_k: how many products, 1 to 100.
            filters: what the products must satisfy.
            diversity: 0 is the nearest alone, 1 as varied as can be.
            box: search for this part of the photo only.

        Raises:
            RequestError: one of these is not what it may be; says what was found and expected.
        """
        filters = filters or Filters()
        check_request(top_k, filters, diversity)
        started = time.perf_counter()
        photo_SSC = self._encoder.preprocess.apply(crop(image, box) if box else image)
        encoding = self._encoder.encode(photo_SSC[None])
        encoded = time.perf_counter()
        found = self._index.search(encoding.embedding_ND[0], limit=top_k, filters=filters, diversity=diversity)
        prediction = self._predict(encoding)
        searched = time.perf_counter()
        recommendations = tuple(
            Recommendation(near.product, near.similarity, reason(near, prediction, self._card.looks)) for near in found
        )
        return Answer(prediction, recommendations, encoded - started, searched - encoded)

    def _predict(self, encoding: Encoding) -> Prediction:
        """Of a single photo."""
        if self._card.labels:
            return predictions(encoding, self._card)[0]
        nearest = self._index.search(encoding.embedding_ND[0], limit=NUM_VOTERS, filters=Filters())
        return vote(nearest, self._card.verdicts)


def check_request(top_k: int, filters: Filters, diversity: float) -> None:
    """Refuse what no search can answer.

    Raises:
        RequestError: naming the field, what it holds and what it may.
    """
    if not 1 <= top_k <= MAX_TOP_K:
        raise RequestError(f"top_k is {top_k}; expected a whole number from 1 to {MAX_TOP_K}.")
    if not 0 <= diversity <= 1:
        raise RequestError(f"diversity is {diversity:g}; expected a number from 0 (nearest) to 1 (most varied).")
    for name, price in (("price_min", filters.price_min), ("price_max", filters.price_max)):
        if price is not None and not (math.isfinite(price) and price >= 0):
            raise RequestError(f"{name} is {price:g}; expected a price of 0 or more.")
    if filters.price_min is not None and filters.price_max is not None and filters.price_min > filters.price_max:
        raise RequestError(
            f"price_min is {filters.price_min:g}, above price_max, which is {filters.price_max:g}; no price is both."
        )


def predictions(encoding: Encoding, card: ModelCard) -> list[Prediction]:
    """What a model with labels says of N photos: calibrated probabilities and an honest verdict.

    The logits are divided by the temperature before the softmax: Guo et al., «On Calibration of Modern Neural
    Networks», ICML 2017. A familiarity below the card's thresholds means that the photo shows none of the categories,
    or that nothing surer than `unsure` is said: the softmax may be sure of anything.
    """
    probabilities_NC = softmax(encoding.logits_NC, card.temperature)
    familiarity_N = np.full(len(probabilities_NC), np.inf) if encoding.familiarity_N is None else encoding.familiarity_N
    return [
        _predicted(dict(zip(card.labels, probability_C, strict=True)), familiarity, card.verdicts)
        for probability_C, familiarity in zip(probabilities_NC.tolist(), familiarity_N.tolist(), strict=True)
    ]


def _predicted(probabilities: dict[str, float], familiarity: float, verdicts: Verdicts) -> Prediction:
    top = _top(probabilities)
    if verdicts.unknown_below is not None and familiarity < verdicts.unknown_below:
        return _prediction(top, "unknown")
    if verdicts.unsure_below is not None and familiarity < verdicts.unsure_below:
        return _prediction(top, "unsure")
    return _prediction(top, _verdict(top[0].probability, verdicts))


def vote(nearest: Sequence[Neighbour], verdicts: Verdicts) -> Prediction:
    """What the nearest products say, where the model knows no categories.

    The shares are not calibrated, so the verdict is never better than `likely`.
    """
    if not nearest:
        return NOTHING_KNOWN
    weight_N = softmax(np.array([[near.similarity for near in nearest]]), VOTE_TEMPERATURE)[0]
    shares: dict[str, float] = {}
    for near, weight in zip(nearest, weight_N.tolist(), strict=True):
        shares[near.product.category] = shares.get(near.product.category, 0.0) + weight
    top = _top(shares)
    return _prediction(top, "likely" if top[0].probability >= verdicts.likely else "unsure")


def reason(near: Neighbour, prediction: Prediction, looks: Looks) -> str:
    """Why a product is shown, from what is known: its category, where the photo's is, and its similarity."""
    look = _look(near.similarity, looks)
    if prediction.verdict not in ("confident", "likely"):
        return look
    same = near.product.category.casefold() == prediction.label.casefold()
    return f"{'same' if same else 'other'} category, {look}"


def _look(similarity: float, looks: Looks) -> str:
    if similarity >= looks.very_similar:
        return "very similar look"
    if similarity >= looks.similar:
        return "similar look"
    return "somewhat similar look" if similarity >= looks.somewhat_similar else "the nearest there is"


def _verdict(probability: float, verdicts: Verdicts) -> Verdict:
    if probability >= verdicts.confident:
        return "confident"
    return "likely" if probability >= verdicts.likely else "unsure"


def _top(probabilities: dict[str, float]) -> tuple[ClassProbability, ...]:
    ranked = sorted(probabilities.items(), key=lambda item: (-item[1], item[0]))
    return tuple(ClassProbability(label, min(1.0, probability)) for label, probability in ranked[:NUM_TOP])


def _prediction(top: tuple[ClassProbability, ...], verdict: Verdict) -> Prediction:
    return Prediction(top[0].label, top[0].probability, verdict, top)
