"""How well photos of the same thing are found by their embeddings.

Shapes: N photos, D numbers an embedding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOCK = 512


@dataclass(frozen=True, slots=True)
class RetrievalScores:
    """From 0 to 1; over the photos that have at least one other photo of the same thing."""

    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    """The share of photos with one of the same thing among the nearest 1, 5, 10 others."""
    map_at_r: float
    """Mean average precision at R (Musgrave, Belongie and Lim 2020), R being how many others show the same thing."""
    num_queries: int


def retrieval_scores(embedding_ND: NDArray[np.float32], things_N: NDArray[np.integer]) -> RetrievalScores | None:
    """Search for every photo among all others, by the cosine; None where no two photos show the same thing.

    Args:
        embedding_ND: L2-normalised.
        things_N: what each photo shows, such as its class or its product; -1 where that is not known: such a photo can
            be found, but is not searched for.
    """
    others_N = np.bincount(things_N + 1, minlength=1)[things_N + 1] - 1
    queries = np.flatnonzero((things_N >= 0) & (others_N > 0))
    if not len(queries):
        return None
    depth = min(len(things_N) - 1, max(10, int(others_N[queries].max())))
    first_hits, precisions = [], []
    for start in range(0, len(queries), _BLOCK):
        rows = queries[start : start + _BLOCK]
        hit_QK = things_N[_nearest(embedding_ND, rows, depth)] == things_N[rows][:, None]
        first_hits.append(np.where(hit_QK.any(axis=1), hit_QK.argmax(axis=1), depth))
        precisions.append(_average_precision(hit_QK, others_N[rows]))
    first_hit_N = np.concatenate(first_hits)
    return RetrievalScores(
        recall_at_1=float((first_hit_N < 1).mean()),
        recall_at_5=float((first_hit_N < 5).mean()),
        recall_at_10=float((first_hit_N < 10).mean()),
        map_at_r=float(np.concatenate(precisions).mean()),
        num_queries=len(queries),
    )


def _nearest(embedding_ND: NDArray[np.float32], rows: NDArray[np.int64], depth: int) -> NDArray[np.int64]:
    """For each of these photos the `depth` nearest others, nearest first; on a draw the one that comes first."""
    cosine_QN = embedding_ND[rows] @ embedding_ND.T
    cosine_QN[np.arange(len(rows)), rows] = -np.inf
    return np.argsort(-cosine_QN, axis=1, kind="stable")[:, :depth]


def _average_precision(hit_QK: NDArray[np.bool_], relevant_Q: NDArray[np.integer]) -> NDArray[np.float64]:
    """The mean, over the first R places, of the precision up to each place that is a hit."""
    place_K = np.arange(1, hit_QK.shape[1] + 1)
    within_QK = place_K[None] <= relevant_Q[:, None]
    precision_QK = np.cumsum(hit_QK, axis=1) / place_K
    averages: NDArray[np.float64] = (precision_QK * hit_QK * within_QK).sum(axis=1) / relevant_Q
    return averages
