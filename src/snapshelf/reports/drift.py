"""The report on drift: how photos of now differ from those that the model was measured on.

Shapes: N usual photos, M photos of now, K bars, S pixels a side, 3 channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapshelf.drift.judgement import known
from snapshelf.drift.outcome import Drift
from snapshelf.drift.quantities import QUANTITIES, Quantity
from snapshelf.metrics.drift import Shift
from snapshelf.reports.page import render, thumbnail

_NUM_BARS = 24
_ENDS = 0.5, 99.5
"""Percentiles: what lies beyond is drawn at the ends."""
_MOST_CLASSES = 20
_MOST_ROWS_SHOWN = 200

_TITLES: Mapping[Quantity, tuple[str, str]] = {
    "confidence": ("Confidence", "how probable the model takes its own answer to be"),
    "familiarity": ("Familiarity", "how much a photo looks like what the model knows; 0 is usual"),
    "similarity": ("Similarity", "to the nearest product"),
    "brightness": ("Brightness", "0 is black, 1 is white"),
    "contrast": ("Contrast", "how far light and dark are apart"),
    "sharpness": ("Sharpness", "0.4 and below is soft"),
    "size": ("Size", "the shorter side, where 1 is all that the model looks at"),
    "aspect": ("Shape", "width over height"),
}


@dataclass(frozen=True, slots=True)
class UnusualPhoto:
    """A photo that the model is not familiar with."""

    path: str
    familiarity: float
    """Lower is stranger."""
    pixels_SSC: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Chart:
    """How often which values occur, usually and now: heights 0 to 1, the highest bar of both is 1."""

    title: str
    words: str
    shift: Shift | None
    usual_K: list[float]
    now_K: list[float]
    low: float
    high: float
    medians: tuple[float, float]


def drift_in_html(drift: Drift, unusual: Sequence[UnusualPhoto]) -> str:
    """`drift.html`."""
    charts = [chart for name in QUANTITIES if name in _TITLES and (chart := _chart(drift, name)) is not None]
    charts.sort(key=lambda chart: not (chart.shift and chart.shift.is_drift))
    return render(
        "drift.html",
        drift=drift,
        charts=charts,
        classes=drift.classes[:_MOST_CLASSES],
        largest_share=max((max(was, now) for _, was, now in drift.classes), default=1.0) or 1.0,
        unusual=[(photo, thumbnail(photo.pixels_SSC)) for photo in unusual],
        rejected=drift.rejected[:_MOST_ROWS_SHOWN],
    )


def _chart(drift: Drift, name: Quantity) -> _Chart | None:
    usual_N, now_M = known(drift.usual_NQ, name), known(drift.values_MQ, name)
    if not (len(usual_N) and len(now_M)):
        return None
    ends = np.concatenate([np.percentile(each, _ENDS) for each in (usual_N, now_M)])
    low, high = float(ends.min()), float(ends.max())
    high = high if high > low else low + 1e-3
    heights = [
        np.histogram(np.clip(each, low, high), _NUM_BARS, (low, high))[0] / len(each) for each in (usual_N, now_M)
    ]
    top = max(float(each.max()) for each in heights)
    title, words = _TITLES[name]
    usual_K, now_K = ((each / top).tolist() for each in heights)
    medians = float(np.median(usual_N)), float(np.median(now_M))
    return _Chart(title, words, drift.shifts.get(name), usual_K, now_K, low, high, medians)
