"""Photos of now against a baseline: what is named, and in which words."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from snapshelf.drift.baseline import Baseline
from snapshelf.drift.findings import class_shares, findings
from snapshelf.drift.judgement import Usual
from snapshelf.drift.quantities import QUANTITIES, Quantity

LABELS = ["coat", "hat", "shoe"]


def photos(number: int, seed: int) -> NDArray[np.float32]:
    """Numbers of photos that are all of one kind."""
    random = np.random.default_rng(seed)
    values_MQ = random.normal(0.5, 0.1, (number, len(QUANTITIES))).astype(np.float32)
    values_MQ[:, QUANTITIES.index("class")] = random.integers(0, 3, number)
    values_MQ[:, QUANTITIES.index("size")] = 1.0
    return values_MQ


@pytest.fixture(scope="module")
def usual() -> Usual:
    embedding_ND = np.random.default_rng(5).normal(size=(300, 8)).astype(np.float32)
    return Usual(Baseline("", "", photos(300, 0), embedding_ND), LABELS, photos(300, 1)[:, 3])


def moved(usual: Usual, values_MQ: NDArray[np.float32]) -> list[str]:
    return [name for name, shift in usual.shifts(values_MQ).items() if shift.is_drift]


def test_photos_of_the_same_kind_are_as_usual(usual: Usual) -> None:
    now = photos(100, 2)
    assert moved(usual, now) == []
    assert set(usual.shifts(now)) == set(QUANTITIES)
    assert findings(usual, now, usual.shifts(now), None) == []


@pytest.mark.parametrize("name", [name for name in QUANTITIES if name not in ("class", "size")])
@pytest.mark.parametrize("by", [-0.3, 0.3])
def test_what_has_moved_is_named_and_which_way(usual: Usual, name: Quantity, by: float) -> None:
    now = photos(100, 2)
    now[:, QUANTITIES.index(name)] += by
    assert moved(usual, now) == [name]
    (finding,) = findings(usual, now, usual.shifts(now), None)
    assert finding.quantity == name
    assert f"→ {np.median(now[:, QUANTITIES.index(name)]):.2f}" in finding.what
    less = ("darker", "flatter", "softer", "narrower", "less", "smaller")
    assert any(word in finding.what for word in less) == (by < 0)


def test_other_classes_smaller_photos_and_another_look(usual: Usual) -> None:
    now = photos(200, 2)
    now[:, QUANTITIES.index("class")] = 2
    now[:, QUANTITIES.index("size")] = 0.4
    shifts = usual.shifts(now)
    embedding = usual.embedding_shift(np.full(8, 2.0), 200)
    assert embedding is not None
    assert [each.quantity for each in findings(usual, now, shifts, embedding)] == ["size", "class", "embedding"]
    label, was, is_now = class_shares(usual, now)[0]
    assert (label, is_now) == ("shoe", 1.0)
    assert was == pytest.approx(0.33, abs=0.1)


def test_a_little_less_enlargement_is_no_drift(usual: Usual) -> None:
    now = photos(200, 2)
    now[:, QUANTITIES.index("size")] = 0.9
    assert moved(usual, now) == []


def test_of_few_photos_nothing_is_said(usual: Usual) -> None:
    assert usual.shifts(photos(49, 2)) == {}
    assert usual.embedding_shift(np.zeros(8), 49) is None
    few = Usual(Baseline("", "", photos(49, 0), np.eye(49, 8, dtype=np.float32)), LABELS, None)
    assert few.shifts(photos(500, 2)) == {}
    assert few.embedding_shift(np.zeros(8), 500) is None


def test_what_is_not_known_is_left_out(usual: Usual) -> None:
    now = photos(100, 2)
    now[:60, QUANTITIES.index("similarity")] = np.nan
    assert "similarity" not in usual.shifts(now)
    now[:50, QUANTITIES.index("similarity")] = 0.5
    assert usual.shifts(now)["similarity"].num_photos == 90
    without = Usual(Baseline("", "", photos(300, 0) * np.nan, np.eye(300, 8, dtype=np.float32)), [], None)
    assert without.shifts(now) == {}
    assert class_shares(without, now[:0]) == []
