"""Batch norm that keeps the means and variances that its weights came with, while the rest of the network learns.

Few photos tell less of them than ImageNet did, and a small batch tells still less.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

_SILENT_VARIANCE = 1e-6


def freeze_norms(network: nn.Module) -> None:
    """Use what is known rather than the batch, until `train` is called again; scales and shifts still learn."""
    for layer in network.modules():
        if isinstance(layer, _BatchNorm):
            layer.eval()


@torch.no_grad()
def settle_silent_channels(network: nn.Module) -> int:
    """Give channels that never vary the variance that their layer's others typically have; returns how many.

    Pretrained networks have a few channels that are always the same: EfficientNet-Lite0 has 130 of 21,000, with a
    variance of 0. Nothing changes in what the network says, as there is nothing to scale. But divided by √(0 + ε), the
    first step of learning on such a channel would be 100 times as loud as on any other.
    """
    settled = 0
    for layer in network.modules():
        if isinstance(layer, _BatchNorm) and layer.running_var is not None:
            silent_C = layer.running_var < _SILENT_VARIANCE
            if silent_C.any() and not silent_C.all():
                layer.running_var[silent_C] = layer.running_var[~silent_C].median()
                settled += int(silent_C.sum())
    return settled
