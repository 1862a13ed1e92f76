"""Labels that were swapped are found; rare looks, small classes and clean data are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from snapshelf.training import label_suspects as module
from snapshelf.training.head import Labelled, LinearHead, fit_linear
from snapshelf.training.label_suspects import FEWEST, label_suspects, out_of_fold, tiny_features
from tests.drawn import drawn, squares

NUM_CLASSES = 4
CENTRES = 6.0 * np.eye(NUM_CLASSES, 8)


def clouds(label_N: NDArray[np.int64], spread: float = 1.0, seed: int = 0) -> NDArray[np.float32]:
    """A feature for each label, in clouds that can be told apart by a line."""
    random = np.random.default_rng(seed)
    return (CENTRES[label_N] + random.normal(0, spread, (len(label_N), CENTRES.shape[1]))).astype(np.float32)


TRUE_N = np.arange(400) % NUM_CLASSES
ALONE_N = np.arange(400)
"""Each photo a group of its own."""


def swapped(number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows that now stand under another class, and all labels."""
    random = np.random.default_rng(1)
    rows, label_N = random.choice(400, number, replace=False), TRUE_N.copy()
    label_N[rows] = (label_N[rows] + random.integers(1, NUM_CLASSES, number)) % NUM_CLASSES
    return rows, label_N


def test_swapped_labels_are_found_with_the_class_that_they_should_have() -> None:
    rows, label_N = swapped(40)
    found = label_suspects(clouds(TRUE_N), label_N, ALONE_N, NUM_CLASSES)
    assert {suspect.row for suspect in found} <= set(rows.tolist())
    assert len(found) >= 0.75 * len(rows)
    assert all(suspect.likely == TRUE_N[suspect.row] for suspect in found)
    assert all(0.5 < suspect.probability <= 1 for suspect in found)


def test_the_most_doubtful_come_first() -> None:
    features_ND, (_, label_N) = clouds(TRUE_N, spread=1.5), swapped(40)
    rows = [suspect.row for suspect in label_suspects(features_ND, label_N, ALONE_N, NUM_CLASSES)]
    assert len(rows) > 20
    given_M = out_of_fold(features_ND, label_N, ALONE_N, NUM_CLASSES)[rows, label_N[rows]]
    assert (np.diff(given_M) > 0).all()
    assert given_M[-1] > 5 * given_M[0]


def test_clean_labels_are_not_doubted() -> None:
    for seed in range(3):
        assert label_suspects(clouds(TRUE_N, seed=seed), TRUE_N, ALONE_N, NUM_CLASSES) == []


def copies_mislabelled_alike() -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Twenty copies of one photo that lies a little apart from its class, all under the same wrong label."""
    features_ND, label_N, group_N = clouds(TRUE_N), TRUE_N.copy(), ALONE_N.copy()
    group = np.arange(20)
    features_ND[group] = CENTRES[2] + 4.0 * np.eye(8)[6]
    label_N[group] = 3
    group_N[group] = 0
    return features_ND, label_N, group_N


def test_copies_under_one_wrong_label_do_not_speak_for_each_other() -> None:
    features_ND, label_N, group_N = copies_mislabelled_alike()
    found = label_suspects(features_ND, label_N, group_N, NUM_CLASSES)
    assert {suspect.row for suspect in found} == set(range(20))
    assert {suspect.likely for suspect in found} == {2}


def test_copies_that_are_no_group_would_speak_for_each_other() -> None:
    """What the test before this one is worth."""
    features_ND, label_N, _ = copies_mislabelled_alike()
    found = label_suspects(features_ND, label_N, ALONE_N, NUM_CLASSES)
    assert not {suspect.row for suspect in found} & set(range(20))


def test_no_photo_is_judged_by_a_classifier_that_saw_one_of_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    group_N = ALONE_N // 8 * 8
    number_ND = ALONE_N.astype(np.float32)[:, None].repeat(8, 1)  # so that a feature says whose it is
    folds: list[NDArray[np.int64]] = []

    def spy(train: Labelled, num_classes: int, strength: float) -> LinearHead:
        folds.append(train.features_ND[:, 0].astype(np.int64))
        return fit_linear(train, num_classes, strength)

    monkeypatch.setattr(module, "fit_linear", spy)
    out_of_fold(number_ND, TRUE_N, group_N, NUM_CLASSES)
    unseen = [np.setdiff1d(ALONE_N, seen) for seen in folds]
    assert len(folds) == module.FOLDS
    assert sorted(np.concatenate(unseen).tolist()) == ALONE_N.tolist()  # each photo is judged once
    assert all(not np.isin(group_N[rows], group_N[seen]).any() for rows, seen in zip(unseen, folds, strict=True))


def test_probabilities_are_of_all_classes_and_sum_to_one() -> None:
    probability_NC = out_of_fold(clouds(TRUE_N), TRUE_N, ALONE_N, NUM_CLASSES)
    assert probability_NC.shape == (400, NUM_CLASSES)
    np.testing.assert_allclose(probability_NC.sum(1), 1, rtol=1e-5)
    assert (probability_NC.argmax(1) == TRUE_N).mean() > 0.98


@pytest.mark.parametrize(("size", "is_doubted"), [(FEWEST - 1, False), (FEWEST, True)])
def test_of_classes_with_few_photos_nothing_is_said(size: int, is_doubted: bool) -> None:
    true_N = np.concatenate([np.arange(180) % 3, np.full(size, 3)])
    label_N = true_N.copy()
    label_N[0] = 3  # takes part in the small class's number
    label_N[-1] = 0  # is of a large class by its label
    found = label_suspects(clouds(true_N), label_N, np.arange(len(label_N)), NUM_CLASSES)
    assert (0 in {suspect.row for suspect in found}) is is_doubted


@pytest.mark.filterwarnings("error")
def test_one_class_alone_cannot_be_doubted() -> None:
    one_N = np.zeros(30, np.int64)
    assert label_suspects(clouds(one_N), one_N, np.arange(30), 1) == []


@pytest.mark.filterwarnings("error")
def test_one_large_class_among_small_ones() -> None:
    label_N = np.array([0] * 40 + [1] * 5 + [3] * 4)
    found = label_suspects(clouds(label_N), label_N, np.arange(len(label_N)), NUM_CLASSES)
    assert found == []


@pytest.mark.parametrize("number", [0, 1, 3])
def test_hardly_any_photos(number: int) -> None:
    label_N = np.arange(number) % 2
    assert label_suspects(clouds(label_N), label_N, np.arange(number), NUM_CLASSES) == []


def test_a_class_without_photos_changes_nothing() -> None:
    """Labels whose photos were all taken out keep their number."""
    label_N = np.array([0, 2, 3])[np.arange(150) % 3]
    features_ND = clouds(label_N)
    label_N[5] = 0
    found = label_suspects(features_ND, label_N, np.arange(150), NUM_CLASSES)
    assert [(suspect.row, suspect.likely) for suspect in found] == [(5, 3)]


def test_photos_keep_their_numbers_where_some_are_not_judged() -> None:
    true_N = np.concatenate([np.full(5, 3), np.arange(150) % 3])
    label_N = true_N.copy()
    rows = np.arange(6, 155, 10)
    label_N[rows] = (label_N[rows] + 1) % 3
    found = label_suspects(clouds(true_N), label_N, np.arange(155), NUM_CLASSES)
    assert len(found) >= 0.75 * len(rows)
    assert {(suspect.row, suspect.likely) for suspect in found} <= {(row, true_N[row]) for row in rows.tolist()}


def test_a_label_that_is_the_likeliest_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Confident learning may doubt a label and have no better one."""
    rows, label_N = swapped(4)
    monkeypatch.setattr(module, "find_label_issues", lambda *_, **__: ALONE_N)
    found = label_suspects(clouds(TRUE_N), label_N, ALONE_N, NUM_CLASSES)
    assert {suspect.row for suspect in found} == set(rows.tolist())


def test_one_group_of_all_photos_is_not_judged() -> None:
    assert label_suspects(clouds(TRUE_N), TRUE_N, np.zeros(400, np.int64), NUM_CLASSES) == []


@pytest.mark.parametrize(("size_px", "side_px"), [(28, 28), (32, 32), (48, 32)])
def test_tiny_photos_are_their_own_features(size_px: int, side_px: int) -> None:
    photos_NSSC = squares([drawn(number, 100) for number in range(5)], size_px)
    features_ND = tiny_features(photos_NSSC)
    assert features_ND.shape == (5, side_px * side_px)
    assert features_ND.dtype == np.float32
    assert 0 <= features_ND.min() < 0.3
    assert 0.7 < features_ND.max() <= 1
    luma_NSS = photos_NSSC @ np.array([0.299, 0.587, 0.114]) / 255
    np.testing.assert_allclose(features_ND.mean(1), luma_NSS.mean((1, 2)), atol=0.01)


def test_tiny_features_tell_where_it_is_bright() -> None:
    photo_SSC = np.zeros((28, 28, 3), np.uint8)
    photo_SSC[3, 20] = 255
    assert np.flatnonzero(tiny_features(photo_SSC[None])[0] == 1.0).tolist() == [3 * 28 + 20]


def test_many_tiny_photos_keep_their_order() -> None:
    photos_NSSC = np.broadcast_to(np.arange(1100).astype(np.uint8)[:, None, None, None], (1100, 8, 8, 3))
    np.testing.assert_allclose(tiny_features(photos_NSSC)[:, 0] * 255, photos_NSSC[:, 0, 0, 0], atol=1e-3)
