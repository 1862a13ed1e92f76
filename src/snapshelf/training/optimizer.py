"""The optimiser of a network: which weights learn how fast, and which are kept small."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from snapshelf.training.networks import Network
from snapshelf.training.schedule import Schedule
from snapshelf.training.torchvision_compat import declare_missing_operators


def optimizer_for(network: Network, schedule: Schedule) -> torch.optim.Optimizer:
    """An optimiser whose groups each have an `lr_scale`: what the schedule's rate is multiplied with there."""
    if schedule.optimizer == "adam":
        group = {"params": list(network.parameters()), "lr_scale": 1.0}
        return torch.optim.Adam([group], schedule.learning_rate, fused=True)
    if schedule.optimizer == "muon":
        return _muon(network, schedule)
    groups = _groups(network.body, schedule)
    if network.head:
        groups += _by_shape(network.head, schedule.weight_decay)
    if schedule.optimizer == "sgd":
        return torch.optim.SGD(groups, schedule.learning_rate, momentum=0.9, nesterov=True, fused=True)
    return torch.optim.AdamW(groups, schedule.learning_rate, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let every group learn at its share of this rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"]


def _muon(network: Network, schedule: Schedule) -> torch.optim.Optimizer:
    """Muon (Jordan et al. 2024, «Muon: An optimizer for hidden layers in neural networks») for the convolutions: every
    direction of an update counts alike. NAdamW for the rest (docs/decisions/0014-tiny-photos.md)."""
    declare_missing_operators()
    from timm.optim import Muon  # type: ignore[attr-defined] # noqa: PLC0415 (takes seconds)

    convolutions = [parameter for parameter in network.parameters() if parameter.ndim > 2]
    matrices = [parameter for parameter in network.parameters() if parameter.ndim == 2]
    others = [parameter for parameter in network.parameters() if parameter.ndim < 2]
    rest = {"use_fallback": True, "betas": (0.9, 0.999), "lr_scale": 1.0}
    groups = [
        {"params": convolutions, "weight_decay": schedule.weight_decay, "lr_scale": 1.0},
        {"params": matrices, "weight_decay": schedule.weight_decay, **rest},
        {"params": others, "weight_decay": 0.0, **rest},
    ]
    made: torch.optim.Optimizer = Muon(groups, schedule.learning_rate, momentum=0.9, nesterov=True, ns_steps=3)
    return made


def _groups(body: nn.Module, schedule: Schedule) -> list[dict[str, Any]]:
    """Layer-wise rates (Howard and Ruder 2018) by timm's own order of a network's layers, where it has one."""
    if schedule.layer_decay < 1.0 and hasattr(body, "group_matcher"):
        from timm.optim import param_groups_layer_decay  # type: ignore[attr-defined] # noqa: PLC0415 (takes seconds; such a body is timm's)

        groups: list[dict[str, Any]] = param_groups_layer_decay(
            body, schedule.weight_decay, layer_decay=schedule.layer_decay
        )
        return groups
    return _by_shape(body, schedule.weight_decay)


def _by_shape(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    weights = [parameter for parameter in module.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in module.parameters() if parameter.ndim <= 1]
    return [
        {"params": weights, "weight_decay": weight_decay, "lr_scale": 1.0},
        {"params": others, "weight_decay": 0.0, "lr_scale": 1.0},
    ]
