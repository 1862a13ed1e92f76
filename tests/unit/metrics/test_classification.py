"""Scores worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from snapshelf.metrics.classification import classification_scores, confidence_bins, summed_by_group

# Six photos; hat: two of three found, one taken for cap; cap: both found; shoe: its one photo taken for hat.
LABELS = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 1, 0])
PROBABILITIES = np.where(np.arange(3) == PREDICTED[:, None], 0.8, 0.1)
SCORES = classification_scores(LABELS, PROBABILITIES, ["hat", "cap", "shoe"])


def test_accuracy() -> None:
    assert SCORES.accuracy == pytest.approx(4 / 6)


def test_of_each_class() -> None:
    hat, cap, shoe = SCORES.per_class.values()
    assert (hat.precision, hat.recall, hat.f1, hat.num_photos) == pytest.approx((2 / 3, 2 / 3, 2 / 3, 3))
    assert (cap.precision, cap.recall, cap.f1, cap.num_photos) == pytest.approx((2 / 3, 1.0, 0.8, 2))
    assert (shoe.precision, shoe.recall, shoe.f1, shoe.num_photos) == (0, 0, 0, 1)


def test_f1_over_classes_and_over_photos() -> None:
    assert SCORES.macro_f1 == pytest.approx((2 / 3 + 0.8 + 0) / 3)
    assert SCORES.weighted_f1 == pytest.approx((3 * 2 / 3 + 2 * 0.8 + 0) / 6)


def test_confusion_has_the_true_classes_in_rows() -> None:
    assert SCORES.confusion_CC.tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_calibration_error() -> None:
    assert SCORES.ece == pytest.approx(0.8 - 4 / 6)


def test_with_fewer_than_five_classes_the_first_five_hold_every_class() -> None:
    assert SCORES.top5_accuracy == 1.0


def test_top5_with_more_classes() -> None:
    probabilities_NC = np.array([[0.30, 0.25, 0.20, 0.12, 0.08, 0.05]] * 2)
    scores = classification_scores(np.array([4, 5]), probabilities_NC, list("abcdef"))
    assert scores.top5_accuracy == 0.5
    assert scores.accuracy == 0.0


def test_a_class_without_photos_that_was_never_predicted_does_not_count_in_macro_f1() -> None:
    scores = classification_scores(np.array([0, 1]), np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]), ["a", "b", "absent"])
    assert scores.macro_f1 == 1.0
    assert scores.num_classes == 3
    assert scores.per_class["absent"].num_photos == 0
    assert scores.confusion_CC.shape == (3, 3)


def test_a_single_photo() -> None:
    scores = classification_scores(np.array([1]), np.array([[0.4, 0.6]]), ["a", "b"])
    assert (scores.accuracy, scores.macro_f1, scores.num_photos) == (1.0, 1.0, 1)
    assert scores.ece == pytest.approx(0.4)


def test_no_photos_and_shapes_that_do_not_fit_are_refused() -> None:
    for labels, probabilities, names in (
        (np.array([], int), np.zeros((0, 2)), ["a", "b"]),
        (np.array([0]), np.ones((2, 2)), ["a", "b"]),
        (np.array([0]), np.ones((1, 2)), ["a"]),
    ):
        with pytest.raises(ValueError, match="do not fit"):
            classification_scores(labels, probabilities, names)


def test_bins_hold_how_sure_and_how_often_right() -> None:
    probabilities_NC = np.array([[0.55, 0.45], [0.55, 0.45], [0.95, 0.05], [1.0, 0.0]])
    low, high = confidence_bins(np.array([0, 1, 0, 0]), probabilities_NC, num_bins=10)
    assert (low.num_photos, low.confidence, low.accuracy) == pytest.approx((2, 0.55, 0.5))
    assert (high.num_photos, high.confidence, high.accuracy) == pytest.approx((2, 0.975, 1.0))


def test_a_group_of_classes_is_as_probable_as_they_are_together() -> None:
    probabilities_NC = np.array([[0.4, 0.35, 0.25], [0.1, 0.2, 0.7]])
    labels_N, probabilities_NG, names = summed_by_group(np.array([1, 2]), probabilities_NC, ["pear", "apple", "apple"])
    assert names == ["apple", "pear"]
    assert labels_N.tolist() == [0, 0]
    np.testing.assert_allclose(probabilities_NG, [[0.6, 0.4], [0.9, 0.1]])
