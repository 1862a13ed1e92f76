"""How far probabilities can be trusted, and the one number that makes them so.

Shapes: N photos, C classes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_LOWEST, _HIGHEST = 0.05, 20.0


def softmax(logits_NC: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities, (N, C), each row adding up to 1. A higher temperature makes them more even."""
    scaled_NC = logits_NC.astype(np.float64) / temperature
    scaled_NC -= scaled_NC.max(axis=1, keepdims=True)
    powers_NC = np.exp(scaled_NC)
    probabilities_NC: NDArray[np.float64] = powers_NC / powers_NC.sum(axis=1, keepdims=True)
    return probabilities_NC


def fit_temperature(logits_NC: NDArray[np.floating], labels_N: NDArray[np.integer]) -> float:
    """The temperature under which the labels are most likely (Guo et al. 2017), between 0.05 and 20.

    Labels are indices of classes. The log-loss is convex in 1 / temperature, so its one minimum is where the slope
    changes sign; 20 halvings of the range find it to five digits. Where every photo is classified rightly there is no
    minimum, and the lowest temperature is the answer.
    """
    logits_NC = logits_NC.astype(np.float64)
    true_N = logits_NC[np.arange(len(labels_N)), labels_N]
    low, high = 1.0 / _HIGHEST, 1.0 / _LOWEST
    for _ in range(20):
        inverse = math.sqrt(low * high)
        expected_N = (softmax(logits_NC, 1.0 / inverse) * logits_NC).sum(axis=1)
        if (expected_N - true_N).mean() > 0:
            high = inverse
        else:
            low = inverse
    return 1.0 / math.sqrt(low * high)


NUM_BINS = 15


def confidence_bin(confidence_N: NDArray[np.floating], num_bins: int = NUM_BINS) -> NDArray[np.int64]:
    """Which of the bins of equal width each largest probability is in, from 0."""
    return np.minimum((confidence_N * num_bins).astype(np.int64), num_bins - 1)


def expected_calibration_error(
    probabilities_NC: NDArray[np.floating], labels_N: NDArray[np.integer], num_bins: int = NUM_BINS
) -> float:
    """How far confidence and accuracy are apart, 0 to 1, averaged over photos (Guo et al. 2017).

    Photos are put into `num_bins` bins of equal width by their largest probability.
    """
    confidence_N = probabilities_NC.max(axis=1)
    correct_N = probabilities_NC.argmax(axis=1) == labels_N
    gap_B = np.bincount(confidence_bin(confidence_N, num_bins), weights=correct_N - confidence_N.astype(np.float64))
    return float(np.abs(gap_B).sum() / len(labels_N))


def error_by_luck(
    probabilities_NC: NDArray[np.floating], num_bins: int = NUM_BINS, *, seed: int = 0
) -> tuple[float, float]:
    """What the expected calibration error would be of answers that are right just as often as they claim.

    It is not 0: a bin of few photos is off by luck. Answers are drawn 1,000 times with the claimed probabilities
    (consistency resampling: Bröcker and Smith, «Increasing the Reliability of Reliability Diagrams», 2007).

    Returns:
        Their mean, and what 95 of 100 stay below: an error above that is more than luck.
    """
    confidence_N = probabilities_NC.max(axis=1).astype(np.float64)
    bin_N, random = confidence_bin(confidence_N, num_bins), np.random.default_rng(seed)
    errors = []
    for _ in range(1000):
        right_N = random.random(len(confidence_N)) < confidence_N
        gap_B = np.bincount(bin_N, weights=right_N - confidence_N)
        errors.append(np.abs(gap_B).sum() / len(confidence_N))
    return float(np.mean(errors)), float(np.percentile(errors, 95))
