"""An encoder without a model: the mean colour is the embedding.

Shapes: N photos, S pixels a side, C = 3 categories, D = 3 numbers an embedding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snapshelf.imaging.preprocess import Preprocess
from snapshelf.types import Encoding
from tests.tiny_store import COLOURS


class MeanColour:
    """`Encoder` whose logits, if it has labels, are the likeness to blue, green and red. Counts what it looked at."""

    preprocess = Preprocess(size_px=16)
    embedding_dim = 3

    def __init__(self, *, with_labels: bool = True) -> None:
        self._num_labels = len(COLOURS) if with_labels else 0
        self.num_encoded = 0

    def encode(self, photos_NSSC: NDArray[np.uint8]) -> Encoding:
        self.num_encoded += len(photos_NSSC)
        embedding_ND = _centred(photos_NSSC.mean(axis=(1, 2), dtype=np.float32))
        colours_CD = _centred(np.array(list(COLOURS.values()), np.float32))
        logits_NC = 8 * embedding_ND @ colours_CD[: self._num_labels].T
        return Encoding(logits_NC, embedding_ND, logits_NC.max(axis=1) if self._num_labels else None)

    def embedding(self, image: Image.Image) -> NDArray[np.float32]:
        """The embedding of one picture, (D,)."""
        embedding_D: NDArray[np.float32] = self.encode(self.preprocess.apply(image)[None]).embedding_ND[0]
        return embedding_D


def _centred(colour_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    centred_ND = colour_ND - np.float32(127.5)
    unit_ND: NDArray[np.float32] = centred_ND / np.linalg.norm(centred_ND, axis=1, keepdims=True)
    return unit_ND
