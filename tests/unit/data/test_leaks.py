"""Leaks: what a model is judged by stays where it is, what it learns from gives way."""

from __future__ import annotations

import numpy as np
import pytest

from snapshelf.data.leaks import sheltered_in
from snapshelf.data.split import TEST, TRAIN, VALIDATION


@pytest.mark.parametrize(
    ("splits", "stays"),
    [
        ([TRAIN, TEST], TEST),
        ([TEST, TRAIN], TEST),
        ([TRAIN, VALIDATION], VALIDATION),
        ([VALIDATION, TEST], TEST),
        ([TRAIN, VALIDATION, TEST, TRAIN], TEST),
        ([TRAIN, TRAIN], TRAIN),
    ],
)
def test_a_group_stays_in_test_before_validation_before_training(splits: list[int], stays: int) -> None:
    found_N = sheltered_in(np.zeros(len(splits), np.int64), np.array(splits, np.int8))
    assert found_N.tolist() == [stays] * len(splits)


def test_each_group_has_its_own_shelter_and_single_photos_stay() -> None:
    group_N = np.array([0, 1, 0, 3, 1, 5])
    split_N = np.array([TRAIN, VALIDATION, TEST, TRAIN, TRAIN, VALIDATION], np.int8)
    stays_N = sheltered_in(group_N, split_N)
    assert stays_N.tolist() == [TEST, VALIDATION, TEST, TRAIN, VALIDATION, VALIDATION]
    assert np.flatnonzero(stays_N != split_N).tolist() == [0, 4], "these two leak"


def test_the_given_splits_are_left_as_they_were() -> None:
    split_N = np.array([TRAIN, TEST], np.int8)
    sheltered_in(np.zeros(2, np.int64), split_N)
    assert split_N.tolist() == [TRAIN, TEST]
