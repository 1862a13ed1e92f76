"""How far a search that asks for variety looks beyond the nearest products; the same in every index."""

from __future__ import annotations


def num_candidates(limit: int) -> int:
    """From how many of the nearest products `limit` varied ones are chosen.

    Enough to have a choice, few enough that the last candidate still resembles the photo: four for each place, and
    50 at least.
    """
    return max(50, 4 * limit)
