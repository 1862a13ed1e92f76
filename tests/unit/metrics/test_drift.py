"""Two distances, and how much of each is luck."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chi2

from snapshelf.metrics.drift import (
    LEAST_DISTANCE,
    LEAST_PSI,
    ClassBins,
    Cloud,
    ValueBins,
    chi_squared,
    population_stability_index,
    psi_limit,
)

COUNTS = arrays(np.int64, 6, elements=st.integers(0, 1000))
VALUES = arrays(np.float32, st.integers(2, 120), elements=st.floats(-1e6, 1e6, width=32))


@given(COUNTS, COUNTS)
def test_the_index_is_never_negative_and_the_same_either_way(usual: np.ndarray, now: np.ndarray) -> None:
    index = population_stability_index(usual, now)
    assert np.isfinite(index)
    assert index >= -1e-12
    assert index == pytest.approx(population_stability_index(now, usual))
    assert population_stability_index(usual, usual) == 0


def test_the_index_by_hand() -> None:
    # Smoothed by half a photo: 0.75 and 0.25 against 0.25 and 0.75, each bin 0.5 × ln 3.
    usual, now = np.array([10, 3]), np.array([3, 10])
    assert population_stability_index(usual, now) == pytest.approx(2 * (10.5 - 3.5) / 14 * np.log(10.5 / 3.5))


@pytest.mark.parametrize("degrees", [2, 3, 9, 33.3, 200])
@pytest.mark.parametrize("probability", [0.5, 0.9, 0.99, 0.9999])
def test_chi_squared_is_scipys_but_for_a_few_parts_of_a_hundred(degrees: float, probability: float) -> None:
    assert chi_squared(probability, degrees) == pytest.approx(chi2.ppf(probability, degrees), rel=0.05)


@given(VALUES, VALUES)
def test_every_value_is_in_one_bin(usual: np.ndarray, now: np.ndarray) -> None:
    bins = ValueBins.of(usual)
    assert bins.counts(now).sum() == len(now)
    assert len(bins.counts(now)) == bins.num_bins >= 2
    assert (np.diff(bins.edges_E) > 0).all()


def test_usual_photos_spread_evenly_over_ten_bins() -> None:
    usual = np.random.default_rng(0).normal(size=1000)
    assert ValueBins.of(usual).counts(usual).tolist() == pytest.approx([100] * 10, abs=1)


@pytest.mark.parametrize("other", [0.2, 0.4])
def test_a_change_to_either_side_of_what_all_photos_share_is_seen(other: float) -> None:
    usual = np.full(200, 0.3, np.float32)
    bins = ValueBins.of(usual)
    index = population_stability_index(bins.counts(usual), bins.counts(np.full(100, other, np.float32)))
    assert index > 5 > psi_limit(bins.num_bins, 200, 100, 1e-4)


@given(arrays(np.int64, st.integers(50, 300), elements=st.integers(0, 11)))
def test_rare_classes_share_a_bin_until_it_has_enough(usual: np.ndarray) -> None:
    bins = ClassBins.of(usual, 12)
    counts = bins.counts(usual)
    assert counts.sum() == len(usual)
    assert counts.min() >= max(5, 0.02 * len(usual))
    assert set(bins.bin_C.tolist()) == set(range(bins.num_bins))


def test_classes_with_enough_photos_keep_a_bin_of_their_own() -> None:
    usual = np.repeat(np.arange(4), [100, 50, 3, 2])
    bins = ClassBins.of(usual, 5)
    assert len({int(bins.bin_C[0]), int(bins.bin_C[1]), int(bins.bin_C[2])}) == 3
    assert bins.bin_C[2] == bins.bin_C[3] == bins.bin_C[4]


@pytest.mark.parametrize(("num_usual", "num_now"), [(341, 50), (341, 200), (100, 100)])
def test_photos_that_are_as_usual_exceed_the_limit_as_seldom_as_it_says(num_usual: int, num_now: int) -> None:
    random, alarms, shares = np.random.default_rng(0), np.zeros(3), np.array([0.4, 0.2, 0.2, 0.1, 0.1])
    for _ in range(400):
        usual, now = random.normal(size=num_usual), random.normal(size=num_now)
        bins = ValueBins.of(usual)
        index = population_stability_index(bins.counts(usual), bins.counts(now))
        alarms[0] += index > psi_limit(bins.num_bins, num_usual, num_now, 0.02)
        usual_classes, classes_now = (random.choice(5, size, p=shares) for size in (num_usual, num_now))
        classes = ClassBins.of(usual_classes, 5)
        index = population_stability_index(classes.counts(usual_classes), classes.counts(classes_now))
        alarms[1] += index > psi_limit(classes.num_bins, num_usual, num_now, 0.02)
        cloud = Cloud.of(random.normal(size=(num_usual, 20)) * 0.9 ** np.arange(20))
        mean_D = (random.normal(size=(num_now, 20)) * 0.9 ** np.arange(20)).mean(axis=0)
        shift = cloud.shift(mean_D, num_now, 0.02)
        assert shift.limit >= LEAST_DISTANCE
        alarms[2] += shift.is_drift
    assert (alarms / 400 < 0.05).all()
    assert psi_limit(10, 10**6, 10**6, 0.02) == LEAST_PSI


def test_a_cloud_is_as_wide_as_its_points_are_on_average() -> None:
    points = np.random.default_rng(0).normal(size=(2000, 8))
    cloud = Cloud.of(points.astype(np.float32))
    assert cloud.spread == pytest.approx(points.var(axis=0, ddof=1).sum(), rel=1e-5)
    assert cloud.directions == pytest.approx(8, rel=0.02)
    line = Cloud.of(points[:, :1] * np.ones(8))
    assert line.directions == pytest.approx(1, rel=0.01)


@given(st.floats(0.5, 50))
def test_a_distance_is_in_units_of_the_spread(scale: float) -> None:
    points = np.random.default_rng(0).normal(size=(200, 5))
    moved = (points + 1).mean(axis=0)
    first = Cloud.of(points).shift(moved, 200, 0.001)
    scaled = Cloud.of(scale * points).shift(scale * moved, 200, 0.001)
    assert first.is_drift
    assert scaled.value == pytest.approx(first.value)
    assert scaled.limit == pytest.approx(first.limit)


def test_photos_that_are_all_the_same_make_no_noise() -> None:
    cloud = Cloud.of(np.ones((60, 4), np.float32))
    assert not cloud.shift(np.ones(4), 60, 0.001).is_drift
