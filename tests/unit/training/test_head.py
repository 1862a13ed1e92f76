from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from snapshelf.training import head
from snapshelf.training.head import Labelled, fit_head, fit_linear


def clouds(num: int, seed: int) -> Labelled:
    random = np.random.default_rng(seed)
    labels_N = np.arange(num) % 3
    centres = np.array([[0, 0, 5, 1], [40, 0, 5, 1], [0, 40, 5, 1]])
    return Labelled((centres[labels_N] + random.normal(0, 25, (num, 4))).astype(np.float32), labels_N)


def test_the_optimum_is_the_one_that_scikit_learn_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "STRENGTHS", (0.05,))
    train = clouds(150, 0)
    found = fit_head(train, clouds(60, 1), 3)
    mean, std = train.features_ND.mean(0), train.features_ND.std(0, ddof=1)
    peer = LogisticRegression(C=1 / (0.05 * 150), tol=1e-8, max_iter=1000)
    peer.fit((train.features_ND - mean) / std, train.labels_N)
    mine_NC = torch.from_numpy(train.features_ND) @ found.weight_CD.T + found.bias_C
    theirs_NC = peer.predict_proba((train.features_ND - mean) / std)
    np.testing.assert_allclose(mine_NC.softmax(1).numpy(), theirs_NC, atol=2e-3)


def test_the_strength_that_validation_likes_best_is_chosen() -> None:
    """Many useless features and few photos: hardly any regularisation must lose."""
    random = np.random.default_rng(0)

    def noisy(num: int, seed: int) -> Labelled:
        some = clouds(num, seed)
        useless_ND = random.normal(0, 1, (num, 200)).astype(np.float32)
        return Labelled(np.concatenate([some.features_ND, useless_ND], 1), some.labels_N)

    assert fit_head(noisy(45, 0), noisy(300, 1), 3).strength >= 0.1


def test_a_feature_that_never_changes_does_no_harm() -> None:
    train = clouds(60, 0)
    train.features_ND[:, 3] = 7.0
    found = fit_head(train, clouds(30, 1), 3)
    assert bool(found.weight_CD.isfinite().all())


def test_one_strength_gives_what_fit_head_finds_at_that_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    train, validation = clouds(150, 0), clouds(60, 1)
    for strength in (0.3, 0.01):
        monkeypatch.setattr(head, "STRENGTHS", (strength,))
        found, alone = fit_head(train, validation, 3), fit_linear(train, 3, strength)
        assert found.strength == alone.strength == strength
        torch.testing.assert_close(alone.weight_CD, found.weight_CD)
        torch.testing.assert_close(alone.bias_C, found.bias_C)


def test_one_strength_gives_the_optimum_that_a_path_of_strengths_ends_in() -> None:
    """The loss has one minimum: where the search begins may not matter."""
    train, alone = clouds(150, 0), fit_linear(clouds(150, 0), 3, 0.01)
    *_, last = head._path(train, 3, (0.3, 0.1, 0.03, 0.01))
    features_ND = torch.from_numpy(train.features_ND)
    alone_NC, last_NC = (features_ND @ each.weight_CD.T + each.bias_C for each in (alone, last))
    torch.testing.assert_close(alone_NC.softmax(1), last_NC.softmax(1), atol=2e-3, rtol=0)


def test_a_classifier_of_one_strength_does_not_change_with_the_next_one() -> None:
    """They are found one from the other; each must keep its own numbers."""
    train = clouds(150, 0)
    heads = list(head._path(train, 3, (0.3, 0.001)))
    torch.testing.assert_close(heads[0].weight_CD, fit_linear(train, 3, 0.3).weight_CD)
    torch.testing.assert_close(heads[0].bias_C, fit_linear(train, 3, 0.3).bias_C)
