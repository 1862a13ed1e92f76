from __future__ import annotations

import numpy as np
import pytest

from snapshelf.metrics.comparison import mcnemar


def answers(text: str) -> np.ndarray:
    return np.array([letter == "+" for letter in text])


def test_only_photos_on_which_they_differ_count() -> None:
    found = mcnemar(answers("++++++++--+"), answers("--------++-"))
    assert (found.only_first, found.only_second) == (9, 2)
    # Two-sided: 2 · (C(11,0) + C(11,1) + C(11,2)) / 2^11
    assert found.p_value == pytest.approx(2 * 67 / 2048)


def test_models_that_answer_alike_do_not_differ() -> None:
    assert mcnemar(answers("+-+"), answers("+-+")).p_value == 1.0


def test_more_photos_make_the_same_share_surer() -> None:
    few, many = (mcnemar(answers("+++-" * times), answers("---+" * times)).p_value for times in (2, 20))
    assert many < 0.001 < few
