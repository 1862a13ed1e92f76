from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from snapshelf.training.norms import freeze_norms, settle_silent_channels


@pytest.fixture
def norm() -> nn.BatchNorm2d:
    """Its second channel never varies."""
    made = nn.BatchNorm2d(4).eval()
    made.running_var = torch.tensor([4.0, 0.0, 9.0, 16.0])
    made.running_mean = torch.tensor([0.1, 0.0, 0.2, 0.3])
    nn.init.constant_(made.bias, 0.5)
    return made


@pytest.fixture
def maps() -> Tensor:
    maps_NCHW = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    maps_NCHW[:, 1] = 0
    return maps_NCHW


def test_a_silent_channel_gets_the_variance_of_its_like_and_says_the_same(norm: nn.BatchNorm2d, maps: Tensor) -> None:
    network, before = nn.Sequential(norm), norm(maps)
    assert settle_silent_channels(network) == 1
    assert norm.running_var is not None
    assert norm.running_var.tolist() == [4.0, 9.0, 9.0, 16.0]
    assert torch.equal(norm(maps), before)
    assert settle_silent_channels(network) == 0


def test_a_layer_in_which_all_is_silent_is_left_alone(norm: nn.BatchNorm2d) -> None:
    norm.running_var = torch.zeros(4)
    assert settle_silent_channels(nn.Sequential(norm)) == 0


def test_frozen_norms_keep_their_means_and_still_learn_their_scale(norm: nn.BatchNorm2d, maps: Tensor) -> None:
    assert norm.running_mean is not None
    network, before = nn.Sequential(norm).train(), norm.running_mean.clone()
    freeze_norms(network)
    network(maps).sum().backward()
    assert torch.equal(norm.running_mean, before)
    assert norm.weight.grad is not None
    network.train()
    network(maps)
    assert not torch.equal(norm.running_mean, before)
