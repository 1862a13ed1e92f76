"""What near and far mean for a model."""

from __future__ import annotations

import numpy as np
import pytest

from snapshelf.metrics.similarity import typical_similarities


def at_degrees(*degrees: float) -> np.ndarray:
    """Unit vectors in the plane."""
    angle_N = np.radians(degrees)
    return np.stack([np.cos(angle_N), np.sin(angle_N)], axis=1).astype(np.float32)


def test_medians_of_nearest_same_and_other_pairs() -> None:
    typical = typical_similarities(at_degrees(0, 10, 30, 90, 100, 120), np.array([0, 0, 0, 1, 1, 1]))
    assert typical is not None
    assert typical.nearest == pytest.approx(np.cos(np.radians(10)), abs=1e-6)
    assert typical.same == pytest.approx(np.cos(np.radians(20)), abs=1e-6)
    assert typical.other == pytest.approx(np.cos(np.radians(90)), abs=1e-6)


def test_the_order_holds_where_categories_overlap() -> None:
    typical = typical_similarities(at_degrees(0, 170, 1, 171), np.array([0, 0, 1, 1]))
    assert typical is not None
    assert typical.nearest >= typical.same >= typical.other


def test_a_category_of_one_photo_has_no_nearest_of_its_own() -> None:
    typical = typical_similarities(at_degrees(0, 10, 90), np.array([0, 0, 1]))
    assert typical is not None
    assert typical.nearest == pytest.approx(np.cos(np.radians(10)), abs=1e-6)


@pytest.mark.parametrize("labels", [[0, 1, 2], [0, 0, 0]])
def test_without_pairs_of_both_kinds_nothing_is_said(labels: list[int]) -> None:
    assert typical_similarities(at_degrees(0, 10, 90), np.array(labels)) is None
