from __future__ import annotations

import numpy as np
import pytest

from snapshelf.metrics.bootstrap import score_intervals
from snapshelf.metrics.calibration import softmax
from snapshelf.metrics.classification import classification_scores


def guesses(num: int, num_classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels_N = random.integers(0, num_classes, num)
    logits_NC = random.normal(size=(num, num_classes))
    logits_NC[np.arange(num), labels_N] += 1.5
    return labels_N, softmax(logits_NC)


def test_every_score_lies_within_its_interval() -> None:
    labels_N, probabilities_NC = guesses(400, num_classes=8)
    names = [f"class {index}" for index in range(8)]
    scores, intervals = (
        classification_scores(labels_N, probabilities_NC, names),
        score_intervals(labels_N, probabilities_NC),
    )
    for name in ("accuracy", "macro_f1", "weighted_f1", "top5_accuracy"):
        low, high = getattr(intervals, name)
        assert low < getattr(scores, name) < high
    for index, each in enumerate(scores.per_class.values()):
        for name in ("precision", "recall", "f1"):
            interval = getattr(intervals, f"{name}_C")[index]
            assert interval is not None
            assert interval[0] < getattr(each, name) < interval[1]


def test_the_interval_of_accuracy_is_about_as_wide_as_the_binomial_distribution_says() -> None:
    labels_N, probabilities_NC = guesses(1000)
    share = float((probabilities_NC.argmax(1) == labels_N).mean())
    low, high = score_intervals(labels_N, probabilities_NC).accuracy
    assert high - low == pytest.approx(2 * 1.96 * (share * (1 - share) / 1000) ** 0.5, rel=0.1)


def test_four_times_the_photos_halve_the_interval() -> None:
    low, high = score_intervals(*guesses(250)).macro_f1
    low_of_more, high_of_more = score_intervals(*guesses(1000)).macro_f1
    assert (high - low) / (high_of_more - low_of_more) == pytest.approx(2.0, rel=0.3)


def test_the_same_seed_gives_the_same_interval() -> None:
    assert score_intervals(*guesses(50)) == score_intervals(*guesses(50))


def test_a_class_that_never_occurs_has_no_interval_of_f1() -> None:
    labels_N, probabilities_NC = guesses(60, num_classes=3)
    with_one_more = np.concatenate([probabilities_NC, np.zeros((60, 1))], axis=1)
    intervals = score_intervals(labels_N, with_one_more)
    assert intervals.f1_C[3] is None
    assert intervals.macro_f1 == score_intervals(labels_N, probabilities_NC).macro_f1
