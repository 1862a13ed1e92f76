"""`model.onnx` in 8-bit integers.

Shapes: N photos, S pixels a side, 3 channels.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from snapshelf.exports.recipe import INPUT

_OPERATIONS = ("Conv", "Add", "Clip", "Relu", "MaxPool", "GlobalAveragePool")
"""What is computed in integers: the network up to its features. What follows is a thousandth of the work and decides
most: logits, familiarity and embedding stay floating point."""


def quantize_int8(model: Path, quantized: Path, photos_NSSC: NDArray[np.uint8]) -> None:
    """Write a model whose convolutions compute in integers, one scale a channel.

    The range of each layer is the one that it takes over these photos: Jacob et al., «Quantization and Training of
    Neural Networks for Efficient Integer-Arithmetic-Only Inference», CVPR 2018, section 3.
    """
    with tempfile.TemporaryDirectory() as work, _quiet():
        simplified = Path(work) / "simplified.onnx"
        quant_pre_process(str(model), str(simplified), skip_symbolic_shape=True)
        quantize_static(
            str(simplified),
            str(quantized),
            _OneByOne(photos_NSSC),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_OPERATIONS),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


class _OneByOne(CalibrationDataReader):  # type: ignore[misc]  # the package has no types
    def __init__(self, photos_NSSC: NDArray[np.uint8]) -> None:
        self._left = iter(photos_NSSC)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next photo, or that there is none."""
        photo_SSC = next(self._left, None)
        return None if photo_SSC is None else {INPUT: photo_SSC[None]}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice to do what is done here."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
