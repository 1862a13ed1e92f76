from __future__ import annotations

from dataclasses import replace

import torch

from snapshelf.training.backbones import load_backbone
from snapshelf.training.networks import Network
from snapshelf.training.optimizer import optimizer_for, set_rate
from snapshelf.training.schedule import Schedule

MUON = Schedule(epochs=1, batch_size=4, learning_rate=1e-2, optimizer="muon", weight_decay=0.2)


def network() -> Network:
    torch.manual_seed(0)
    return load_backbone("compact", 3, size_px=12).network


def moved(scale: float) -> torch.Tensor:
    """How a convolution, as the matrix (64, 288), moves in one step by a gradient whose singular values are 0.1 to 10
    times this."""
    learner = network()
    optimizer = optimizer_for(learner, replace(MUON, weight_decay=0.0))
    for parameter in learner.parameters():
        parameter.grad = torch.zeros_like(parameter)
    (wide,) = (each for each in learner.parameters() if each.shape == (64, 32, 3, 3))
    directions = torch.linalg.qr(torch.randn(288, 64)).Q.T
    wide.grad = (scale * torch.logspace(-1, 1, 64)[:, None] * directions).reshape(wide.shape)
    before = wide.detach().clone()
    optimizer.step()
    return (wide.detach() - before).reshape(64, 288)


def test_every_parameter_is_learnt_by_muon_in_one_group() -> None:
    learner = network()
    grouped = [each for group in optimizer_for(learner, MUON).param_groups for each in group["params"]]
    assert sorted(map(id, grouped)) == sorted(map(id, learner.parameters()))


def test_muon_makes_every_direction_of_a_convolutions_update_count_alike() -> None:
    values = torch.linalg.svdvals(moved(1.0))
    assert float(values.max() / values.min()) < 10  # of 100
    usual, of_a_large_gradient = moved(1.0), moved(1000.0)
    assert float((of_a_large_gradient - usual).norm() / usual.norm()) < 0.02


def test_weights_are_kept_small_and_biases_are_not() -> None:
    groups = optimizer_for(network(), MUON).param_groups
    for group in groups:
        for parameter in group["params"]:
            assert group["weight_decay"] == (0.2 if parameter.ndim > 1 else 0.0)


def test_a_rate_is_set_in_every_group() -> None:
    optimizer = optimizer_for(network(), MUON)
    set_rate(optimizer, 0.02)
    assert {group["lr"] for group in optimizer.param_groups} == {0.02}
