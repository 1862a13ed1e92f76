"""Where the arithmetic runs and in which number format: the best that this machine has."""

from __future__ import annotations

import ctypes
import os
import sys

import torch
from torch import nn

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4
_LARGEST_BLOCK_BYTES = 1 << 30


def reuse_freed_memory() -> bool:
    """Let this process keep the memory that it frees, for its next use; returns whether that could be had.

    The maps of a batch are tens of MB each. Linux's C library gives blocks of this size back at once and takes new
    ones, whose pages the kernel must fill with zeros at first touch: with EfficientNet-Lite0 at 224 px that was 19 of
    the 45 ms that a photo cost to learn from (docs/decisions/0012-training-speed.md). Other systems are left alone.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not every C library on Linux has it
    if mallopt is None:
        return False
    # Older versions refuse a threshold as high as that, but can be told not to map blocks at all.
    kept = mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK_BYTES) or mallopt(_M_MMAP_MAX, 0)
    return bool(kept and mallopt(_M_TRIM_THRESHOLD, 2 * _LARGEST_BLOCK_BYTES - 1))


def best_device() -> torch.device:
    """A CUDA GPU where there is one, this process's own where several run here; else the processor."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def has_fast_bf16(device: torch.device) -> bool:
    """Whether bfloat16 is quicker than float32 here: a GPU that has it, or a processor with AVX512-BF16 or AMX."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def autocast(device: torch.device, *, wanted: bool = True) -> torch.autocast:
    """bfloat16 where it is wanted and quick, else float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted and has_fast_bf16(device))


def place(network: nn.Module, device: torch.device) -> None:
    """Move a network to a device, its maps in the order that convolutions are quickest in (N, H, W, C)."""
    network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own hint lacks this form
