from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from snapshelf.adapters.onnx_activation_maps import open_activation_maps
from snapshelf.training.backbones import Backbone, load_backbone
from snapshelf.training.export import export_onnx
from snapshelf.training.inference import normaliser, photo_batch
from snapshelf.training.networks import with_body


def exported(name: str, size_px: int, path: Path) -> Backbone:
    torch.manual_seed(0)
    backbone = load_backbone(name, 4, size_px=size_px, weights="none")
    export_onnx(backbone, path)
    return backbone


@pytest.mark.parametrize("name", ["compact", "mini-resnet", "resnet18", "tf_efficientnet_lite0"])
def test_the_maps_are_the_logit_place_by_place(tmp_path: Path, name: str) -> None:
    backbone = exported(name, 64, tmp_path / "model.onnx")
    photos_NSSC = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    class_N = np.array([0, 3, 1])
    opened = open_activation_maps(tmp_path / "model.onnx", num_threads=1)
    assert opened is not None
    found_NHW = opened.of(photos_NSSC, class_N)

    seen: list[torch.Tensor] = []
    pool = next(part for part in backbone.network.modules() if "Pool2d" in type(part).__name__ and _is_global(part))
    pool.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    network = backbone.network.eval()
    with torch.inference_mode():
        logits_NC, _ = network(normaliser(backbone, torch.device("cpu"))(photo_batch(photos_NSSC, np.arange(3))))
        assert network.head is not None
        maps = seen[0]
        if by_maxima := not _takes_means(pool):
            maps = torch.where(maps == maps.amax((2, 3), keepdim=True), maps, 0.0)
        for_class_NHW = torch.einsum("nd,ndhw->nhw", network.head.weight[class_N], maps)
        bias_N = network.head.bias[class_N]
    logit_N = for_class_NHW.sum((1, 2)) if by_maxima else for_class_NHW.mean((1, 2))
    torch.testing.assert_close(logit_N + bias_N, logits_NC[range(3), class_N], rtol=1e-4, atol=1e-4)
    wanted_NHW = for_class_NHW.clamp_min(0) / for_class_NHW.amax((1, 2), keepdim=True).clamp_min(1e-9)
    np.testing.assert_allclose(found_NHW, wanted_NHW.numpy(), rtol=1e-3, atol=1e-3)


def test_of_a_network_that_looks_at_both_sides_the_photo_itself_is_shown(tmp_path: Path) -> None:
    photos_NSSC = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 3), dtype=np.uint8)
    backbone = exported("compact", 28, tmp_path / "one.onnx")
    backbone.network.both_sides = True
    export_onnx(backbone, tmp_path / "both.onnx")
    one, both = (open_activation_maps(tmp_path / f"{name}.onnx", num_threads=1) for name in ("one", "both"))
    assert one is not None
    assert both is not None
    class_N = np.array([0, 3, 1])
    np.testing.assert_allclose(both.of(photos_NSSC, class_N), one.of(photos_NSSC, class_N), rtol=1e-3, atol=1e-4)


def test_maps_that_are_pooled_in_parts_are_not_taken_for_whole_ones(tmp_path: Path) -> None:
    parts = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.MaxPool2d(2), torch.nn.Flatten())
    backbone = replace(load_backbone("compact", 4), network=with_body(parts, 28, 4))
    export_onnx(backbone, tmp_path / "model.onnx")
    assert open_activation_maps(tmp_path / "model.onnx", num_threads=1) is None


def _takes_means(part: torch.nn.Module) -> bool:
    return "Max" not in type(part).__name__


def _is_global(part: torch.nn.Module) -> bool:
    return "Adaptive" in type(part).__name__


def test_a_network_without_an_average_of_maps_keeps_to_itself_where_it_looks(tmp_path: Path) -> None:
    exported("seed-cnn", 28, tmp_path / "model.onnx")
    assert open_activation_maps(tmp_path / "model.onnx", num_threads=1) is None
