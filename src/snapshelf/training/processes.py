"""Several processes that train one network together, on one machine or on several.

`torchrun` starts them and tells each its place in the environment. A process that was started alone is the
first of one.

Shapes: N photos, C classes or channels, H × W pixels.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from snapshelf.progress import console
from snapshelf.training.device import best_device
from snapshelf.training.layers import forward_by
from snapshelf.training.networks import Network

T = TypeVar("T")


@contextlib.contextmanager
def joined_processes() -> Iterator[None]:
    """Join the others, if there are any, while the block runs. All but the first keep quiet."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    device = best_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    quiet, console.quiet = console.quiet, not is_first()
    try:
        yield
    finally:
        console.quiet = quiet
        dist.destroy_process_group()


def num_processes() -> int:
    """How many train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def num_processes_here() -> int:
    """How many of them run on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this is the process that speaks and writes files."""
    return not dist.is_initialized() or dist.get_rank() == 0


def said_by_first(value: T) -> T:
    """What the first process has as this value, for all of them."""
    if not dist.is_initialized():
        return value
    held = [value]
    dist.broadcast_object_list(held, src=0)
    return held[0]


def share_of(num: int) -> slice:
    """Which of so many photos of a batch this process learns from. Pairs of neighbours are never parted."""
    if not dist.is_initialized():
        return slice(0, num)
    rank, processes, pairs = dist.get_rank(), dist.get_world_size(), (num + 1) // 2
    start, end = rank * pairs // processes, (rank + 1) * pairs // processes
    return slice(2 * start, min(2 * end, num))


def split_rows(rows_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows that this process looks at; `gathered` puts the answers together again."""
    return np.array_split(rows_N, dist.get_world_size())[dist.get_rank()] if dist.is_initialized() else rows_N


def gathered(answers_NX: NDArray[np.float32]) -> NDArray[np.float32]:
    """The answers of all processes, one after the other."""
    if not dist.is_initialized():
        return answers_NX
    parts: list[NDArray[np.float32]] = [answers_NX] * dist.get_world_size()
    dist.all_gather_object(parts, answers_NX)
    return np.concatenate(parts)


def summed(value: float, device: torch.device) -> float:
    """The sum over all processes."""
    if not dist.is_initialized():
        return value
    held = torch.tensor(value, device=device)
    dist.all_reduce(held)
    return float(held)


def learning_together(network: Network) -> nn.Module:
    """The network such that its gradients are the mean over all processes."""
    if not dist.is_initialized():
        return network
    with warnings.catch_warnings():  # newer releases have another name for it, which older ones do not know
        warnings.simplefilter("ignore", FutureWarning)
        return DistributedDataParallel(network, broadcast_buffers=False)


def norms_over_all(network: nn.Module) -> contextlib.AbstractContextManager[None]:
    """While the block runs, batch norm that learns takes mean and variance over the photos of all processes.

    `torch.nn.SyncBatchNorm` does the same, on GPUs only.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm) and layer.training]
    return forward_by(layers if dist.is_initialized() else [], _normalised)


class _SumOverAll(torch.autograd.Function):
    """The sum over all processes, whose gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ANN401, ARG004 (torch's own)
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401, ARG004
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _normalised(layer: _BatchNorm, maps_NCHW: Tensor) -> Tensor:
    exact_NCHW = maps_NCHW.float()
    axes = [axis for axis in range(exact_NCHW.ndim) if axis != 1]
    count = exact_NCHW.numel() // exact_NCHW.shape[1]
    sums = torch.cat([exact_NCHW.sum(axes), exact_NCHW.square().sum(axes), exact_NCHW.new_tensor([count])])
    sums = _SumOverAll.apply(sums)  # type: ignore[no-untyped-call]
    total = sums[-1]
    mean_C, square_C = (sums[:-1] / total).chunk(2)
    variance_C = (square_C - mean_C.square()).clamp_min(0.0)
    if layer.running_mean is not None and layer.running_var is not None and layer.momentum is not None:
        with torch.no_grad():
            if layer.num_batches_tracked is not None:
                layer.num_batches_tracked.add_(1)
            layer.running_mean.lerp_(mean_C, layer.momentum)
            layer.running_var.lerp_(variance_C * total / (total - 1), layer.momentum)
    shape = [1, -1, *[1] * (exact_NCHW.ndim - 2)]
    scale_C = torch.rsqrt(variance_C + layer.eps)
    answer_NCHW: Tensor = (exact_NCHW - mean_C.view(shape)) * scale_C.view(shape)
    if layer.affine:
        answer_NCHW = answer_NCHW * layer.weight.view(shape) + layer.bias.view(shape)

    return answer_NCHW.to(maps_NCHW.dtype)
