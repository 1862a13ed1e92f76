"""Where the arithmetic runs and in which number format: the best that this machine has."""

from __future__ import annotations

import torch
from torch import nn


def best_device() -> torch.device:
    """A CUDA GPU where there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


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
