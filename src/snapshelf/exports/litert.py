"""A model for LiteRT (TensorFlow Lite), which runs on Android and iOS; needs the extra `[litert]`.

Shapes: N photos, S pixels a side, 3 channels.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import litert_torch
import numpy as np
import torch
from ai_edge_quantizer.qtyping import TFLOperationName
from ai_edge_quantizer.quantizer import Quantizer
from numpy.typing import NDArray
from torch import Tensor, nn

from snapshelf.exports.recipe import Recipe
from snapshelf.training.reopened import reopen

INPUT = "args_0"
"""What the converter calls the photos."""

_SIGNATURE = "serving_default"
_OPERATIONS = (
    TFLOperationName.CONV_2D,
    TFLOperationName.DEPTHWISE_CONV_2D,
    TFLOperationName.ADD,
    TFLOperationName.PAD,
    TFLOperationName.MAX_POOL_2D,
)
"""What is computed in integers, as in `quantized`."""


def convert(model_folder: Path, size_px: int, written: Path, calibration_NSSC: NDArray[np.uint8] | None) -> None:
    """Write a model whose outputs are `output_0` (logits), `output_1` (embedding) and `output_2` (familiarity).

    With photos, its convolutions compute in 8-bit integers, in the ranges that they take over these.

    Raises:
        ArtifactMissingError, ConfigError: see `reopen`.
    """
    with _quiet():
        network = reopen(model_folder)
        _replace_max_pools(network)
        example = torch.zeros(1, size_px, size_px, 3, dtype=torch.uint8)
        litert_torch.convert(network, (example,)).export(str(written))
        if calibration_NSSC is not None:
            _quantize(written, calibration_NSSC)


class _GlobalMax(nn.Module):
    """What `AdaptiveMaxPool2d(1)` does, in an operation that the converter knows."""

    def forward(self, maps_NCHW: Tensor) -> Tensor:
        """The largest of each map, (N, C, 1, 1)."""
        return maps_NCHW.amax((2, 3), keepdim=True)


def _replace_max_pools(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.AdaptiveMaxPool2d) and child.output_size in (1, (1, 1)):
            setattr(module, name, _GlobalMax())
        else:
            _replace_max_pools(child)


def _quantize(model: Path, photos_NSSC: NDArray[np.uint8]) -> None:
    quantizer = Quantizer(str(model))
    for operation in _OPERATIONS:
        quantizer.add_static_config(".*", operation, activation_num_bits=8, weight_num_bits=8)
    ranges = quantizer.calibrate({_SIGNATURE: [{INPUT: photo_SSC[None]} for photo_SSC in photos_NSSC]})
    quantizer.quantize(ranges).export_model(str(model), overwrite=True)


def attach(model: Path, files: dict[str, str]) -> None:
    """Files that the model carries with it, as a ZIP behind it: LiteRT's own form for labels."""
    with zipfile.ZipFile(model, "a", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The converter tells of each of its steps, on both outputs."""
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def recipe_names(recipe: Recipe) -> Recipe:
    """The recipe with the names that inputs and outputs have in this form."""
    outputs = {f"output_{place}": value | {"is": name} for place, (name, value) in enumerate(recipe["outputs"].items())}
    return recipe | {"input": recipe["input"] | {"name": INPUT}, "outputs": outputs}
