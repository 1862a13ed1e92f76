"""What a model's card says that was measured: scores, temperature, verdicts and looks, all on validation photos.

Shapes: N photos, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from snapshelf.artifacts.cards import Looks, Verdicts
from snapshelf.config import VerdictConfig
from snapshelf.data.dataset import Dataset
from snapshelf.metrics.calibration import fit_temperature, softmax
from snapshelf.metrics.classification import classification_scores
from snapshelf.metrics.similarity import typical_similarities
from snapshelf.metrics.verdicts import verdict_thresholds
from snapshelf.training.export import Readout
from snapshelf.training.familiarity import Familiarity, spread
from snapshelf.training.inference import Seen
from snapshelf.training.loop import Photos
from snapshelf.training.projection import Projection
from snapshelf.training.recipes import Recipe, Trained
from snapshelf.types import Encoding

_UNKNOWN_PERCENT, _UNSURE_PERCENT = 2, 10
"""Of rightly classified photos, how many are less familiar than what is called unknown, and than what may be called
more than unsure: what staff and customers put up with, so that photos of other things are seldom called sure (decision
15)."""

_NUM_COMPARED = 1000
"""Photos that are compared with one another, to learn what near and far mean."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the validation photos tell of a trained network."""

    temperature: float
    """By which logits are divided, so that probabilities are calibrated."""
    familiarity: Familiarity
    projection: Projection | None

    @property
    def readout(self) -> Readout:
        """What the model makes of the network's answers."""
        return Readout(self.familiarity, self.projection)

    def embeddings(self, seen: Seen) -> NDArray[np.float32]:
        """The embeddings as the model gives them."""
        if self.projection is None:
            return seen.embedding_ND
        projected_NP: NDArray[np.float32] = self.projection(torch.from_numpy(seen.embedding_ND)).numpy()
        return projected_NP

    def encoding(self, seen: Seen) -> Encoding:
        """What the model says of photos that the network has seen."""
        return Encoding(seen.logits_NC, self.embeddings(seen), self.familiarity.of(seen))


def measured(trained: Trained, labels_N: NDArray[np.int64]) -> Measured:
    """Calibrate a network; `labels_N` are those of the validation photos."""
    temperature = fit_temperature(trained.validation.logits_NC, labels_N)
    familiarity = Familiarity(trained.class_means_CD, temperature, trained.validation)
    return Measured(temperature, familiarity, trained.projection)


def details_of(
    dataset: Dataset, photos: Photos, recipe: Recipe, trained: Trained, measured: Measured, promised: VerdictConfig
) -> dict[str, Any]:
    """Fields of `ModelCard`: what was learnt from, and what is known from the validation photos."""
    seen, labels_N = trained.validation, photos.labels_N[photos.validation_rows]
    probabilities_NC = softmax(seen.logits_NC, measured.temperature)
    scores = classification_scores(labels_N, probabilities_NC, dataset.labels)
    return {
        "recipe": recipe.name,
        "dataset_id": dataset.id,
        "labels": dataset.labels,
        "preprocess": dataset.card.preprocess,
        "temperature": measured.temperature,
        "verdicts": _verdicts(promised, labels_N, probabilities_NC, measured.familiarity.of(seen)),
        "looks": _looks(measured.embeddings(seen), labels_N),
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
    familiarity_N: NDArray[np.float32],
) -> Verdicts:
    right_N = probabilities_NC.argmax(axis=1) == labels_N
    unknown_below = _percentile(familiarity_N[right_N], _UNKNOWN_PERCENT)
    unsure_below = _percentile(familiarity_N[right_N], _UNSURE_PERCENT)
    familiar_N = familiarity_N >= (-np.inf if unsure_below is None else unsure_below)
    confident, likely = verdict_thresholds(
        labels_N[familiar_N], probabilities_NC[familiar_N], promised.confident, promised.likely
    )
    return Verdicts(
        confident=confident,
        likely=likely,
        promised={"confident": promised.confident, "likely": promised.likely},
        unknown_below=unknown_below,
        unsure_below=unsure_below,
    )


def _percentile(familiarity_K: NDArray[np.float32], percent: float) -> float | None:
    return float(np.percentile(familiarity_K, percent)) if len(familiarity_K) else None


def _looks(embedding_ND: NDArray[np.float32], labels_N: NDArray[np.int64]) -> Looks:
    """What near and far mean for this model."""
    some = spread(np.arange(len(labels_N)), _NUM_COMPARED)
    typical = typical_similarities(embedding_ND[some], labels_N[some])
    if typical is None:
        return Looks()
    halfway = (typical.same + typical.other) / 2
    return Looks(very_similar=typical.nearest, similar=typical.same, somewhat_similar=halfway)
