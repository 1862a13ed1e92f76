"""A few small photos that can be told apart by colour."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from snapshelf.training.loop import Photos

SIZE_PX = 12


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small gain nothing from a second thread, and lose much where other programs want the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def photos() -> Photos:
    """90 photos of 12 px in 3 classes, each class its own channel: 60 to learn from, 30 to validate."""
    random = np.random.default_rng(0)
    labels_N = np.arange(90) % 3
    photos_NSSC = random.integers(0, 120, (90, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    photos_NSSC[np.arange(90), :, :, labels_N] += 100
    return Photos(photos_NSSC, labels_N, np.arange(60), np.arange(60, 90))
