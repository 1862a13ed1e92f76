"""Whether photos are still like those that a model was measured on: two distances, and how much of each is luck.

Serving uses this too, so it needs nothing but NumPy.

Shapes: N usual photos, M photos of now, B bins, E edges, C classes, D numbers an embedding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

import numpy as np
from numpy.typing import NDArray

FALSE_ALARMS = 0.001
"""How often photos that are as usual may be called drifted: once in a thousand looks, over all quantities together."""

LEAST_PSI = 0.1
"""Below it nothing is called drift, however sure: the rule of thumb of credit scoring, where the index is from, takes
up to 0.1 for no change and from 0.25 on for a large one (Siddiqi, «Credit Risk Scorecards», 2006)."""

LEAST_DISTANCE = 0.2
"""The same for a distance of means, in units of the spread: what Cohen (1988) calls a small effect."""

LEAST_PHOTOS = 50
"""Of fewer, on either side, nothing is said."""

MOST_BINS = 10
_SMOOTHING = 0.5
"""Photos that every bin has more than were counted, so that an empty one makes no infinite index."""

_LEAST_OF_A_CLASS = 0.02, 5
"""The share of the usual photos, and the number of them, that a bin of classes has at least."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far one quantity is from what it usually is."""

    value: float
    """A population stability index, or a distance of means."""
    limit: float
    """Above it, it is more than luck, and large enough to mean something."""
    num_photos: int
    """Photos of now that have the quantity."""

    @property
    def is_drift(self) -> bool:
        """Whether it is called drift."""
        return self.value > self.limit


@dataclass(frozen=True, slots=True)
class ValueBins:
    """Bins of a number: the usual photos spread evenly over them, as far as equal values let them."""

    edges_E: NDArray[np.float64]
    """A value on an edge is in the bin above it."""

    @classmethod
    def of(cls, usual_N: NDArray[np.floating]) -> Self:
        """At most ten. A value that many photos share has a bin of its own, so that a change to either side is seen."""
        num_bins = max(2, min(MOST_BINS, len(usual_N) // 10))
        steps = np.arange(1, num_bins) / num_bins
        edges_E = np.quantile(usual_N.astype(np.float64), steps, method="inverted_cdf")
        tied_E = edges_E[[np.mean(usual_N == edge) > 1 / num_bins for edge in edges_E]]
        return cls(np.unique(np.concatenate([edges_E, np.nextafter(tied_E, np.inf)])))

    @property
    def num_bins(self) -> int:
        """B."""
        return len(self.edges_E) + 1

    def counts(self, value_M: NDArray[np.floating]) -> NDArray[np.int64]:
        """How many are in each bin, (B,)."""
        bins_M = np.searchsorted(self.edges_E, value_M.astype(np.float64), side="right")
        return np.bincount(bins_M, minlength=self.num_bins)


@dataclass(frozen=True, slots=True)
class ClassBins:
    """Bins of classes: each its own, but for rare ones, which share."""

    bin_C: NDArray[np.int64]

    @classmethod
    def of(cls, usual_N: NDArray[np.integer], num_classes: int) -> Self:
        """From the rarest on, classes share a bin until it has 2 % of the usual photos, and five."""
        count_C = np.bincount(usual_N, minlength=num_classes)
        share, number = _LEAST_OF_A_CLASS
        least = max(number, math.ceil(share * len(usual_N)))
        bin_C, current, held = np.zeros(num_classes, np.int64), 0, 0
        for index in np.argsort(count_C, kind="stable").tolist():
            if held >= least:
                current, held = current + 1, 0
            bin_C[index] = current
            held += int(count_C[index])
        if 0 < held < least and current:
            bin_C[bin_C == current] = current - 1
        return cls(bin_C)

    @property
    def num_bins(self) -> int:
        """B."""
        return int(self.bin_C.max(initial=0)) + 1

    def counts(self, class_M: NDArray[np.floating] | NDArray[np.integer]) -> NDArray[np.int64]:
        """How many photos are in each bin, (B,), by the indices of their classes."""
        return np.bincount(self.bin_C[class_M.astype(np.int64)], minlength=self.num_bins)


def population_stability_index(usual_B: NDArray[np.integer], now_B: NDArray[np.integer]) -> float:
    """How differently photos spread over bins: the sum of (q - p) ln(q / p), 0 for the same shares, without a top.

    Args:
        usual_B: how many usual photos are in each bin.
        now_B: how many of now.
    """
    usual, now = ((each_B + _SMOOTHING) / (each_B.sum() + _SMOOTHING * len(each_B)) for each_B in (usual_B, now_B))
    return float(((now - usual) * np.log(now / usual)).sum())


def psi_limit(num_bins: int, num_usual: int, num_now: int, probability: float) -> float:
    """What the index of photos that are as usual exceeds with this probability; `LEAST_PSI` at least.

    Of two samples of the same distribution it is about (1/N + 1/M) times a chi-squared of B - 1 degrees of freedom
    (Yurdakul, «Statistical Properties of Population Stability Index», Western Michigan University, 2018).
    """
    return max(LEAST_PSI, (1 / num_usual + 1 / num_now) * chi_squared(1 - probability, max(1, num_bins - 1)))


def chi_squared(probability: float, degrees: float) -> float:
    """The quantile of a chi-squared distribution, by the cube of a normal one (Wilson and Hilferty 1931)."""
    part = 2 / (9 * degrees)
    return degrees * max(0.0, 1 - part + NormalDist().inv_cdf(probability) * math.sqrt(part)) ** 3


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where embeddings lie, and how far they spread."""

    mean_D: NDArray[np.float64]
    spread: float
    """The trace of the covariance: the mean squared distance from the mean."""
    directions: float
    """In how many directions they spread as if evenly: the squared trace over the trace of the square, 1 to D."""
    num_photos: int

    @classmethod
    def of(cls, embedding_ND: NDArray[np.floating]) -> Self:
        """Of one photo at least."""
        embedding_ND = embedding_ND.astype(np.float64)
        centred_ND = embedding_ND - embedding_ND.mean(axis=0)
        degrees = max(1, len(embedding_ND) - 1)
        product = centred_ND.T @ centred_ND if centred_ND.shape[1] < len(centred_ND) else centred_ND @ centred_ND.T
        spread = float(np.trace(product)) / degrees
        squared = float((product**2).sum()) / degrees**2
        # The plain trace of the square is too large by what few photos scatter: Bai and Saranadasa 1996, (3.4).
        true = (squared - spread**2 / degrees) * degrees**2 / ((degrees + 2) * max(degrees - 1, 1))
        directions = spread**2 / true if true > 0 else float(centred_ND.shape[1])
        return cls(embedding_ND.mean(axis=0), spread, min(max(directions, 1.0), centred_ND.shape[1]), len(embedding_ND))

    def shift(self, mean_D: NDArray[np.floating], num_now: int, probability: float) -> Shift:
        """How far the mean of other embeddings is from this one, in units of the spread.

        The squared distance of two means of the same distribution is (1/N + 1/M) times a sum of weighted chi-squared
        variables (Bai and Saranadasa, «Effect of high dimension: by an example of a two sample problem», Statistica
        Sinica 6, 1996); one chi-squared of as many degrees as there are directions has its mean and variance
        (Satterthwaite 1946).

        Args:
            mean_D: of the embeddings of now.
            num_now: how many they are.
            probability: how often photos that are as usual may exceed the limit.
        """
        scatter = (1 / self.num_photos + 1 / num_now) * chi_squared(1 - probability, self.directions) / self.directions
        squared = float(((mean_D - self.mean_D) ** 2).sum()) / max(self.spread, 1e-12)
        return Shift(math.sqrt(squared), max(LEAST_DISTANCE, math.sqrt(scatter)), num_now)
