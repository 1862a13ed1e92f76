from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from snapshelf.training import recipes
from snapshelf.training.augment import Augment
from snapshelf.training.backbones import Backbone, load_backbone
from snapshelf.training.features import FeatureCache
from snapshelf.training.inference import predict
from snapshelf.training.loop import Photos, train_network
from snapshelf.training.recipes import recipe_for, train_by
from snapshelf.training.schedule import Schedule


def backbone(name: str = "compact", *, pretrained: bool = False) -> Backbone:
    torch.manual_seed(0)
    made = load_backbone(name, 3, size_px=12)
    return replace(made, weights="somewhere") if pretrained else made


def cache_of(photos: Photos, folder: Path) -> FeatureCache:
    digests = b"".join(hashlib.sha256(pixels.tobytes()).digest() for pixels in photos.photos_NSSC)
    return FeatureCache(folder / "features", np.frombuffer(digests, np.uint8).reshape(-1, 32))


def test_quick_leaves_a_pretrained_backbone_as_it_is_and_fits_its_head(photos: Photos, tmp_path: Path) -> None:
    learner = backbone(pretrained=True)
    before = {name: value.clone() for name, value in learner.network.body.state_dict().items()}
    recipe = recipe_for("quick", learner)
    trained = train_by(recipe, learner, photos, seed=0, cache=cache_of(photos, tmp_path), work=tmp_path / "work")
    assert all(torch.equal(value, before[name]) for name, value in learner.network.body.state_dict().items())
    right = trained.validation.logits_NC.argmax(1) == photos.labels_N[photos.validation_rows]
    assert right.mean() == 1.0
    np.testing.assert_allclose(
        predict(learner, photos.photos_NSSC, photos.validation_rows), trained.validation.logits_NC, rtol=0.05, atol=0.2
    )
    assert {path.suffix for path in (tmp_path / "features").iterdir()} == {".npy", ".sha256"}


@pytest.mark.parametrize("name", ["balanced", "best"])
def test_longer_recipes_train_the_whole_network(
    photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: recipes.RecipeName
) -> None:
    monkeypatch.setattr(recipes, "_FINE_TUNE", Schedule(epochs=2, batch_size=16, learning_rate=2e-3))
    learner = backbone(pretrained=True)
    earlier = Schedule(epochs=4, batch_size=16, learning_rate=5e-3)
    train_network(learner, photos, earlier, seed=0, work=tmp_path / "earlier")  # so that it has learnt something
    before = next(learner.network.body.parameters()).detach().clone()
    recipe = recipe_for(name, learner)
    trained = train_by(recipe, learner, photos, seed=0, cache=cache_of(photos, tmp_path), work=tmp_path / "work")
    assert trained.counted["epochs"] == {"balanced": 2, "best": 6}[name]
    assert len(trained.history) == trained.counted["epochs"]
    assert not torch.equal(next(learner.network.body.parameters()), before)
    right = trained.validation.logits_NC.argmax(1) == photos.labels_N[photos.validation_rows]
    assert right.mean() == 1.0


def test_random_weights_are_trained_whole_from_the_start() -> None:
    for name in ("seed-cnn", "compact"):
        epochs = [recipe_for(step, backbone(name)).schedule for step in ("quick", "balanced", "best")]
        assert [schedule.epochs for schedule in epochs if schedule] == sorted({s.epochs for s in epochs if s})


def test_the_seed_network_is_trained_as_keras_does_it() -> None:
    schedule = recipe_for("quick", backbone("seed-cnn")).schedule
    assert schedule is not None
    assert (schedule.epochs, schedule.batch_size, schedule.learning_rate) == (5, 32, 1e-3)
    assert (schedule.optimizer, schedule.one_cycle, schedule.label_smoothing) == ("adam", False, 0.0)
    assert schedule.augment == Augment()
