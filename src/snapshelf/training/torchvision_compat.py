"""Lets timm be imported where torchvision's compiled part cannot be loaded.

PyPI's torchvision is compiled for CUDA. Beside a CPU build of torch its extension finds no `libc10_cuda.so`, and then
`import torchvision` itself fails with «operator torchvision::nms does not exist», because it describes two operators
that only the extension declares. timm imports torchvision, but calls neither of the two.

So, before anything imports torchvision: load the extension as torchvision itself would. Where that works, nothing else
is done; where it does not, the two operators are declared without an implementation, which is all that the import asks.

Call it before timm is imported, every time: it costs nothing once it has been done.
"""

from __future__ import annotations

import importlib.util
import itertools
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import torch

_EXTENSIONS = ("_C", "_C_stable")
"""Its names before and since torchvision 0.29."""

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def declare_missing_operators() -> bool:
    """Declare `torchvision::nms` and `torchvision::qnms` where the extension cannot; returns whether that was needed.

    A second call does nothing.
    """
    if _declared() or _extension_loads():
        return False
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", _SCHEMA)
    return True


def _declared() -> bool:
    return hasattr(torch.ops.torchvision, "nms")


def _extension_loads() -> bool:
    package = importlib.util.find_spec("torchvision")
    if package is None or package.origin is None:
        return False
    for name, suffix in itertools.product(_EXTENSIONS, EXTENSION_SUFFIXES):
        library = Path(package.origin).with_name(f"{name}{suffix}")
        if library.exists():
            try:
                torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
            except OSError:
                return False
            return True
    return False
