"""What near and far mean for a model: the cosines that are typical of its embeddings.

Shapes: N photos, D numbers an embedding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TypicalSimilarities:
    """Medians of cosines, -1 to 1, each at most the one before."""

    nearest: float
    """Of a photo to the nearest other photo of its category."""
    same: float
    """Of two photos of one category."""
    other: float
    """Of two photos of different categories."""


def typical_similarities(embedding_ND: NDArray[np.float32], labels_N: NDArray[np.int64]) -> TypicalSimilarities | None:
    """Compare every photo with every other; None where no two share a category or none differ.

    Args:
        embedding_ND: L2-normalised; N squared numbers are held at once, so a thousand photos are plenty.
        labels_N: the photos' categories.
    """
    cosine_NN = embedding_ND @ embedding_ND.T
    same_NN = labels_N[:, None] == labels_N[None, :]
    np.fill_diagonal(cosine_NN, -np.inf)
    twins_NN = same_NN & np.isfinite(cosine_NN)
    if not twins_NN.any() or same_NN.all():
        return None
    nearest_N = np.where(twins_NN, cosine_NN, -np.inf).max(axis=1)
    nearest = float(np.median(nearest_N[np.isfinite(nearest_N)]))
    same = min(nearest, float(np.median(cosine_NN[twins_NN])))
    return TypicalSimilarities(nearest, same, min(same, float(np.median(cosine_NN[~same_NN]))))
