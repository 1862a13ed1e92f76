"""What a model's card says that was measured: scores, temperature, verdicts and looks, all on validation photos.

Shapes: N photos, C classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapshelf.artifacts.cards import Looks, Verdicts
from snapshelf.config import VerdictConfig
from snapshelf.data.dataset import Dataset
from snapshelf.metrics.calibration import fit_temperature, softmax
from snapshelf.metrics.classification import classification_scores
from snapshelf.metrics.similarity import typical_similarities
from snapshelf.metrics.verdicts import verdict_thresholds
from snapshelf.training.backbones import Backbone
from snapshelf.training.inference import embed
from snapshelf.training.loop import Photos
from snapshelf.training.recipes import Recipe, Trained

_NUM_COMPARED = 1000
"""Photos that are compared with one another, to learn what near and far mean."""


def details_of(
    dataset: Dataset, photos: Photos, recipe: Recipe, trained: Trained, promised: VerdictConfig
) -> dict[str, Any]:
    """Fields of `ModelCard`: what was learnt from, and what is known from the validation photos."""
    logits_NC, labels_N = trained.validation_logits_NC, photos.labels_N[photos.validation_rows]
    temperature = fit_temperature(logits_NC, labels_N)
    probabilities_NC = softmax(logits_NC, temperature)
    scores = classification_scores(labels_N, probabilities_NC, dataset.labels)
    return {
        "recipe": recipe.name,
        "dataset_id": dataset.id,
        "labels": dataset.labels,
        "preprocess": dataset.card.preprocess,
        "temperature": temperature,
        "verdicts": _verdicts(promised, labels_N, probabilities_NC, _lowest_known(logits_NC, labels_N)),
        "validation": {
            "accuracy": scores.accuracy, "macro_f1": scores.macro_f1, "ece": scores.ece,
            "num_photos": scores.num_photos,
        },
        "training": {"seconds": round(trained.seconds, 1), "num_photos": len(photos.train_rows), **trained.counted},
    }  # fmt: skip


def _verdicts(
    promised: VerdictConfig,
    labels_N: NDArray[np.int64],
    probabilities_NC: NDArray[np.float64],
    unknown_below_logit: float | None,
) -> Verdicts:
    confident, likely = verdict_thresholds(labels_N, probabilities_NC, promised.confident, promised.likely)
    return Verdicts(
        confident=confident,
        likely=likely,
        promised={"confident": promised.confident, "likely": promised.likely},
        unknown_below_logit=unknown_below_logit,
    )


def _lowest_known(logits_NC: NDArray[np.float32], labels_N: NDArray[np.int64]) -> float | None:
    """Below which largest logit a photo is taken to show nothing known: only 1 in 100 rightly classified ones is."""
    right_NC = logits_NC[logits_NC.argmax(axis=1) == labels_N]
    return float(np.percentile(right_NC.max(axis=1), 1)) if len(right_NC) else None


def measured_looks(backbone: Backbone, photos: Photos) -> Looks:
    """What near and far mean for this model, measured on validation photos."""
    rows = spread(photos.validation_rows, _NUM_COMPARED)
    typical = typical_similarities(embed(backbone, photos.photos_NSSC, rows), photos.labels_N[rows])
    if typical is None:
        return Looks()
    return Looks(very_similar=typical.nearest, similar=typical.same, somewhat_similar=typical.other)


def spread(rows: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """So many of the rows, from the first to the last; all where there are not as many."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, number).astype(np.int64))]
