"""Looking at photos with a network that does not learn meanwhile.

Shapes: N photos, S pixels a side, 3 channels, C classes, D numbers an embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from snapshelf.data.near_duplicates import PhotoRows
from snapshelf.training.backbones import Backbone
from snapshelf.training.device import autocast, best_device, place


@dataclass(frozen=True, slots=True)
class Seen:
    """What a network says of N photos."""

    logits_NC: NDArray[np.float32]
    embedding_ND: NDArray[np.float32]
    """L2-normalised."""


def predict(backbone: Backbone, photos: PhotoRows, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Logits (N, C) of the photos in these rows."""
    return look_at(backbone, photos, rows).logits_NC


def look_at(backbone: Backbone, photos: PhotoRows, rows: NDArray[np.int64]) -> Seen:
    """Logits and embeddings of the photos in these rows."""
    device = best_device()
    place(backbone.network, device)
    backbone.network.eval()
    normalise = normaliser(backbone, device)
    size = batch_size_for(photos.shape[1], device)
    with torch.inference_mode(), autocast(device):
        answers = [
            [part.float().cpu() for part in backbone.network(normalise(photo_batch(photos, batch)))]
            for batch in batches(rows, size)
        ]
        logits_NC, embedding_ND = (torch.cat(parts) for parts in zip(*answers, strict=True))
        return Seen(logits_NC.numpy(), functional.normalize(embedding_ND, dim=1).numpy())


def batches(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """The rows, so many at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def batch_size_for(size_px: int, device: torch.device) -> int:
    """How many photos to look at together where nothing is learnt.

    On a processor few large photos, so that they stay in its caches: EfficientNet-Lite0 at 224 px takes 5.6 ms a photo
    in batches of 8 and 9.0 ms in batches of 32.
    """
    return 256 if device.type == "cuda" or size_px <= 64 else 8


def photo_batch(photos_NSSC: PhotoRows, rows: NDArray[np.int64]) -> Tensor:
    """Some photos as uint8 (N, 3, S, S), read from disk if they lie there, the channels still last in memory."""
    return torch.from_numpy(np.ascontiguousarray(photos_NSSC[rows])).permute(0, 3, 1, 2)


def normaliser(backbone: Backbone, device: torch.device) -> Callable[[Tensor], Tensor]:
    """What turns a batch of uint8 photos into the floats that this backbone takes, on the device."""
    mean = torch.tensor(backbone.normalisation.mean, device=device)[None, :, None, None]
    std = torch.tensor(backbone.normalisation.std, device=device)[None, :, None, None]

    def normalise(photos_NCSS: Tensor) -> Tensor:
        photos = photos_NCSS.to(device, torch.float32, memory_format=torch.channels_last)
        return photos.sub_(mean).div_(std)

    return normalise
