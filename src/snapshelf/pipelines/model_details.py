"""What a model's card says that was measured: scores, temperature, verdicts and looks, all on validation photos.

Shapes: N photos, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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
from snapshelf.training.projection import Projection
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

    seen: Seen
    """What it says of them."""
    temperature: float
    """By which logits are divided, so that probabilities are calibrated."""
    familiarity: Familiarity
    projection: Projection | None

    @property
    def readout(self) -> Readout:
        """What the model makes of the network's answers."""
        return Readout(self.familiarity, self.projection)

    @property
    def embedding_ND(self) -> NDArray[np.float32]:
        """The embeddings of the validation photos as the model gives them."""
        if self.projection is None:
            return self.seen.embedding_ND
        projected_NP: NDArray[np.float32] = self.projection(torch.from_numpy(self.seen.embedding_ND)).numpy()
        return projected_NP

    @property
    def encoding(self) -> Encoding:
        """What the model says of the validation photos."""
        return Encoding(self.seen.logits_NC, self.embedding_ND, self.familiarity.of(self.seen))


def measured(
    seen: Seen, class_means_CD: Tensor, projection: Projection | None, labels_N: NDArray[np.int64]
) -> Measured:
    """Calibrate a network by what it says of the validation photos, whose labels these are."""
    temperature = fit_temperature(seen.logits_NC, labels_N)
    return Measured(seen, temperature, Familiarity(class_means_CD, temperature, seen), projection)


def details_of(
    dataset: Dataset, labels: list[str], measured: Measured, labels_N: NDArray[np.int64], promised: VerdictConfig
) -> dict[str, Any]:
    """Fields of `ModelCard`: what the validation photos of a data set tell of a model that knows these labels."""
    seen = measured.seen
    probabilities_NC = softmax(seen.logits_NC, measured.temperature)
    scores = classification_scores(labels_N, probabilities_NC, labels)
    embedding_ND = measured.embedding_ND
    return {
        "dataset_id": dataset.id,
        "labels": labels,
        "preprocess": dataset.card.preprocess,
        "embedding_dim": embedding_ND.shape[1],
        "temperature": measured.temperature,
        "verdicts": _verdicts(promised, labels_N, probabilities_NC, measured.familiarity.of(seen)),
        "looks": _looks(embedding_ND, labels_N),
        "validation": {
            "accuracy": scores.accuracy, "macro_f1": scores.macro_f1, "ece": scores.ece,
            "num_photos": scores.num_photos,
        },
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
