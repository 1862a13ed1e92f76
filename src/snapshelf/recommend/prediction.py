"""What a photo was taken for: calibrated probabilities, a vote of the nearest products, an honest verdict.

Shapes: N photos, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import numpy as np

from snapshelf.artifacts.cards import Looks, ModelCard, Verdicts
from snapshelf.metrics.calibration import softmax
from snapshelf.types import ClassProbability, Encoding, Neighbour, Prediction, Verdict

NUM_TOP = 5
"""How many categories a prediction lists."""

NUM_VOTERS = 10
"""The nearest products that vote for categories that the model does not know."""

VOTE_TEMPERATURE = 0.07
"""A vote weighs exp(similarity / 0.07), after Wu et al., «Unsupervised Feature Learning via Non-Parametric Instance
Discrimination», CVPR 2018, section 3.4: of two products, the one that is 0.07 nearer counts 2.7 times."""

NOTHING_KNOWN = Prediction("unknown", 0.0, "unknown", ())
"""What is said where no category is known at all: a model without labels over an empty index."""


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
    if _is_strange(familiarity, verdicts):
        return _prediction(top, "unknown")
    if verdicts.unsure_below is not None and familiarity < verdicts.unsure_below:
        return _prediction(top, "unsure")
    return _prediction(top, _verdict(top[0].probability, verdicts))


def prediction_beside_products(
    encoding: Encoding, card: ModelCard, nearest: Sequence[Neighbour], sold: Set[str]
) -> Prediction:
    """What a model with labels says of one photo, and the nearest products of categories that it never learnt.

    The products' vote decides between what the model knows and what it does not; among what it knows, the model alone
    does. So a category is recognised as soon as it has a product, and what the model was taught stays calibrated where
    no such product is near; and what a product looks just like is never called unknown.
    docs/decisions/0018-new-categories.md and 0015-unknown-products.md have the measurements.

    Args:
        encoding: of one photo.
        card: the model's; it has labels.
        nearest: the `NUM_VOTERS` nearest products.
        sold: the categories that have products. Where the model takes the photo for one that has none, the vote had no
            such product to choose, so it counts only as far as the nearest product of a new category looks alike.
    """
    familiarity = float("inf") if encoding.familiarity_N is None else float(encoding.familiarity_N[0])
    known = dict(zip(card.labels, softmax(encoding.logits_NC[:1], card.temperature)[0].tolist(), strict=True))
    labels = {label.casefold() for label in card.labels}
    shares = {name: share for name, share in _shares(nearest).items() if name.casefold() not in labels}
    likeness = max((near.similarity for near in nearest if near.product.category in shares), default=-1.0)
    selling = {name.casefold() for name in sold}
    choice = sum(probability for label, probability in known.items() if label.casefold() in selling)
    weight = choice + (1 - choice) * _ramp(likeness, card.looks.somewhat_similar, card.looks.very_similar)
    new = {name: share * weight for name, share in shares.items()}
    fused = {label: probability * (1 - sum(new.values())) for label, probability in known.items()} | new
    if _is_strange(familiarity, card.verdicts) and (same := _same_product(nearest, card.looks)):
        return _as_that_product(fused, same, card)
    label = _top(fused)[0].label
    if label not in new:
        return _predicted(fused, familiarity, card.verdicts)
    if _is_strange(familiarity, card.verdicts) and likeness < card.looks.similar:
        return _prediction(_top(fused), "unknown")
    return _prediction(_top(fused), _verdict_of_vote(fused[label], card.verdicts))


def _is_strange(familiarity: float, verdicts: Verdicts) -> bool:
    return verdicts.unknown_below is not None and familiarity < verdicts.unknown_below


def _same_product(nearest: Sequence[Neighbour], looks: Looks) -> Neighbour | None:
    """The nearest product, where it looks so alike that the photo may well show it: nearer to identical than to how
    alike photos of the same category typically are at best."""
    best = max(nearest, key=lambda near: near.similarity, default=None)
    return best if best and best.similarity >= (1 + looks.very_similar) / 2 else None


def _as_that_product(fused: Mapping[str, float], same: Neighbour, card: ModelCard) -> Prediction:
    """What is sold is not unknown, however strange it is to the model (decision 15): the nearer, the surer."""
    category = same.product.category
    label = next((known for known in fused if known.casefold() == category.casefold()), category)
    weight = _ramp(same.similarity, card.looks.very_similar, 1.0)
    mixed = {each: probability * (1 - weight) for each, probability in fused.items()}
    mixed[label] = mixed.get(label, 0.0) + weight
    top = _top(mixed)
    return _prediction(top, _verdict_of_vote(top[0].probability, card.verdicts))


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, evenly between."""
    return min(1.0, max(0.0, (value - low) / max(high - low, 1e-6)))


def vote(nearest: Sequence[Neighbour], verdicts: Verdicts) -> Prediction:
    """What the nearest products say, where the model knows no categories.

    The shares are not calibrated, so the verdict is never better than `likely`.
    """
    if not nearest:
        return NOTHING_KNOWN
    top = _top(_shares(nearest))
    return _prediction(top, _verdict_of_vote(top[0].probability, verdicts))


def _shares(nearest: Sequence[Neighbour]) -> dict[str, float]:
    """Each category's share of the vote; together 1, or empty."""
    if not nearest:
        return {}
    weight_N = softmax(np.array([[near.similarity for near in nearest]]), VOTE_TEMPERATURE)[0]
    shares: dict[str, float] = {}
    for near, weight in zip(nearest, weight_N.tolist(), strict=True):
        shares[near.product.category] = shares.get(near.product.category, 0.0) + weight
    return shares


def _verdict_of_vote(share: float, verdicts: Verdicts) -> Verdict:
    return "likely" if share >= verdicts.likely else "unsure"


def _verdict(probability: float, verdicts: Verdicts) -> Verdict:
    if probability >= verdicts.confident:
        return "confident"
    return "likely" if probability >= verdicts.likely else "unsure"


def _top(probabilities: dict[str, float]) -> tuple[ClassProbability, ...]:
    ranked = sorted(probabilities.items(), key=lambda item: (-item[1], item[0]))
    return tuple(ClassProbability(label, min(1.0, probability)) for label, probability in ranked[:NUM_TOP])


def _prediction(top: tuple[ClassProbability, ...], verdict: Verdict) -> Prediction:
    return Prediction(top[0].label, top[0].probability, verdict, top)
