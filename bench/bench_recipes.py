"""What does one change of the recipe bring, on validation photos?

    python bench/bench_recipes.py STORE [NAME=VALUE …]
    python bench/bench_recipes.py STORE epochs=4 sizes=0.67,0.67 frozen_norms=False

Trains the default backbone on the data set in use of a store as `balanced` does, but for what is named: fields of
`Schedule` and `Augment`. Prints accuracy and log-loss (after a temperature fitted on the same photos) on the validation
photos at several sizes, and of the mean of both mirror images at the full one. The test split is never looked at.
"""

from __future__ import annotations

import ast
import json
import sys
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.metrics.calibration import fit_temperature, softmax
from snapshelf.settings import load_settings
from snapshelf.training.augment import Augment
from snapshelf.training.backbones import BUNDLED, load_backbone
from snapshelf.training.device import reuse_freed_memory
from snapshelf.training.features import FeatureCache
from snapshelf.training.inference import photo_batch, predict
from snapshelf.training.loop import Photos
from snapshelf.training.recipes import Recipe, recipe_for, train_by

LOOKED_AT_PX = (160, 192, 224, 256)


def main() -> None:
    """Train once, print a line for each size, and all of it as JSON."""
    if len(sys.argv) < 2:
        print("Skipped: name a store with a prepared data set.")
        return
    reuse_freed_memory()
    torch.set_num_threads(load_settings().num_threads)
    torch.manual_seed(0)
    dataset = Dataset(Store(Path(sys.argv[1])).current("datasets"))
    photos = Photos(dataset.photos(), dataset.class_indices(), dataset.rows("train"), dataset.rows("validation"))
    backbone = load_backbone(BUNDLED, len(dataset.labels), size_px=photos.photos_NSSC.shape[1])
    recipe = changed(recipe_for("balanced", backbone), dict(each.split("=", 1) for each in sys.argv[2:]))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as work:
        cache = FeatureCache(dataset.features_folder, dataset.sha256())
        trained = train_by(recipe, backbone, photos, seed=0, cache=cache, work=Path(work))
    seconds = time.perf_counter() - started
    labels_N, held_out_NSSC = photos.labels_N[photos.validation_rows], photos.photos_NSSC[photos.validation_rows]
    rows = np.arange(len(labels_N))
    scores = {}
    for size_px in LOOKED_AT_PX:
        small_NSSC = resized(held_out_NSSC, size_px)
        scores[f"{size_px} px"] = score(predict(backbone, small_NSSC, rows), labels_N)
    whole_NC = trained.validation.logits_NC
    mirrored_NC = predict(backbone, np.ascontiguousarray(held_out_NSSC[:, :, ::-1]), rows)
    scores[f"{held_out_NSSC.shape[1]} px"] = score(whole_NC, labels_N)
    scores["both mirror images"] = score((whole_NC + mirrored_NC) / 2, labels_N)
    for words, (accuracy, log_loss) in scores.items():
        print(f"{words:20} accuracy {accuracy:.4f}, log-loss {log_loss:.3f}")
    print(json.dumps({"changes": sys.argv[2:], "seconds": round(seconds), "scores": scores}))


def changed(recipe: Recipe, changes: dict[str, str]) -> Recipe:
    """The recipe with other values for some fields of its schedule or its augmentation."""
    assert recipe.schedule is not None
    values: dict[str, Any] = {name: ast.literal_eval(value) for name, value in changes.items()}
    of_augment = {each.name for each in fields(Augment)} & values.keys()
    augment = replace(recipe.schedule.augment, **{name: values.pop(name) for name in of_augment})
    return replace(recipe, schedule=replace(recipe.schedule, augment=augment, **values))


def resized(photos_NSSC: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """Photos of another side."""
    photos = photo_batch(photos_NSSC, np.arange(len(photos_NSSC)))
    small = functional.interpolate(photos, (size_px, size_px), mode="bilinear", antialias=True)
    return np.ascontiguousarray(small.permute(0, 2, 3, 1).numpy())


def score(logits_NC: NDArray[np.floating], labels_N: NDArray[np.int64]) -> tuple[float, float]:
    """Accuracy and log-loss."""
    probabilities_NC = softmax(logits_NC, fit_temperature(logits_NC, labels_N))
    true_N = probabilities_NC[np.arange(len(labels_N)), labels_N]
    return float((logits_NC.argmax(axis=1) == labels_N).mean()), float(-np.log(np.maximum(true_N, 1e-12)).mean())


if __name__ == "__main__":
    main()
