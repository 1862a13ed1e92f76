"""How well photos of the same thing are found by their embeddings.

Shapes: N photos, Q queries, K places of a ranking, D numbers an embedding.
"""

from __future__ import annotations

from collections.abc import Callable
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

    def cosines(which: NDArray[np.int64]) -> NDArray[np.float32]:
        cosine_QN: NDArray[np.float32] = embedding_ND[queries[which]] @ embedding_ND.T
        cosine_QN[np.arange(len(which)), queries[which]] = -np.inf
        return cosine_QN

    return _scores(cosines, things_N[queries], others_N[queries], things_N, len(things_N) - 1)


def gallery_scores(
    query_QD: NDArray[np.float32],
    wanted_Q: NDArray[np.integer],
    gallery_ND: NDArray[np.float32],
    things_N: NDArray[np.integer],
) -> RetrievalScores | None:
    """Search for photos in a gallery that they are not part of; None where it has none of what they show.

    Args:
        query_QD: L2-normalised, as the gallery is.
        wanted_Q: what each of them shows.
        gallery_ND: where they are searched for.
        things_N: what each photo of the gallery shows.
    """
    relevant_Q = np.array([(things_N == wanted).sum() for wanted in wanted_Q], np.int64)
    there = np.flatnonzero(relevant_Q > 0)
    if not len(there):
        return None
    return _scores(
        lambda which: query_QD[there[which]] @ gallery_ND.T, wanted_Q[there], relevant_Q[there], things_N, len(things_N)
    )


def _scores(
    cosines: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    wanted_Q: NDArray[np.integer],
    relevant_Q: NDArray[np.integer],
    things_N: NDArray[np.integer],
    most: int,
) -> RetrievalScores:
    """Of queries whose similarities to all N photos `cosines` gives, some queries at a time."""
    depth = min(most, max(10, int(relevant_Q.max())))
    first_hits, precisions = [], []
    for start in range(0, len(wanted_Q), _BLOCK):
        which = np.arange(start, min(start + _BLOCK, len(wanted_Q)))
        # On a draw the one that comes first.
        nearest_QK = np.argsort(-cosines(which), axis=1, kind="stable")[:, :depth]
        hit_QK = things_N[nearest_QK] == wanted_Q[which][:, None]
        first_hits.append(np.where(hit_QK.any(axis=1), hit_QK.argmax(axis=1), depth))
        precisions.append(_average_precision(hit_QK, relevant_Q[which]))
    first_hit_Q = np.concatenate(first_hits)
    return RetrievalScores(
        recall_at_1=float((first_hit_Q < 1).mean()),
        recall_at_5=float((first_hit_Q < 5).mean()),
        recall_at_10=float((first_hit_Q < 10).mean()),
        map_at_r=float(np.concatenate(precisions).mean()),
        num_queries=len(wanted_Q),
    )


def _average_precision(hit_QK: NDArray[np.bool_], relevant_Q: NDArray[np.integer]) -> NDArray[np.float64]:
    """The mean, over the first R places, of the precision up to each place that is a hit."""
    place_K = np.arange(1, hit_QK.shape[1] + 1)
    within_QK = place_K[None] <= relevant_Q[:, None]
    precision_QK = np.cumsum(hit_QK, axis=1) / place_K
    averages: NDArray[np.float64] = (precision_QK * hit_QK * within_QK).sum(axis=1) / relevant_Q
    return averages
