from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from snapshelf.training import features
from snapshelf.training.backbones import Backbone, load_backbone
from snapshelf.training.features import cached_features
from snapshelf.training.loop import Photos


@pytest.fixture
def backbone() -> Backbone:
    torch.manual_seed(0)
    return load_backbone("compact", 3, size_px=12)


def test_features_are_the_embeddings_of_the_normalised_photos(
    backbone: Backbone, photos: Photos, tmp_path: Path
) -> None:
    rows = np.array([3, 80, 5])
    found_ND = cached_features(backbone, photos.photos_NSSC, rows, tmp_path)
    normalised = (torch.from_numpy(photos.photos_NSSC[rows]).permute(0, 3, 1, 2).float() - 127.5) / 127.5
    with torch.inference_mode():
        wanted_ND = backbone.network(normalised)[1].numpy()
    np.testing.assert_allclose(found_ND, wanted_ND, atol=0.02 * float(np.abs(wanted_ND).max()))  # bfloat16


def test_a_second_run_reads_what_the_first_one_kept(
    backbone: Backbone, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_ND = cached_features(backbone, photos.photos_NSSC, photos.train_rows, tmp_path)
    monkeypatch.setattr(features, "_compute", lambda *_: pytest.fail("computed again"))
    np.testing.assert_array_equal(cached_features(backbone, photos.photos_NSSC, photos.train_rows, tmp_path), first_ND)


def test_other_weights_or_other_photos_are_kept_apart(backbone: Backbone, photos: Photos, tmp_path: Path) -> None:
    cached_features(backbone, photos.photos_NSSC, photos.train_rows, tmp_path)
    cached_features(backbone, photos.photos_NSSC, photos.validation_rows, tmp_path)
    with torch.no_grad():
        next(backbone.network.body.parameters()).mul_(1.01)
    cached_features(backbone, photos.photos_NSSC, photos.train_rows, tmp_path)
    assert len(list(tmp_path.glob("compact-*.npy"))) == 3
