from __future__ import annotations

import numpy as np
import pytest

from snapshelf.metrics.calibration import error_by_luck, expected_calibration_error, fit_temperature, softmax


def test_softmax_adds_up_and_bears_large_logits() -> None:
    probabilities_NC = softmax(np.array([[1000.0, 1000.0, -1000.0], [0.0, np.log(3), -np.inf]]))
    np.testing.assert_allclose(probabilities_NC, [[0.5, 0.5, 0.0], [0.25, 0.75, 0.0]])


def test_a_temperature_divides_the_logits() -> None:
    logits_NC = np.array([[1.0, 3.0]])
    np.testing.assert_allclose(softmax(logits_NC, 2.0), softmax(logits_NC / 2.0))


def drawn(true_temperature: float, num: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from the probabilities that they have at a known temperature."""
    random = np.random.default_rng(0)
    logits_NC = random.normal(0, 3, (num, 5))
    probabilities_NC = softmax(logits_NC, true_temperature)
    labels_N = (probabilities_NC.cumsum(1) < random.random((num, 1))).sum(1)
    return logits_NC, labels_N


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    logits_NC, labels_N = drawn(temperature)
    found = fit_temperature(logits_NC, labels_N)
    assert found == pytest.approx(temperature, rel=0.05)

    def log_loss(candidate: float) -> float:
        return -float(np.log(softmax(logits_NC, candidate)[np.arange(len(labels_N)), labels_N]).mean())

    assert log_loss(found) < min(log_loss(found * 0.99), log_loss(found * 1.01))


def test_calibrating_brings_the_error_down() -> None:
    logits_NC, labels_N = drawn(3.0)
    before = expected_calibration_error(softmax(logits_NC), labels_N)
    after = expected_calibration_error(softmax(logits_NC, fit_temperature(logits_NC, labels_N)), labels_N)
    assert before > 0.2
    assert after < 0.02


def test_photos_that_are_all_right_give_the_lowest_temperature() -> None:
    assert fit_temperature(np.eye(4) * 5, np.arange(4)) == pytest.approx(0.05, rel=1e-4)


def test_calibration_error_by_hand() -> None:
    probabilities_NC = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    labels_N = np.array([0, 1, 1, 1])
    # sure at 0.9 and half of them right: 0.4 off; at 0.6 and all right: 0.4 off
    assert expected_calibration_error(probabilities_NC, labels_N, num_bins=10) == pytest.approx(0.4)


def test_the_error_of_perfect_calibration_is_luck_and_falls_with_the_number_of_photos() -> None:
    logits_NC, labels_N = drawn(1.0, 4_000)
    means = []
    for num in (100, 1_000, 4_000):
        probabilities_NC = softmax(logits_NC[:num])
        mean, most = error_by_luck(probabilities_NC)
        assert 0 < mean < most
        assert expected_calibration_error(probabilities_NC, labels_N[:num]) < 1.5 * most
        means.append(mean)
    assert means[0] > 2 * means[1] > 3 * means[2]


def test_answers_that_claim_certainty_have_no_luck() -> None:
    assert error_by_luck(np.array([[1.0, 0.0], [0.0, 1.0]])) == (0.0, 0.0)
