from __future__ import annotations

import numpy as np
import pytest

from snapshelf.metrics.rejection import rejection_scores, threshold_for


def test_kinds_that_lie_apart_are_told_apart() -> None:
    scores = rejection_scores(np.array([5.0, 6.0, 7.0]), np.array([1.0, 2.0]))
    assert (scores.auroc, scores.fpr_at_95_tpr, scores.num_known, scores.num_unknown) == (1.0, 0.0, 3, 2)


def test_kinds_that_are_alike_are_told_apart_by_luck_only() -> None:
    random = np.random.default_rng(0)
    scores = rejection_scores(random.normal(size=4000), random.normal(size=4000))
    assert scores.auroc == pytest.approx(0.5, abs=0.02)
    assert scores.fpr_at_95_tpr == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("share", "threshold"), [(1.0, 0.0), (0.95, 5.0), (0.5, 50.0)])
def test_the_threshold_is_the_highest_that_enough_of_the_known_reach(share: float, threshold: float) -> None:
    known_K = np.random.default_rng(0).permutation(100).astype(float)
    assert threshold_for(known_K, share) == threshold
    assert (known_K >= threshold).mean() >= share
