"""Which products come, and in which order: by look, by words, by both; away from what is not liked.

Shapes: E examples, D numbers an embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from snapshelf.ports import VectorIndex
from snapshelf.recommend.options import SearchOptions
from snapshelf.types import Neighbour

POOL = 200
"""How deep either ranking is looked into where two are fused; more only where more products are asked for."""

RANK_OFFSET = 60
"""A product's rank r in either list counts 1 / (60 + r): reciprocal rank fusion, Cormack, Clarke and Büttcher, SIGIR
2009, who found 60."""

_CHOICE = 4
"""Where variety is asked for, products a place to choose from."""


def query_of(liked_ED: NDArray[np.float32], disliked_ED: NDArray[np.float32]) -> NDArray[np.float32]:
    """What to search for, (D,), of length 1: the mean of what is liked, moved away from the mean of what is not.

    As Qdrant's «average vector» strategy: mean liked + (mean liked - mean disliked).

    Args:
        liked_ED: at least one.
        disliked_ED: any number.
    """
    liked_D = liked_ED.mean(axis=0)
    query_D = liked_D if len(disliked_ED) == 0 else 2 * liked_D - disliked_ED.mean(axis=0)
    unit_D: NDArray[np.float32] = (query_D / max(float(np.linalg.norm(query_D)), 1e-12)).astype(np.float32)
    return unit_D


def ranked(index: VectorIndex, query_D: NDArray[np.float32], options: SearchOptions) -> list[Neighbour]:
    """The products for a query, best first; filters are obeyed, and fewer than asked for come only where fewer match.

    Where words are given, the ranking by look and the one by words are fused.
    """
    if options.text.strip():
        return _by_both(index, query_D, options)
    return index.search(query_D, limit=options.top_k, filters=options.filters, diversity=options.diversity)


def _by_both(index: VectorIndex, query_D: NDArray[np.float32], options: SearchOptions) -> list[Neighbour]:
    pool = max(POOL, _CHOICE * options.top_k)
    look = index.search(query_D, limit=pool, filters=options.filters)
    words = [match.product_id for match in index.search_words(options.text, limit=pool, filters=options.filters)]
    seen = {near.product.id for near in look}
    if unseen := frozenset(words) - seen:
        only_unseen = replace(options.filters, product_ids=unseen)
        look += index.search(query_D, limit=len(unseen), filters=only_unseen)
    best = _fused([near.product.id for near in look], words)
    if options.diversity > 0:
        candidates = replace(options.filters, product_ids=frozenset(best[: _CHOICE * options.top_k]))
        return index.search(query_D, limit=options.top_k, filters=candidates, diversity=options.diversity)
    near_by_id = {near.product.id: near for near in look}
    return [near_by_id[product_id] for product_id in best[: options.top_k] if product_id in near_by_id]


def _fused(*rankings: Sequence[str]) -> list[str]:
    """The ids of several rankings in one order; of equal ones the first ranking's better one comes first."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, product_id in enumerate(ranking, start=1):
            scores[product_id] = scores.get(product_id, 0.0) + 1.0 / (RANK_OFFSET + rank)
    return sorted(scores, key=lambda product_id: -scores[product_id])
