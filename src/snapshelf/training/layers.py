"""Layers that compute otherwise for a while."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from torch import Tensor, nn

Layer = TypeVar("Layer", bound=nn.Module)


@contextlib.contextmanager
def forward_by(layers: Sequence[Layer], forward: Callable[[Layer, Tensor], Tensor]) -> Iterator[None]:
    """While the block runs, each of these layers answers by `forward(layer, maps)`."""
    for layer in layers:
        layer.forward = partial(forward, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward
