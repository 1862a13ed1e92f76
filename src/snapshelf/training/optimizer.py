"""The optimiser of a network: which weights learn how fast, and which are kept small."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from snapshelf.training.networks import Network
from snapshelf.training.schedule import Schedule
from snapshelf.training.torchvision_compat import declare_missing_operators


def optimizer_for(network: Network, schedule: Schedule) -> torch.optim.Optimizer:
    """An optimiser over every weight of the network, at the schedule's rate."""
    if schedule.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), schedule.learning_rate, fused=True)
    if schedule.optimizer == "muon":
        return _muon(network, schedule)
    groups = _by_shape(network, schedule.weight_decay)
    if schedule.optimizer == "sgd":
        return torch.optim.SGD(groups, schedule.learning_rate, momentum=0.9, nesterov=True, fused=True)
    return torch.optim.AdamW(groups, schedule.learning_rate, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let every group learn at this rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def _muon(network: Network, schedule: Schedule) -> torch.optim.Optimizer:
    """Muon (Jordan et al. 2024, «Muon: An optimizer for hidden layers in neural networks») for the convolutions: every
    direction of an update counts alike. NAdamW for the rest (docs/decisions/0014-tiny-photos.md)."""
    declare_missing_operators()
    from timm.optim import Muon  # type: ignore[attr-defined] # noqa: PLC0415 (takes seconds)

    convolutions = [parameter for parameter in network.parameters() if parameter.ndim > 2]
    matrices = [parameter for parameter in network.parameters() if parameter.ndim == 2]
    others = [parameter for parameter in network.parameters() if parameter.ndim < 2]
    rest = {"use_fallback": True, "betas": (0.9, 0.999)}
    groups = [
        {"params": convolutions, "weight_decay": schedule.weight_decay},
        {"params": matrices, "weight_decay": schedule.weight_decay, **rest},
        {"params": others, "weight_decay": 0.0, **rest},
    ]
    made: torch.optim.Optimizer = Muon(groups, schedule.learning_rate, momentum=0.9, nesterov=True, ns_steps=3)
    return made


def _by_shape(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    weights = [parameter for parameter in module.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in module.parameters() if parameter.ndim <= 1]
    return [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
