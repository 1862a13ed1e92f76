"""What a frozen backbone says of a data set's photos, computed once and kept beside them.

Shapes: N photos, 3 channels, S pixels a side, D numbers a feature.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from snapshelf.artifacts.publish import write_atomic
from snapshelf.progress import console, progress
from snapshelf.training.backbones import Backbone
from snapshelf.training.device import autocast, best_device, has_fast_bf16, place
from snapshelf.training.loop import batch_size_for, normaliser, photo_batch


def cached_features(
    backbone: Backbone, photos_NSSC: NDArray[np.uint8], rows: NDArray[np.int64], folder: Path
) -> NDArray[np.float32]:
    """The embeddings, before normalising, of the photos in `rows`, (len(rows), D).

    They are kept in `folder` under a name made from everything that they depend on, and read from there the next time.
    """
    path = folder / f"{_key(backbone, rows)}.npy"
    if path.exists():
        console.print(f"The features of {len(rows):,} photos are already there.")
        kept_ND: NDArray[np.float32] = np.load(path)
        return kept_ND
    features_ND = _compute(backbone, photos_NSSC, rows)
    buffer = io.BytesIO()
    np.save(buffer, features_ND)
    write_atomic(path, buffer.getvalue())
    return features_ND


def _compute(backbone: Backbone, photos_NSSC: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    device = best_device()
    place(backbone.network, device)
    backbone.network.eval()
    normalise = normaliser(backbone, device)
    features_ND = np.empty((len(rows), backbone.network.embedding_dim), np.float32)
    size = batch_size_for(photos_NSSC.shape[1], device)
    with progress("Features", len(rows)) as step, torch.inference_mode(), autocast(device):
        for start in range(0, len(rows), size):
            photos = normalise(photo_batch(photos_NSSC, rows[start : start + size]))
            features_ND[start : start + len(photos)] = backbone.network.body(photos).float().cpu().numpy()
            step(len(photos))
    return features_ND


def _key(backbone: Backbone, rows: NDArray[np.int64]) -> str:
    """A short name that changes with the backbone, its weights and normalising, the photos chosen and the format."""
    digest = hashlib.sha256()
    for name, value in backbone.network.body.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    precision = "bf16" if has_fast_bf16(best_device()) else "fp32"
    digest.update(repr((backbone.mean, backbone.std, precision)).encode())
    digest.update(np.ascontiguousarray(rows).tobytes())
    return f"{backbone.name}-{digest.hexdigest()[:16]}"
