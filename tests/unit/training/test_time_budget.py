from __future__ import annotations

import time
from dataclasses import replace

import pytest
import torch

from snapshelf.errors import ConfigError
from snapshelf.training import time_budget
from snapshelf.training.backbones import Backbone, load_backbone
from snapshelf.training.loop import Photos
from snapshelf.training.recipes import Recipe
from snapshelf.training.schedule import Schedule
from snapshelf.training.time_budget import parse_duration, plan_within

LONGEST = Recipe("best", Schedule(epochs=20, batch_size=16, learning_rate=1e-3))


@pytest.fixture
def backbone(monkeypatch: pytest.MonkeyPatch) -> Backbone:
    """Whose epochs, with the look at the validation photos, take 2 seconds."""
    monkeypatch.setattr(time_budget, "_epoch_s", lambda *_: 1.7)
    monkeypatch.setattr(time_budget, "_look_s", lambda *_: 0.01)
    return load_backbone("compact", 3, size_px=12)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1h1s", 3601)])
def test_a_time_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "10 m", "0m", "-5m", "10min", "1.5h"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a time such as 90s, 10m or 1h30m"):
        parse_duration(text)


def test_as_many_epochs_as_fit(backbone: Backbone, photos: Photos) -> None:
    now = time.monotonic()
    plan = plan_within(40.0, now, backbone, photos, LONGEST)
    # 40 s less 12 s of export and 0.9 s of looking at 30 validation photos and 60 others, nine tenths of it.
    assert plan.epochs == 12
    assert plan.photos_per_s == pytest.approx(30)
    assert plan.deadline_s == pytest.approx(now + 27.1)


def test_no_more_epochs_than_the_longest_recipe_has(backbone: Backbone, photos: Photos) -> None:
    assert plan_within(3600.0, time.monotonic(), backbone, photos, LONGEST).epochs == 20


def test_with_hardly_any_time_a_pretrained_network_gets_a_head_alone(backbone: Backbone, photos: Photos) -> None:
    now = time.monotonic()
    assert plan_within(18.0, now, replace(backbone, weights="somewhere"), photos, LONGEST).epochs == 0
    assert plan_within(18.0, now, backbone, photos, LONGEST).epochs == 2
    assert plan_within(1.0, now, backbone, photos, LONGEST).epochs == 1


def test_the_rate_is_measured_without_touching_the_network(photos: Photos) -> None:
    learner = load_backbone("compact", 3, size_px=12)
    before = {name: value.clone() for name, value in learner.network.state_dict().items()}
    plan = plan_within(60.0, time.monotonic(), learner, photos, LONGEST)
    assert plan.photos_per_s > 0
    assert all(torch.equal(value, before[name]) for name, value in learner.network.state_dict().items())
