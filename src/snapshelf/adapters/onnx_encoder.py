"""`Encoder` over ONNX Runtime, which runs everywhere.

Shapes: N photos, S pixels a side, 3 channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.settings import Engine

_A_CORE = 2 * 224**2
"""Pixels that are handed to the engine at once, for each core. With more of them, what is between a network's layers
leaves the cores' caches, and the engine keeps as much memory as it ever needed: docs/decisions/0025-engines.md."""

_MOST = 32
"""Photos at once, however small."""


class OnnxEncoder(ModelEncoder):
    """A model folder, opened for looking at photos on `num_threads` cores."""

    engine = f"onnxruntime {ort.__version__}"
    runs_on: Engine = "onnxruntime"

    def __init__(self, folder: Path, *, num_threads: int) -> None:
        """See `ModelEncoder`."""
        super().__init__(folder)
        self._batch = min(_MOST, max(1, num_threads * _A_CORE // self.preprocess.size_px**2))
        options = ort.SessionOptions()
        options.intra_op_num_threads = num_threads
        # Cores that wait for each other by turning in circles have no time for the photos beside.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors only; the engine's warnings are about its own optimiser
        self._session = ort.InferenceSession(self._path, options, providers=["CPUExecutionProvider"])

    def _run(self, photos_NSSC: NDArray[np.uint8]) -> Iterator[list[NDArray[np.float32]]]:
        names = list(self._outputs)
        for start in range(0, len(photos_NSSC), self._batch):
            yield self._session.run(names, {"photos": np.ascontiguousarray(photos_NSSC[start : start + self._batch])})
