"""The checks for which a network has to look at the photos: the only ones of `prepare` that need torch.

Shapes: N photos, D numbers a feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from snapshelf.data.collect import PlacedPhotos
from snapshelf.training.backbones import BUNDLED, load_backbone
from snapshelf.training.features import FeatureCache
from snapshelf.training.label_suspects import label_suspects, tiny_features

__all__ = ["features", "label_suspects"]

TINY_PX = 64
"""Smaller photos are not what a pretrained network was made for."""


def features(
    photos: PlacedPhotos, sha256_N32: NDArray[np.uint8], folders: Sequence[Path], num_threads: int
) -> NDArray[np.float32]:
    """Features of all photos, (N, D): of the bundled network, as `train --recipe quick` uses them; tiny photos are
    their own features.

    Args:
        photos: the prepared photos.
        sha256_N32: of their pixels.
        folders: where features are kept; new ones in the first.
        num_threads: the cores to use.
    """
    torch.set_num_threads(num_threads)
    if photos.shape[1] < TINY_PX:
        return tiny_features(photos)
    return FeatureCache(folders[0], sha256_N32, folders[1:]).features(load_backbone(BUNDLED, num_classes=2), photos)
