"""What lies in a model's folder beside `model.onnx`: the checkpoint, what it was trained with, photos to try.

Shapes: N photos, S pixels a side, 3 channels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.torch import save_file

from snapshelf.training.backbones import Backbone
from snapshelf.training.loop import Photos

ONNX, CHECKPOINT, CONFIG, SAMPLES = "model.onnx", "checkpoint.safetensors", "config.toml", "samples"
HISTORY = "history.json"
NUM_SAMPLES = 8


def write_checkpoint(backbone: Backbone, folder: Path) -> None:
    """The trained weights, float32, and how they want pixels scaled; `--weights` of a later training takes the file."""
    state = {name: value.detach().cpu().contiguous().clone() for name, value in backbone.network.state_dict().items()}
    save_file(state, folder / CHECKPOINT, metadata=backbone.normalisation.as_metadata())


def write_history(history: Sequence[Mapping[str, float]], folder: Path) -> None:
    """How the training went, an epoch after the other; nothing where the network was not trained whole."""
    if history:
        (folder / HISTORY).write_text(json.dumps({"epochs": history}, indent=2) + "\n", "utf-8")


def write_config(config: Mapping[str, Any], folder: Path) -> None:
    """What the model was trained with, as TOML; a mapping within becomes a table, None is left out."""
    (folder / CONFIG).write_text("# What this model was trained with.\n\n" + _toml(config), "utf-8")


def _toml(config: Mapping[str, Any], above: str = "") -> str:
    values = {key: value for key, value in config.items() if value is not None and not isinstance(value, Mapping)}
    # JSON's strings, numbers and booleans are TOML's too.
    text = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
    for key, value in config.items():
        if isinstance(value, Mapping):
            text += f"\n[{above}{key}]\n" + _toml(value, f"{above}{key}.")
    return text


def write_samples(photos: Photos, folder: Path) -> None:
    """Some validation photos as `NN-<index of the label>.png`, of as many different classes as there are."""
    (folder / SAMPLES).mkdir()
    for number, row in enumerate(_sample_rows(photos.validation_rows, photos.labels_N)):
        picture = Image.fromarray(np.array(photos.photos_NSSC[row]))
        picture.save(folder / SAMPLES / f"{number:02}-{photos.labels_N[row]}.png")


def _sample_rows(
    rows: np.ndarray[Any, np.dtype[np.int64]], classes_N: np.ndarray[Any, np.dtype[np.int64]]
) -> list[int]:
    """The first photo of every class, then every second one and so on, until there are enough; by class."""
    seen: dict[int, int] = {}
    turns = []
    for row in rows.tolist():
        index = int(classes_N[row])
        turns.append((seen.get(index, 0), index, row))
        seen[index] = seen.get(index, 0) + 1
    return [row for _, _, row in sorted(sorted(turns)[:NUM_SAMPLES], key=lambda turn: (turn[1], turn[0]))]
