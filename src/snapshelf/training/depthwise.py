"""Depthwise convolutions whose gradients are quick on a processor.

In bfloat16 oneDNN computes the gradients of depthwise convolutions by a reference path: with EfficientNet-Lite0 at
160 px they take 17 of the 25 ms that a photo costs. In float32 they take 4 ms, with the conversion, so that is how they
are computed here, and a photo costs 14 ms (docs/decisions/0012-training-speed.md).
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from snapshelf.training.layers import forward_by


def quick_depthwise(network: nn.Module, *, wanted: bool) -> contextlib.AbstractContextManager[None]:
    """While the block runs, depthwise convolutions of the network compute their gradients in float32, if wanted."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d) and wanted and _is_depthwise(layer)]
    # Both PyTorch's layer and timm's, which pads by itself, end there.
    return forward_by(layers, _forward)


def _is_depthwise(layer: nn.Conv2d) -> bool:
    return layer.groups == layer.in_channels == layer.out_channels > 1


def _forward(layer: nn.Conv2d, maps_NCHW: Tensor) -> Tensor:
    padding: Any = layer.padding
    if type(layer).__name__ == "Conv2dSame":  # timm's, for weights that come from TensorFlow
        maps_NCHW, padding = _padded_as_tensorflow(layer, maps_NCHW), (0, 0)
    if isinstance(padding, str) or layer.padding_mode != "zeros" or not torch.is_autocast_enabled("cpu"):
        return type(layer).forward(layer, maps_NCHW)
    answer: Tensor = _Depthwise.apply(maps_NCHW, layer.weight, layer.stride, padding, layer.dilation)  # type: ignore[no-untyped-call]
    return answer if layer.bias is None else answer + layer.bias[:, None, None]


def _padded_as_tensorflow(layer: nn.Conv2d, maps_NCHW: Tensor) -> Tensor:
    """`SAME`: as many outputs as inputs over the stride, what is missing added right and below first."""
    amounts: list[int] = []
    for axis in (1, 0):
        side, stride = maps_NCHW.shape[2 + axis], layer.stride[axis]
        reach = (layer.kernel_size[axis] - 1) * layer.dilation[axis] + 1
        missing = max(0, (-(-side // stride) - 1) * stride + reach - side)
        amounts += [missing // 2, missing - missing // 2]
    return functional.pad(maps_NCHW, amounts)


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution, forward in the format that autocast asks for, backward in float32."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 (torch's own, without a type)
        maps_NCHW: Tensor,
        weight_C1KK: Tensor,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
    ) -> Tensor:
        maps_NCHW = maps_NCHW.to(torch.get_autocast_dtype("cpu"))
        ctx.save_for_backward(maps_NCHW, weight_C1KK)
        ctx.sizes = (stride, padding, dilation)
        weight = weight_C1KK.to(maps_NCHW.dtype)
        return functional.conv2d(maps_NCHW, weight, None, stride, padding, dilation, len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_NCHW: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        maps_NCHW, weight_C1KK = ctx.saved_tensors
        stride, padding, dilation = ctx.sizes
        transposed, of_bias = False, False
        wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], of_bias]
        of_maps, of_weight, _ = torch.ops.aten.convolution_backward(
            gradient_NCHW.float(), maps_NCHW.float(), weight_C1KK, None, stride, padding, dilation, transposed, [0, 0],
            len(weight_C1KK), wanted,
        )  # fmt: skip
        return (None if of_maps is None else of_maps.to(maps_NCHW.dtype)), of_weight, None, None, None
