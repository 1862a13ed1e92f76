"""What every engine that runs a model of the store shares.

Shapes: N photos, S pixels a side, 3 channels, C classes, D numbers an embedding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.publish import sha256_file
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.settings import Engine
from snapshelf.types import Encoding

MODEL_FILE = "model.onnx"


class ModelEncoder(ABC):
    """A model folder, opened for looking at photos. May be called from several threads."""

    engine: str
    """What runs the model, and its version."""

    runs_on: Engine
    """The setting that asks for this engine."""

    def __init__(self, folder: Path) -> None:
        """Check `model.onnx` against the card beside it.

        Raises:
            ArtifactMissingError: the folder has no model or no card.
            ArtifactMismatchError: the file is not the one that the card describes.
        """
        self.card = ModelCard.read(folder)
        self._path = folder / MODEL_FILE
        if not self._path.exists():
            raise ArtifactMissingError(f"{self._path} is missing. Train again: {ModelCard.remedy}")
        if sha256_file(self._path) != self.card.onnx_sha256:
            raise ArtifactMismatchError(
                f"{self._path} is not the file that its card describes (its sha256 differs). Train again: "
                f"{ModelCard.remedy}"
            )

    @property
    def _outputs(self) -> dict[str, tuple[int, ...]]:
        """What the model is asked for, and the shape of it for one photo."""
        always = {"logits": (len(self.card.labels),), "embedding": (self.embedding_dim,)}
        return always | ({"familiarity": ()} if self.card.labels and self.card.familiarity == "output" else {})

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
        said = Encoding(*(np.concatenate(parts) for parts in zip(nothing, *self._run(photos_NSSC), strict=True)))
        if self.card.labels and self.card.familiarity == "largest-logit":
            return replace(said, familiarity_N=said.logits_NC.max(axis=1))
        return said

    @abstractmethod
    def _run(self, photos_NSSC: NDArray[np.uint8]) -> Iterator[list[NDArray[np.float32]]]:
        """The outputs, in their order, of one part of the photos after the other."""
