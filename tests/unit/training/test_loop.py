from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from snapshelf.errors import TrainingDivergedError
from snapshelf.training import loop
from snapshelf.training.augment import Augment
from snapshelf.training.backbones import Backbone, load_backbone
from snapshelf.training.loop import Photos, Schedule, learning_rate, predict, train_network

SCHEDULE = Schedule(epochs=4, batch_size=16, learning_rate=5e-3, augment=Augment(flip=True, shift_px=1))


def backbone() -> Backbone:
    torch.manual_seed(0)
    return load_backbone("compact", 3, size_px=12)


def test_a_network_learns_what_there_is_to_learn(photos: Photos, tmp_path: Path) -> None:
    learner = backbone()
    history = train_network(learner, photos, SCHEDULE, seed=0, work=tmp_path)
    assert len(history) == 4
    assert history[-1]["loss"] < history[0]["loss"]
    logits_NC = predict(learner, photos, photos.validation_rows)
    right = float((logits_NC.argmax(1) == photos.labels_N[photos.validation_rows]).mean())
    assert right == max(epoch["accuracy"] for epoch in history) == 1.0


@pytest.mark.parametrize("optimizer", ["adamw", "adam"])
def test_a_killed_run_goes_on_and_ends_with_the_same_numbers(
    photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimizer: Literal["adamw", "adam"]
) -> None:
    schedule = replace(SCHEDULE, optimizer=optimizer)
    whole = backbone()
    wanted = train_network(whole, photos, schedule, seed=7, work=tmp_path / "whole")

    real_learn, steps = loop.TrainingRun._learn, []

    def killed_later(run: loop.TrainingRun, *arguments: Any) -> float:
        steps.append(1)
        if len(steps) > 2 * 4 + 1:  # four batches an epoch: in the midst of the third
            raise KeyboardInterrupt
        return real_learn(run, *arguments)

    monkeypatch.setattr(loop.TrainingRun, "_learn", killed_later)
    with pytest.raises(KeyboardInterrupt):
        train_network(backbone(), photos, schedule, seed=7, work=tmp_path / "killed")
    monkeypatch.setattr(loop.TrainingRun, "_learn", real_learn)

    resumed = backbone()
    found = train_network(resumed, photos, schedule, seed=7, work=tmp_path / "killed")
    assert [epoch["loss"] for epoch in found] == [epoch["loss"] for epoch in wanted]
    for mine, theirs in zip(resumed.network.state_dict().values(), whole.network.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


def test_another_seed_ends_elsewhere(photos: Photos, tmp_path: Path) -> None:
    losses = {
        train_network(backbone(), photos, replace(SCHEDULE, epochs=1), seed=seed, work=tmp_path / str(seed))[0]["loss"]
        for seed in (0, 1)
    }
    assert len(losses) == 2


def test_a_loss_that_is_no_number_is_named_with_its_epoch(photos: Photos, tmp_path: Path) -> None:
    learner = backbone()
    with torch.no_grad():
        next(learner.network.parameters())[0] = float("nan")
    with pytest.raises(TrainingDivergedError, match="The loss became nan in epoch 1"):
        train_network(learner, photos, SCHEDULE, seed=0, work=tmp_path)


def test_the_weights_kept_are_those_that_did_best(
    photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accuracies = iter([0.5, 0.9, 0.4])
    kept: list[torch.Tensor] = []

    def accuracy(run: loop.TrainingRun) -> float:
        kept.append(next(run.network.parameters()).detach().clone())
        return next(accuracies)

    monkeypatch.setattr(loop.TrainingRun, "_accuracy", accuracy)
    learner = backbone()
    train_network(learner, photos, replace(SCHEDULE, epochs=3), seed=0, work=tmp_path)
    final = next(learner.network.parameters())
    assert torch.equal(final, kept[1])
    assert not torch.equal(final, kept[2])


def test_one_cycle_rises_for_a_quarter_and_falls_to_almost_nothing() -> None:
    rates = np.array([learning_rate(SCHEDULE, step, 100) for step in range(100)])
    assert rates.argmax() == 25
    assert rates.max() == pytest.approx(5e-3)
    assert rates[0] == pytest.approx(5e-4)
    assert rates[-1] < 1e-4
    assert learning_rate(replace(SCHEDULE, one_cycle=False), 3, 100) == 5e-3
