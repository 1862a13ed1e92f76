"""How well photos that show nothing known are told from those that do.

Shapes: K photos of known things, U of unknown ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score


@dataclass(frozen=True, slots=True)
class RejectionScores:
    """From 0 to 1."""

    auroc: float
    """How likely a known photo scores higher than an unknown one."""
    fpr_at_95_tpr: float
    """The share of unknown photos that pass a threshold which 95 % of the known ones pass. Lower is better."""
    num_known: int
    num_unknown: int


def rejection_scores(known_K: NDArray[np.floating], unknown_U: NDArray[np.floating]) -> RejectionScores:
    """Score by how familiar photos seem, higher being more familiar. There must be photos of both kinds."""
    is_known = np.repeat([1, 0], [len(known_K), len(unknown_U)])
    threshold = threshold_for(known_K, 0.95)
    return RejectionScores(
        auroc=float(roc_auc_score(is_known, np.concatenate([known_K, unknown_U]))),
        fpr_at_95_tpr=float((unknown_U >= threshold).mean()),
        num_known=len(known_K),
        num_unknown=len(unknown_U),
    )


def threshold_for(known_K: NDArray[np.floating], share: float) -> float:
    """The highest threshold that at least this share of the known photos reach."""
    at_most_below = int(np.floor((1 - share) * len(known_K) + 1e-9))
    return float(np.sort(known_K)[at_most_below])
