"""The state of a training run after an epoch: one safetensors file, so that a killed run goes on from there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from snapshelf.artifacts.publish import write_atomic

FILE_NAME = "epoch.safetensors"


def save_run(
    folder: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: nn.Module | None,
    best: Mapping[str, Tensor],
    state: dict[str, Any],
) -> None:
    """Write weights and their average, the optimiser's memory, the best weights and `state` (JSON), in one rename."""
    tensors = {f"network/{name}": value for name, value in network.state_dict().items()}
    if average:
        tensors |= {f"average/{name}": value for name, value in average.state_dict().items()}
    tensors |= {f"best/{name}": value for name, value in best.items()}
    for index, memory in optimizer.state_dict()["state"].items():
        # What is no tensor, an optimiser finds out again.
        held = {name: value for name, value in memory.items() if isinstance(value, Tensor)}
        tensors |= {f"optimizer/{index}/{name}": value for name, value in held.items()}
    # Each tensor gets memory of its own: the format refuses two names for one piece.
    whole = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    write_atomic(folder / FILE_NAME, save(whole, metadata={"state": json.dumps(state)}))


def load_run(
    folder: Path, network: nn.Module, optimizer: torch.optim.Optimizer, average: nn.Module | None
) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Put back what `save_run` wrote, in place; returns the best weights and `state`, or None where there is no run."""
    path = folder / FILE_NAME
    if not path.exists():
        return None
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "best": {}, "optimizer": {}}
    with safe_open(path, "pt") as file:
        state: dict[str, Any] = json.loads(file.metadata()["state"])
        for key in file.keys():  # noqa: SIM118 (it is no dict)
            part, name = key.split("/", 1)
            parts[part][name] = file.get_tensor(key)
    network.load_state_dict(parts["network"])
    if average:
        average.load_state_dict(parts["average"])
    _restore(optimizer, parts["optimizer"])
    return parts["best"], state


def _restore(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put the optimiser's memory back, each piece laid out in memory as its parameter is.

    The fused optimisers walk through both side by side: a piece in another order would be mixed up without a word.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    memory: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split("/")
        parameter = parameters[int(index)]
        laid_out = torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
        memory.setdefault(int(index), {})[name] = laid_out
    optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})
