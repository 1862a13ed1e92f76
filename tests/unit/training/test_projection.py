"""Shorter embeddings that find the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch.nn import functional

from snapshelf.training.backbones import load_backbone
from snapshelf.training.export import Readout, check_export, export_onnx
from snapshelf.training.loop import Photos
from snapshelf.training.projection import fit_projection


def embeddings(num: int = 300, dim: int = 64, rank: int = 8) -> torch.Tensor:
    """Photos that differ in `rank` directions and have much in common."""
    torch.manual_seed(0)
    mixing = torch.randn(rank, dim)
    return functional.normalize(torch.randn(num, rank) @ mixing + 3.0 + 0.01 * torch.randn(num, dim), dim=1)


def test_directions_are_orthogonal_and_the_strongest_come_first() -> None:
    embedding_ND = embeddings()
    projection = fit_projection(embedding_ND, dim=12)
    assert projection is not None
    assert projection.dim == 12
    components_DP = projection.components_DP
    torch.testing.assert_close(components_DP.T @ components_DP, torch.eye(12), atol=1e-5, rtol=0)
    spread_P = ((embedding_ND - projection.mean_D) @ components_DP).std(0)
    assert (spread_P[:-1] >= spread_P[1:] - 1e-6).all()
    assert spread_P[8] > 5 * spread_P[9]  # scaling to length 1 adds a direction


def test_the_nearest_stays_the_nearest() -> None:
    embedding_ND = embeddings()
    projection = fit_projection(embedding_ND, dim=16)
    assert projection is not None
    centred_ND = functional.normalize(embedding_ND - embedding_ND.mean(0), dim=1)
    short_NP = projection(embedding_ND)
    assert short_NP.shape == (300, 16)
    torch.testing.assert_close(short_NP.norm(dim=1), torch.ones(300))

    def nearest(photos_NX: torch.Tensor) -> torch.Tensor:
        return (photos_NX @ photos_NX.T - 2 * torch.eye(300)).argmax(1)

    assert (nearest(short_NP) == nearest(centred_ND)).float().mean() > 0.95


def test_where_it_cannot_shorten_or_learn_it_is_left_out() -> None:
    assert fit_projection(embeddings(dim=16), dim=16) is None
    assert fit_projection(embeddings(num=16), dim=16) is None


def test_the_model_gives_the_short_embedding(photos: Photos, tmp_path: Path) -> None:
    torch.manual_seed(0)
    learner = load_backbone("compact", 3, size_px=12)
    projection = fit_projection(functional.normalize(torch.randn(60, learner.network.embedding_dim), dim=1), dim=32)
    export_onnx(learner, tmp_path / "model.onnx", Readout(projection=projection))
    some_NSSC = photos.photos_NSSC[:5]
    assert check_export(learner, tmp_path / "model.onnx", some_NSSC, Readout(projection=projection)) < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (embedding_NP,) = session.run(["embedding"], {"photos": some_NSSC})
    assert embedding_NP.shape == (5, 32)
    np.testing.assert_allclose(np.linalg.norm(embedding_NP, axis=1), 1.0, atol=1e-5)
