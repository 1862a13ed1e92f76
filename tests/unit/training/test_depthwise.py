from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from snapshelf.training.backbones import load_backbone
from snapshelf.training.depthwise import quick_depthwise

LAYERS: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: nn.Conv2d(8, 8, 3, padding=1, groups=8),
    "5x5 without bias, every second": lambda: nn.Conv2d(8, 8, 5, 2, 2, groups=8, bias=False),
    "dilated": lambda: nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8),
}


def gradients(layer: nn.Module, maps: Tensor, *, quick: bool) -> list[Tensor]:
    maps = maps.clone().requires_grad_()
    with quick_depthwise(layer, wanted=quick), torch.autocast("cpu", torch.bfloat16):
        answer = layer(maps)
    layer.zero_grad()
    answer.float().square().sum().backward()
    assert maps.grad is not None
    found = [answer.detach().float(), maps.grad]
    return found + [each.grad.clone() for each in layer.parameters() if each.grad is not None]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("side", [11, 12])
def test_the_gradients_are_those_of_the_layer_itself(name: str, side: int) -> None:
    torch.manual_seed(0)
    layer = nn.Sequential(LAYERS[name]())
    maps = torch.randn(4, 8, side, side)
    for mine, theirs in zip(gradients(layer, maps, quick=True), gradients(layer, maps, quick=False), strict=True):
        assert mine.dtype == theirs.dtype
        torch.testing.assert_close(mine, theirs, rtol=0.03, atol=0.03 * float(theirs.abs().max()))


@pytest.mark.parametrize("side", [31, 32])
def test_a_network_with_tensorflows_padding_answers_as_before(side: int) -> None:
    torch.manual_seed(0)
    network = load_backbone("tf_efficientnet_lite0", 3, size_px=side, weights="none").network.eval()
    photos = torch.randn(2, 3, side, side)
    with torch.autocast("cpu", torch.bfloat16):
        wanted, _ = network(photos)
        with quick_depthwise(network, wanted=True):
            found, _ = network(photos)
    torch.testing.assert_close(found, wanted, rtol=0.02, atol=0.02)


def test_the_network_is_as_it_was_afterwards() -> None:
    layer = nn.Sequential(nn.Conv2d(8, 8, 3, groups=8))
    with quick_depthwise(layer, wanted=True):
        assert "forward" in vars(layer[0])
    assert "forward" not in vars(layer[0])
    with quick_depthwise(layer, wanted=False):
        assert "forward" not in vars(layer[0])
