"""Photos that are likely under the wrong label, found by confident learning (Northcutt et al. 2021, the cleanlab
library) from what classifiers say that never saw them.

Shapes: N photos, D numbers a feature, C classes, S pixels a side.
"""

from __future__ import annotations

import numpy as np
import torch
from cleanlab.filter import find_label_issues
from numpy.typing import NDArray
from PIL import Image

from snapshelf.data.near_duplicates import PhotoRows
from snapshelf.data.quality import Suspect
from snapshelf.progress import progress
from snapshelf.training.head import Labelled, fit_linear

FOLDS = 5
STRENGTH = 0.1
"""The classifiers' regularisation."""

FEWEST = 10
"""Of classes with fewer photos nothing is said: there is not enough to tell a wrong label from a rare look."""


def label_suspects(
    features_ND: NDArray[np.float32], label_N: NDArray[np.int64], group_N: NDArray[np.int64], num_classes: int
) -> list[Suspect]:
    """The doubtful labels, the most doubtful first.

    Args:
        features_ND: of any kind that tells the classes apart linearly.
        label_N: the index of each photo's class.
        group_N: photos that belong together; one never judges another of its group.
        num_classes: C.
    """
    probability_NC = out_of_fold(features_ND, label_N, group_N, num_classes)
    counts_C = np.bincount(label_N, minlength=num_classes)
    judged = np.flatnonzero(counts_C[label_N] >= FEWEST)
    classes, labels = np.unique(label_N[judged], return_inverse=True)
    if len(classes) < 2:
        return []  # no other class that a photo could belong to
    found = find_label_issues(
        labels, _renormalised(probability_NC[judged][:, classes]), filter_by="both",
        return_indices_ranked_by="self_confidence", n_jobs=1,
    )  # fmt: skip
    rows = judged[found]
    likely = probability_NC[rows].argmax(axis=1)
    return [
        Suspect(row, guess, round(float(probability_NC[row, guess]), 4))
        for row, guess in zip(rows.tolist(), likely.tolist(), strict=True)
        if guess != label_N[row]
    ]


def out_of_fold(
    features_ND: NDArray[np.float32], label_N: NDArray[np.int64], group_N: NDArray[np.int64], num_classes: int
) -> NDArray[np.float32]:
    """For each photo the probabilities of the classes, by a classifier that was fitted without its group, (N, C)."""
    fold_N = np.random.default_rng(0).integers(0, FOLDS, len(label_N))[group_N]
    probability_NC = np.full((len(label_N), num_classes), 1 / num_classes, np.float32)
    with progress("Doubting labels", FOLDS, "folds") as step:
        for fold in range(FOLDS):
            seen, unseen = np.flatnonzero(fold_N != fold), np.flatnonzero(fold_N == fold)
            if len(seen) and len(unseen):
                head = fit_linear(Labelled(features_ND[seen], label_N[seen]), num_classes, STRENGTH)
                logits = torch.from_numpy(features_ND[unseen]) @ head.weight_CD.T + head.bias_C
                probability_NC[unseen] = logits.softmax(1).numpy()
            step(1)
    return probability_NC


def tiny_features(photos: PhotoRows, size_px: int = 32) -> NDArray[np.float32]:
    """Features of photos that are too small for a pretrained backbone: their brightness, pixel by pixel, 0 to 1."""
    num_photos, side_px = photos.shape[0], min(photos.shape[1], size_px)
    features_ND = np.empty((num_photos, side_px * side_px), np.float32)
    for start in range(0, num_photos, 1024):
        rows = np.arange(start, min(start + 1024, num_photos))
        for row, pixels_SSC in zip(rows.tolist(), photos[rows], strict=True):
            luma = Image.fromarray(pixels_SSC).convert("L").resize((side_px, side_px), Image.Resampling.BOX)
            features_ND[row] = np.asarray(luma, np.float32).ravel() / 255
    return features_ND


def _renormalised(probability_NC: NDArray[np.float32]) -> NDArray[np.float64]:
    exact_NC = probability_NC.astype(np.float64) + 1e-9
    return np.asarray(exact_NC / exact_NC.sum(axis=1, keepdims=True))
