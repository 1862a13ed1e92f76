"""Whether one model is really better than another on the same photos.

Shapes: N photos.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest


@dataclass(frozen=True, slots=True)
class McNemar:
    """What two models make of the same photos."""

    only_first: int
    """Photos that the first one alone recognises."""
    only_second: int
    p_value: float
    """How likely a difference of this size is between two models that are equally good: McNemar's exact test."""


def mcnemar(right_first_N: NDArray[np.bool_], right_second_N: NDArray[np.bool_]) -> McNemar:
    """Compare two models photo by photo (McNemar 1947), by the exact binomial distribution, two-sided."""
    only_first = int((right_first_N & ~right_second_N).sum())
    only_second = int((~right_first_N & right_second_N).sum())
    differing = only_first + only_second
    p_value = float(binomtest(only_first, differing).pvalue) if differing else 1.0
    return McNemar(only_first, only_second, p_value)
