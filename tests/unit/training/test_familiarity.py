from __future__ import annotations

import numpy as np
import pytest
import torch

from snapshelf.training.familiarity import Familiarity, class_means, some_of_each_class, spread
from snapshelf.training.inference import Seen


def seen(logits: list[list[float]], embedding: list[list[float]]) -> Seen:
    return Seen(np.array(logits, np.float32), np.array(embedding, np.float32))


KNOWN = seen([[4, 0], [6, 0], [0, 5], [0, 7]], [[1, 0], [0.96, 0.28], [0, 1], [0.28, 0.96]])


def familiarity() -> Familiarity:
    return Familiarity(torch.eye(2), 1.0, KNOWN)


def test_usual_photos_of_known_things_are_at_zero() -> None:
    familiarity_N = familiarity().of(KNOWN)
    assert float(familiarity_N.mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(familiarity_N.max()) < 3


def test_both_what_the_logits_and_what_the_embedding_say_count() -> None:
    usual, unsure, far, both = familiarity().of(
        seen([[5, 0], [1, 1], [5, 0], [1, 1]], [[0.98, 0.2], [0.98, 0.2], [-0.7, -0.7], [-0.7, -0.7]])
    )
    assert usual > unsure > both
    assert usual > far > both


def test_the_number_is_log_odds_and_cosine_in_standard_deviations() -> None:
    made = Familiarity(torch.eye(2), 2.0, KNOWN)
    probability_N = np.exp(KNOWN.logits_NC / 2).max(1) / np.exp(KNOWN.logits_NC / 2).sum(1)
    log_odds_N = np.log(probability_N / (1 - probability_N))
    cosine_N = KNOWN.embedding_ND.max(1)
    log_odds_N, cosine_N = ((part_N - part_N.mean()) / part_N.std() for part_N in (log_odds_N, cosine_N))
    wanted_N = log_odds_N + 1.5 * cosine_N
    np.testing.assert_allclose(made.of(KNOWN), wanted_N, atol=1e-5)


def test_certainty_has_an_end_and_draws_are_no_certainty() -> None:
    made = familiarity()
    certain, more_certain, drawn = made.of(seen([[50, 0], [99, 0], [9, 9]], [[1, 0]] * 3))
    assert certain == more_certain > drawn
    one_class = Familiarity(torch.eye(1), 1.0, seen([[1], [2]], [[1], [1]]))
    assert np.isfinite(one_class.of(seen([[5]], [[1]]))).all()


def test_photos_that_are_all_alike_give_numbers_still() -> None:
    alike = seen([[3, 0]] * 3, [[1, 0]] * 3)
    assert np.isfinite(Familiarity(torch.eye(2), 1.0, alike).of(alike)).all()


def test_the_mean_of_a_class_has_length_one_and_without_photos_it_is_nothing() -> None:
    means_CD = class_means(np.array([[1, 0], [0, 1], [0, 1]], np.float32), np.array([0, 0, 2]), 4)
    np.testing.assert_allclose(means_CD.numpy(), [[0.5**0.5, 0.5**0.5], [0, 0], [0, 1], [0, 0]], atol=1e-6)


def test_some_photos_of_each_class_are_enough() -> None:
    labels_N = np.array([0] * 50 + [1] * 3 + [2] * 20)
    rows = np.arange(2, 73)
    chosen = some_of_each_class(rows, labels_N, most=15)
    assert np.bincount(labels_N[chosen]).tolist() == [5, 3, 5]
    assert set(chosen.tolist()) <= set(rows.tolist())
    assert len(some_of_each_class(rows, labels_N, most=1)) == 3


def test_spread_takes_the_first_and_the_last() -> None:
    assert spread(np.arange(10, 20), 4).tolist() == [10, 13, 16, 19]
    assert spread(np.arange(3), 9).tolist() == [0, 1, 2]
