"""`Encoder` over ONNX Runtime.

Shapes: N photos, S pixels a side, 3 channels, C classes, D numbers an embedding.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.publish import sha256_file
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.types import Encoding

MODEL_FILE = "model.onnx"

_BATCH = 32
"""Photos handed to the engine at once: past this, memory grows and the rate does not."""


class OnnxEncoder:
    """A model folder, opened for looking at photos. May be called from several threads."""

    def __init__(self, folder: Path, *, num_threads: int) -> None:
        """Open `model.onnx` beside its card, on `num_threads` cores.

        Raises:
            ArtifactMissingError: the folder has no model or no card.
            ArtifactMismatchError: the file is not the one that the card describes.
        """
        self.card = ModelCard.read(folder)
        path = folder / MODEL_FILE
        if not path.exists():
            raise ArtifactMissingError(f"{path} is missing. Train again: {ModelCard.remedy}")
        if sha256_file(path) != self.card.onnx_sha256:
            raise ArtifactMismatchError(
                f"{path} is not the file that its card describes (its sha256 differs). Train again: {ModelCard.remedy}"
            )
        options = ort.SessionOptions()
        options.intra_op_num_threads = num_threads
        # Cores that wait for each other by turning in circles have no time for the photos beside.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors only; the engine's warnings are about its own optimiser
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    @property
    def _outputs(self) -> dict[str, tuple[int, ...]]:
        """What the model is asked for, and the shape of it for one photo."""
        always = {"logits": (len(self.card.labels),), "embedding": (self.embedding_dim,)}
        return always | ({"familiarity": ()} if self.card.labels else {})

    @property
    def preprocess(self) -> Preprocess:
        """How a photo is brought to the size that `encode` takes."""
        return self.card.preprocess

    @property
    def embedding_dim(self) -> int:
        """D, the length of an embedding."""
        return self.card.embedding_dim

    def encode(self, photos_NSSC: NDArray[np.uint8]) -> Encoding:
        """What the model says of uint8 RGB photos (N, S, S, 3)."""
        nothing = [np.empty((0, *shape), np.float32) for shape in self._outputs.values()]
        names = list(self._outputs)
        answers = [
            self._session.run(names, {"photos": np.ascontiguousarray(photos_NSSC[start : start + _BATCH])})
            for start in range(0, len(photos_NSSC), _BATCH)
        ]
        return Encoding(*(np.concatenate(parts) for parts in zip(nothing, *answers, strict=True)))
