"""The report on a model: how often it is right, where it goes wrong, and how far its own sureness can be trusted.

Shapes: N photos, S pixels a side, C = 3 channels (in a photo's name), C classes (in a matrix's name).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snapshelf.metrics.classification import ConfidenceBin
from snapshelf.metrics.evaluation import Evaluation
from snapshelf.reports.page import render, thumbnail

_MOST_CLASSES_IN_TABLE = 25
_MOST_CONFUSIONS_SHOWN = 15
_MOST_PAIRS_PICTURED = 6
_MOST_ROWS_SHOWN = 200
_TINT, _OPAQUEST = (255, 140, 0), 0.7
"""What is laid over a photo where the model saw its class, and how much of it at most."""


@dataclass(frozen=True, slots=True)
class Example:
    """A photo, what it was taken for, and how sure the model was."""

    path: str
    label: str
    predicted: str
    probability: float
    pixels_SSC: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Look:
    """A photo, and where on it the model saw its class."""

    example: Example
    evidence_HW: NDArray[np.float32]
    """0 not at all, 1 most."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """How far the training had come."""

    loss: float
    """On the photos that were learnt from, changed at random."""
    validation_loss: float
    accuracy: float
    """On validation photos."""


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """What is told of a model on some photos."""

    evaluation: Evaluation
    photos: str
    """Which photos these were, in words."""
    bins: Sequence[ConfidenceBin]
    mistakes: Sequence[Example]
    """The surest first."""
    hits: Sequence[Example]
    """The least sure first."""
    pairs: Mapping[tuple[int, int], Sequence[Example]]
    """Of each mix-up, by the indices of the true and the predicted class, a few photos."""
    looks: Sequence[Look]
    """One photo of each class; empty where the network keeps to itself where it looks."""
    history: Sequence[Epoch]
    """Empty where the network was not trained whole."""

    def to_html(self) -> str:
        """`report.html`."""
        scores = self.evaluation.scores
        labels = list(scores.per_class)
        confusion_CC = scores.confusion_CC
        share_CC = confusion_CC / np.maximum(confusion_CC.sum(axis=1, keepdims=True), 1)
        intervals = zip(self.evaluation.intervals.f1_C, scores.per_class.items(), strict=True)
        per_class = [(label, each, interval) for interval, (label, each) in intervals]
        confusions = most_confused(confusion_CC, labels)
        return render(
            "evaluation.html",
            report=self,
            evaluation=self.evaluation,
            scores=scores,
            labels=labels,
            counts=confusion_CC.tolist(),
            shares=share_CC.tolist(),
            as_table=len(labels) <= _MOST_CLASSES_IN_TABLE,
            cells=np.argwhere(confusion_CC > 0).tolist(),
            confusions=confusions,
            pairs=self._pairs(confusions, labels),
            per_class=sorted(per_class, key=lambda row: (row[1].num_photos == 0, row[1].f1)),
            mistakes=_pictured(self.mistakes),
            hits=_pictured(self.hits),
            looks=[(look.example, thumbnail(_tinted(look))) for look in self.looks],
            num_unknown=sum(self.evaluation.unknown.values()),
            unknown_labels=sorted(self.evaluation.unknown),
            highest_loss=max((max(epoch.loss, epoch.validation_loss) for epoch in self.history), default=1.0),
            rejected=self.evaluation.rejected[:_MOST_ROWS_SHOWN],
        )

    def _pairs(
        self, confusions: Sequence[tuple[str, str, int, float]], labels: Sequence[str]
    ) -> list[tuple[str, str, list[tuple[Example, str]]]]:
        """The most frequent mix-ups with their photos."""
        return [
            (shown, taken_for, _pictured(self.pairs.get((labels.index(shown), labels.index(taken_for)), [])))
            for shown, taken_for, _, _ in confusions[:_MOST_PAIRS_PICTURED]
        ]


def _tinted(look: Look) -> NDArray[np.uint8]:
    """The photo in grey, in colour where the model saw its class."""
    photo = Image.fromarray(np.ascontiguousarray(look.example.pixels_SSC))
    evidence = Image.fromarray((255 * look.evidence_HW).astype(np.uint8)).resize(photo.size, Image.Resampling.BICUBIC)
    opacity_SS1 = _OPAQUEST * np.asarray(evidence, np.float32)[:, :, None] / 255
    grey_SS1 = np.asarray(photo.convert("L"), np.float32)[:, :, None]
    tinted_SSC: NDArray[np.uint8] = (grey_SS1 * (1 - opacity_SS1) + np.array(_TINT) * opacity_SS1).astype(np.uint8)
    return tinted_SSC


def _pictured(examples: Sequence[Example]) -> list[tuple[Example, str]]:
    return [(example, thumbnail(example.pixels_SSC)) for example in examples]


def most_confused(confusion_CC: NDArray[np.int64], labels: Sequence[str]) -> list[tuple[str, str, int, float]]:
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
