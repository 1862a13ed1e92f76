"""A network that was exported becomes a model of the store, which is in use."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.publish import published_folder, sha256_file
from snapshelf.artifacts.store import Store
from snapshelf.drift.baseline import FILE_NAME as BASELINE
from snapshelf.training.backbones import Backbone
from snapshelf.training.loop import Photos
from snapshelf.training.model_folder import ONNX, write_checkpoint, write_config, write_history, write_samples
from snapshelf.training.watch import EVENTS


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What was made: the model's id, its folder and its card."""

    model_id: str
    folder: Path
    card: ModelCard


def publish(
    store: Store,
    backbone: Backbone,
    details: dict[str, Any],
    *,
    config: dict[str, Any],
    work: Path,
    photos: Photos | None = None,
    history: Sequence[Mapping[str, float]] = (),
) -> TrainResult:
    """Make a folder of the model that was exported into `work`, and put it in use; then `work` is removed.

    Args:
        store: where it goes.
        backbone: the network.
        details: what the card says beside what the network says itself.
        config: what the network depends on.
        work: has `model.onnx`, and a baseline and the events of the training where there are some.
        photos: of which samples are shown; None where nothing was trained.
        history: of the training, an epoch each.
    """
    onnx_sha256 = sha256_file(work / ONNX)
    model_id = f"{backbone.name}-{details['recipe']}-{onnx_sha256[:8]}"
    card = ModelCard(
        id=model_id, backbone=backbone.name, weights=backbone.weights, mean=backbone.normalisation.mean,
        std=backbone.normalisation.std,
        onnx_sha256=onnx_sha256,
        **{"embedding_dim": backbone.network.embedding_dim} | details,
    )  # fmt: skip
    final = store.folder("models", model_id)
    with published_folder(final) as folder:
        shutil.copyfile(work / ONNX, folder / ONNX)
        write_checkpoint(backbone, folder)
        write_config(config, folder)
        if photos:
            write_samples(photos, folder)
            write_history(history, folder)
        if (work / BASELINE).exists():
            shutil.copyfile(work / BASELINE, folder / BASELINE)
        if (work / EVENTS).exists():
            shutil.copytree(work / EVENTS, folder / EVENTS)
        card.write(folder)
    store.use("models", model_id)
    shutil.rmtree(work, ignore_errors=True)
    return TrainResult(model_id, final, card)
