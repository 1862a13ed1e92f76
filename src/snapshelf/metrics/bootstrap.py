"""How far a score may be off by the luck of which photos it was measured on.

Shapes: N photos, C classes, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapshelf.metrics.calibration import NUM_BINS, confidence_bin

NUM_RESAMPLES = 1000
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ScoreIntervals:
    """95 % intervals, each (low, high), of what `classification_scores` gives; classes in the order of their indices.

    A class's interval is None where no resample has a photo of it or a prediction of it.
    """

    accuracy: Interval
    macro_f1: Interval
    weighted_f1: Interval
    top5_accuracy: Interval
    ece: Interval
    precision_C: list[Interval | None]
    recall_C: list[Interval | None]
    f1_C: list[Interval | None]


def score_intervals(
    labels_N: NDArray[np.integer],
    probabilities_NC: NDArray[np.floating],
    *,
    seed: int = 0,
) -> ScoreIntervals:
    """Percentile bootstrap (Efron 1979): the photos are drawn again with replacement, 1,000 times.

    Args:
        labels_N: indices of the true classes.
        probabilities_NC: the model's; the prediction is the most probable class.
        seed: which resamples are drawn.
    """
    num_photos, num_classes = probabilities_NC.shape
    predicted_N = probabilities_NC.argmax(axis=1)
    confidence_N = probabilities_NC.max(axis=1).astype(np.float64)
    right_N = predicted_N == labels_N
    true_N = probabilities_NC[np.arange(num_photos), labels_N]
    among_five_N = (probabilities_NC > true_N[:, None]).sum(axis=1) < 5
    bin_N = confidence_bin(confidence_N)

    def scores(weight_N: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        def counted(what_N: NDArray[np.integer], weights: NDArray[np.float64], number: int) -> NDArray[np.float64]:
            return np.bincount(what_N, weights, minlength=number).astype(np.float64)

        hits_C = counted(labels_N, weight_N * right_N, num_classes)
        shown_C, taken_C = counted(labels_N, weight_N, num_classes), counted(predicted_N, weight_N, num_classes)
        precision_C, recall_C = _ratio(hits_C, taken_C), _ratio(hits_C, shown_C)
        f1_C = _ratio(2 * hits_C, shown_C + taken_C)
        gaps = np.abs(counted(bin_N, weight_N * (right_N - confidence_N), NUM_BINS)).sum()
        # As scikit-learn has it: classes that neither occur nor are predicted are no part of the mean.
        macro = f1_C[shown_C + taken_C > 0].mean()
        singles = [weight_N @ right_N, num_photos * macro, f1_C @ shown_C, weight_N @ among_five_N, gaps]
        return [np.array(singles) / num_photos, precision_C, recall_C, np.where(shown_C + taken_C > 0, f1_C, np.nan)]

    singles_R5, precision_RC, recall_RC, f1_RC = _resampled(scores, num_photos, seed)
    accuracy, macro_f1, weighted_f1, top5_accuracy, ece = (_interval(values_R) for values_R in singles_R5.T)
    return ScoreIntervals(
        accuracy, macro_f1, weighted_f1, top5_accuracy, ece,
        precision_C=[_class_interval(values_R) for values_R in precision_RC.T],
        recall_C=[_class_interval(values_R) for values_R in recall_RC.T],
        f1_C=[_class_interval(values_R) for values_R in f1_RC.T],
    )  # fmt: skip


def _resampled(
    scores: Callable[[NDArray[np.float64]], list[NDArray[np.float64]]], num_photos: int, seed: int
) -> list[NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    found = []
    for _ in range(NUM_RESAMPLES):
        drawn_N = random.integers(0, num_photos, num_photos)
        found.append(scores(np.bincount(drawn_N, minlength=num_photos).astype(np.float64)))
    return [np.stack(values) for values in zip(*found, strict=True)]


def _ratio(part_C: NDArray[np.float64], whole_C: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 where there is nothing to divide by, as in the scores themselves."""
    return part_C / np.maximum(whole_C, 1.0) * (whole_C > 0)


def _interval(values_R: NDArray[np.float64]) -> Interval:
    low, high = np.percentile(values_R, [2.5, 97.5])
    return float(low), float(high)


def _class_interval(values_R: NDArray[np.float64]) -> Interval | None:
    seen = values_R[~np.isnan(values_R)]
    return _interval(seen) if len(seen) else None
