from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snapshelf.training.schedule import Schedule

SCHEDULE = Schedule(epochs=4, batch_size=16, learning_rate=5e-3)


def test_one_cycle_rises_for_a_quarter_and_falls_to_almost_nothing() -> None:
    rates = np.array([SCHEDULE.learning_rate_at(step / 100) for step in range(100)])
    assert rates.argmax() == 25
    assert rates.max() == pytest.approx(5e-3)
    assert rates[0] == pytest.approx(5e-4)
    assert rates[-1] < 1e-4
    assert replace(SCHEDULE, one_cycle=False).learning_rate_at(0.03) == 5e-3


def test_sizes_rise_in_steps_of_32_pixels_up_to_the_photos_own() -> None:
    rising = replace(SCHEDULE, sizes=(0.55, 1.0))
    assert [rising.size_px(288, progress) for progress in (0.0, 0.5, 0.9, 1.0)] == [160, 224, 288, 288]
    assert SCHEDULE.size_px(288, 0.0) == 288
    assert replace(SCHEDULE, sizes=(0.1, 0.1)).size_px(28, 0.0) == 28


@pytest.mark.parametrize(("num_photos", "size"), [(5, 8), (128, 8), (600, 37), (2048, 128), (55_000, 128)])
def test_few_photos_are_learnt_from_in_small_batches(num_photos: int, size: int) -> None:
    assert Schedule(epochs=1, batch_size=128, learning_rate=1e-3).batch_size_for(num_photos) == size
