"""How well classes are told apart.

Shapes: N photos, C classes, B bins of confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from snapshelf.metrics.calibration import NUM_BINS, confidence_bin, expected_calibration_error


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Of one class: what share of the photos taken for it show it, what share of its photos is found, both in one.

    All from 0 to 1. Where a class was never predicted its precision is 0, where it has no photo its recall is.
    """

    precision: float
    recall: float
    f1: float
    num_photos: int


@dataclass(frozen=True, slots=True)
class ClassificationScores:
    """Scores of N photos, all from 0 to 1.

    `macro_f1` is the mean of F1 over the classes that have photos or were predicted, `weighted_f1` the mean weighted
    by photos; both as scikit-learn defines them. `top5_accuracy` is the share of photos whose class is among the five
    most probable. `ece` is the expected calibration error, lower is better. `confusion_CC` counts photos: rows are the
    true classes, columns the predicted ones, both in the order of `per_class`.
    """

    accuracy: float
    macro_f1: float
    weighted_f1: float
    top5_accuracy: float
    ece: float
    num_photos: int
    num_classes: int
    per_class: dict[str, ClassScores]
    confusion_CC: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """Photos whose largest probability lies in a range: how sure the model was, and how often it was right."""

    num_photos: int
    confidence: float
    accuracy: float


def classification_scores(
    labels_N: NDArray[np.integer], probabilities_NC: NDArray[np.floating], label_names: Sequence[str]
) -> ClassificationScores:
    """Score predictions; the prediction is the most probable class. Labels are indices into `label_names`.

    Raises:
        ValueError: there are no photos, or the shapes do not fit.
    """
    num_photos, num_classes = probabilities_NC.shape
    if num_photos == 0 or len(labels_N) != num_photos or len(label_names) != num_classes:
        raise ValueError(
            f"{len(labels_N)} labels and {len(label_names)} names do not fit probabilities {probabilities_NC.shape}."
        )
    predicted_N = probabilities_NC.argmax(axis=1)
    classes = range(num_classes)
    columns = precision_recall_fscore_support(labels_N, predicted_N, labels=classes, zero_division=0.0)
    per_class = {
        name: ClassScores(float(precision), float(recall), float(f1), int(support))
        for name, precision, recall, f1, support in zip(label_names, *columns, strict=True)
    }
    return ClassificationScores(
        accuracy=float((predicted_N == labels_N).mean()),
        macro_f1=float(f1_score(labels_N, predicted_N, average="macro", zero_division=0.0)),
        weighted_f1=float(f1_score(labels_N, predicted_N, average="weighted", zero_division=0.0)),
        top5_accuracy=_top_accuracy(labels_N, probabilities_NC, 5),
        ece=expected_calibration_error(probabilities_NC, labels_N),
        num_photos=num_photos,
        num_classes=num_classes,
        per_class=per_class,
        confusion_CC=confusion_matrix(labels_N, predicted_N, labels=classes),
    )


def summed_by_group(
    labels_N: NDArray[np.integer], probabilities_NC: NDArray[np.floating], group_of_class: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.float64], list[str]]:
    """Labels and probabilities of groups of classes, (N,) and (N, G): a group is as probable as its classes together.

    Returns the groups' names too, sorted.
    """
    names = sorted(set(group_of_class))
    group_C = np.array([names.index(name) for name in group_of_class], np.int64)
    membership_CG = np.eye(len(names))[group_C]
    return group_C[labels_N], np.minimum(probabilities_NC @ membership_CG, 1.0), names


def confidence_bins(
    labels_N: NDArray[np.integer], probabilities_NC: NDArray[np.floating], num_bins: int = NUM_BINS
) -> list[ConfidenceBin]:
    """The bins of a reliability diagram, those that hold photos, least sure first; equal widths, as in `ece`."""
    confidence_N = probabilities_NC.max(axis=1)
    correct_N = probabilities_NC.argmax(axis=1) == labels_N
    bin_N = confidence_bin(confidence_N, num_bins)
    return [
        ConfidenceBin(int(here_N.sum()), float(confidence_N[here_N].mean()), float(correct_N[here_N].mean()))
        for here_N in (bin_N == number for number in np.unique(bin_N))
    ]


def _top_accuracy(labels_N: NDArray[np.integer], probabilities_NC: NDArray[np.floating], top_k: int) -> float:
    top_k = min(top_k, probabilities_NC.shape[1])
    best_NK = np.argpartition(-probabilities_NC, top_k - 1, axis=1)[:, :top_k]
    return float((best_NK == labels_N[:, None]).any(axis=1).mean())
