from __future__ import annotations

import numpy as np
import pytest

from snapshelf.metrics.verdicts import NEVER, verdict_thresholds


def answers(confidence_N: np.ndarray, right_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of two classes whose larger one is as sure and as right as wanted."""
    return np.where(right_N, 0, 1), np.stack([confidence_N, 1 - confidence_N], 1)


def calibrated(num: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    confidence_N = random.uniform(0.5, 1.0, num)
    return confidence_N, random.random(num) < confidence_N


def test_both_words_keep_their_promise_and_no_more() -> None:
    confidence_N, right_N = calibrated(20_000)
    sure, likely = verdict_thresholds(*answers(confidence_N, right_N), 0.95, 0.8)
    assert sure == pytest.approx(0.9, abs=0.02)  # the mean from 0.9 to 1 is 0.95
    assert likely == pytest.approx(0.7, abs=0.03)
    assert right_N[confidence_N >= sure].mean() == pytest.approx(0.95, abs=0.002)
    between = (confidence_N < sure) & (confidence_N >= likely)
    assert right_N[between].mean() == pytest.approx(0.8, abs=0.002)


def test_the_promise_holds_on_other_photos() -> None:
    sure, _ = verdict_thresholds(*answers(*calibrated(2000)), 0.95, 0.8)
    confidence_N, right_N = calibrated(20_000, seed=1)
    assert right_N[confidence_N >= sure].mean() > 0.93


def test_nothing_is_promised_that_was_not_seen() -> None:
    confidence_N, right_N = calibrated(500)
    assert verdict_thresholds(*answers(confidence_N, np.zeros_like(right_N)), 0.9, 0.6) == (NEVER, NEVER)
    few = verdict_thresholds(*answers(np.array([0.99, 0.98]), np.array([True, True])), 0.9, 0.6)
    assert few == (NEVER, 0.98)


def test_a_model_that_is_always_right_is_sure_of_all() -> None:
    confidence_N, right_N = calibrated(500)
    sure, likely = verdict_thresholds(*answers(confidence_N, np.ones_like(right_N)), 0.95, 0.8)
    assert sure == likely == confidence_N.min()


def test_equal_probabilities_are_not_told_apart() -> None:
    sure, _ = verdict_thresholds(*answers(np.full(100, 0.8), np.arange(100) < 95), 0.9, 0.5)
    assert sure == 0.8
    sure, _ = verdict_thresholds(*answers(np.full(100, 0.8), np.arange(100) < 80), 0.9, 0.5)
    assert sure == NEVER
