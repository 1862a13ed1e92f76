from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from snapshelf.errors import TrainingDivergedError
from snapshelf.training import loop
from snapshelf.training.augment import Augment
from snapshelf.training.backbones import Backbone, load_backbone
from snapshelf.training.inference import predict
from snapshelf.training.loop import Photos, train_network
from snapshelf.training.schedule import Schedule

SCHEDULE = Schedule(epochs=4, batch_size=16, learning_rate=5e-3, augment=Augment(flip=True, shift_px=1))


def backbone() -> Backbone:
    torch.manual_seed(0)
    return load_backbone("compact", 3, size_px=12)


def test_a_network_learns_what_there_is_to_learn(photos: Photos, tmp_path: Path) -> None:
    learner = backbone()
    history = train_network(learner, photos, SCHEDULE, seed=0, work=tmp_path)
    assert len(history) == 4
    assert history[-1]["loss"] < history[0]["loss"]
    logits_NC = predict(learner, photos.photos_NSSC, photos.validation_rows)
    right = float((logits_NC.argmax(1) == photos.labels_N[photos.validation_rows]).mean())
    assert right == max(epoch["accuracy"] for epoch in history) == 1.0


ALL_AT_ONCE = Augment(flip=True, min_area=0.5, trivial=True, erase=0.5, cutmix=0.5)


@pytest.mark.parametrize(
    "schedule",
    [
        SCHEDULE,
        replace(SCHEDULE, optimizer="adam"),
        replace(SCHEDULE, optimizer="muon"),
        replace(SCHEDULE, average_epochs=1.0, augment=ALL_AT_ONCE),
    ],
    ids=["adamw", "adam", "muon", "averaged"],
)
def test_a_killed_run_goes_on_and_ends_with_the_same_numbers(
    photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schedule: Schedule
) -> None:
    whole = backbone()
    wanted = train_network(whole, photos, schedule, seed=7, work=tmp_path / "whole")

    real_learn, steps = loop.TrainingRun.learn, []

    def killed_later(run: loop.TrainingRun, *arguments: Any) -> float:
        steps.append(1)
        if len(steps) > 2 * 8 + 1:  # eight batches an epoch: in the midst of the third
            raise KeyboardInterrupt
        return real_learn(run, *arguments)

    monkeypatch.setattr(loop.TrainingRun, "learn", killed_later)
    with pytest.raises(KeyboardInterrupt):
        train_network(backbone(), photos, schedule, seed=7, work=tmp_path / "killed")
    monkeypatch.setattr(loop.TrainingRun, "learn", real_learn)

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

    def validate(run: loop.TrainingRun) -> tuple[float, float]:
        kept.append(next(run.network.parameters()).detach().clone())
        return 1.0, next(accuracies)

    monkeypatch.setattr(loop.TrainingRun, "_validate", validate)
    learner = backbone()
    train_network(learner, photos, replace(SCHEDULE, epochs=3), seed=0, work=tmp_path)
    final = next(learner.network.parameters())
    assert torch.equal(final, kept[1])
    assert not torch.equal(final, kept[2])


def test_an_average_of_the_weights_counts_where_one_is_wanted(photos: Photos, tmp_path: Path) -> None:
    learner = backbone()
    run = loop.TrainingRun(learner, photos, replace(SCHEDULE, average_epochs=0.5), seed=0)
    run.epoch(0, lambda *_: None)
    learnt, averaged = next(run.network.parameters()), next(run.judged.parameters())
    assert not torch.equal(learnt, averaged)
    assert torch.equal(run.best["body.0.weight"], averaged)


def test_a_run_stops_once_nothing_better_comes(photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accuracies = iter([0.5, 0.6, 0.6, 0.55, 0.9])
    monkeypatch.setattr(loop.TrainingRun, "_validate", lambda _: (1.0, next(accuracies)))
    history = train_network(backbone(), photos, replace(SCHEDULE, epochs=5, patience=2), seed=0, work=tmp_path)
    assert [epoch["accuracy"] for epoch in history] == [0.5, 0.6, 0.6, 0.55]


def test_frozen_norms_stay_as_they_came(photos: Photos, tmp_path: Path) -> None:
    learner = backbone()
    before = learner.network.body.get_buffer("1.running_mean").clone()
    train_network(learner, photos, replace(SCHEDULE, epochs=1, frozen_norms=True), seed=0, work=tmp_path)
    assert torch.equal(learner.network.body.get_buffer("1.running_mean"), before)


def test_photos_are_seen_at_the_sizes_of_the_schedule(photos: Photos) -> None:
    large = replace(photos, photos_NSSC=photos.photos_NSSC.repeat(8, 1).repeat(8, 2))
    run = loop.TrainingRun(backbone(), large, replace(SCHEDULE, epochs=2, sizes=(0.34, 1.0)), seed=0)
    seen: set[int] = set()
    normalise = run.normalise

    def noted(photos_NCSS: torch.Tensor) -> torch.Tensor:
        seen.add(photos_NCSS.shape[-1])
        return normalise(photos_NCSS)

    run.normalise = noted
    for number in range(2):
        run.epoch(number, lambda *_: None)
    assert [epoch["size_px"] for epoch in run.history] == [32, 96]
    assert seen == {32, 96}


def test_with_too_little_time_the_epochs_left_are_fewer_and_the_schedule_still_ends(
    photos: Photos, capsys: pytest.CaptureFixture[str]
) -> None:
    run = loop.TrainingRun(backbone(), photos, replace(SCHEDULE, epochs=8), seed=0)
    for number in range(2):
        run.epoch(number, lambda *_: None)
    run.history[-1]["seconds"] = 10.0
    run.hurry(1000.0)
    assert run.num_epochs == 8
    run.hurry(35.0)
    assert run.marks == pytest.approx([0, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1])
    run.hurry(5.0)
    assert run.num_epochs == 2
    capsys.readouterr()
    run.hurry(-1.0)
    assert capsys.readouterr().err == ""  # all is done: there is nothing to be hurried


def test_a_run_that_had_to_hurry_goes_on_with_what_was_left(photos: Photos, tmp_path: Path) -> None:
    run = loop.TrainingRun(backbone(), photos, SCHEDULE, seed=0)
    run.epoch(0, lambda *_: None)
    run.history[-1]["seconds"] = 10.0
    run.hurry(25.0)
    run.save(tmp_path)
    assert len(train_network(backbone(), photos, SCHEDULE, seed=0, work=tmp_path)) == 3
