"""The report on a model: how often it is right, where it goes wrong, and how far its own sureness can be trusted.

Shapes: N photos, S pixels a side, C = 3 channels (in a photo's name), C classes (in a matrix's name).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapshelf.metrics.classification import ClassificationScores, ConfidenceBin
from snapshelf.reports.page import render, thumbnail
from snapshelf.types import Rejected

_MOST_CLASSES_IN_TABLE = 25
_MOST_CONFUSIONS_SHOWN = 15
_MOST_ROWS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Mistake:
    """A photo that was taken for something else, and how sure the model was."""

    path: str
    label: str
    predicted: str
    probability: float
    pixels_SSC: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """What is told of a model on some photos."""

    model_id: str
    photos: str
    """Which photos these were, in words."""
    scores: ClassificationScores
    bins: Sequence[ConfidenceBin]
    mistakes: Sequence[Mistake]
    """The surest first."""
    rejected: Sequence[Rejected]
    num_unknown: int
    unknown_labels: Sequence[str]

    def to_html(self) -> str:
        """`report.html`."""
        labels = list(self.scores.per_class)
        confusion_CC = self.scores.confusion_CC
        share_CC = confusion_CC / np.maximum(confusion_CC.sum(axis=1, keepdims=True), 1)
        per_class = sorted(self.scores.per_class.items(), key=lambda item: (item[1].num_photos == 0, item[1].f1))
        return render(
            "evaluation.html",
            report=self,
            scores=self.scores,
            labels=labels,
            counts=confusion_CC.tolist(),
            shares=share_CC.tolist(),
            as_table=len(labels) <= _MOST_CLASSES_IN_TABLE,
            cells=np.argwhere(confusion_CC > 0).tolist(),
            confusions=_confusions(confusion_CC, labels),
            per_class=per_class,
            mistakes=[(mistake, thumbnail(mistake.pixels_SSC)) for mistake in self.mistakes],
            rejected=self.rejected[:_MOST_ROWS_SHOWN],
        )


def _confusions(confusion_CC: NDArray[np.int64], labels: Sequence[str]) -> list[tuple[str, str, int, float]]:
    """The most frequent mix-ups: true class, predicted class, how many photos, what share of the true class."""
    wrong_CC = confusion_CC.copy()
    np.fill_diagonal(wrong_CC, 0)
    order = np.argsort(-wrong_CC, axis=None, kind="stable")[:_MOST_CONFUSIONS_SHOWN]
    sizes_C = confusion_CC.sum(axis=1)
    return [
        (labels[true], labels[predicted], number, float(number / sizes_C[true]))
        for true, predicted in (divmod(int(cell), len(labels)) for cell in order)
        if (number := int(wrong_CC[true, predicted]))
    ]
