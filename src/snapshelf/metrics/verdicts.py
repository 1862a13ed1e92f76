"""From which probability on an answer may be called sure, so that the word keeps a promise.

Shapes: N photos, C classes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEVER = 1.01
"""A threshold above every probability."""


def verdict_thresholds(
    labels_N: NDArray[np.integer], probabilities_NC: NDArray[np.floating], confident: float, likely: float
) -> tuple[float, float]:
    """The lowest probabilities from which on answers are right often enough.

    Args:
        labels_N: of photos that the model has not learnt from.
        probabilities_NC: calibrated.
        confident: the share of the answers at or above the first threshold that must be right.
        likely: the same for those between both.

    Returns:
        Both thresholds, the first at least as high as the second; `NEVER` where no threshold keeps the promise.
    """
    confidence_N = probabilities_NC.max(axis=1)
    right_N = probabilities_NC.argmax(axis=1) == labels_N
    sure = _lowest(confidence_N, right_N, confident)
    below_N = confidence_N < sure
    return sure, min(sure, _lowest(confidence_N[below_N], right_N[below_N], likely))


def _lowest(confidence_N: NDArray[np.floating], right_N: NDArray[np.bool_], share: float) -> float:
    """The lowest threshold above which at least this share is right.

    One wrong answer is added to what was seen, so that a few lucky photos promise nothing.
    """
    order = np.argsort(-confidence_N, kind="stable")
    confidence_N = confidence_N[order]
    precision_N = np.cumsum(right_N[order]) / (np.arange(len(order)) + 2)
    is_last_of_its_kind = np.append(confidence_N[1:] < confidence_N[:-1], True)[: len(order)]
    kept = np.flatnonzero((precision_N >= share) & is_last_of_its_kind)
    return float(confidence_N[kept[-1]]) if len(kept) else NEVER
