"""What is compared of photos: numbers that the model, the index and the photo itself give.

Shapes: N photos, Q quantities, S pixels a side, 3 channels, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snapshelf.data.facts import sharpness
from snapshelf.metrics.calibration import softmax
from snapshelf.types import Encoding, Neighbour

Quantity = Literal[
    "class", "confidence", "familiarity", "similarity", "brightness", "contrast", "sharpness", "size", "aspect"
]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
"""In the order of the columns: the predicted class (its index), the calibrated probability of it, the familiarity, the
similarity to the nearest product, and what `of_picture` says."""

NUM_NEIGHBOURS = 3
"""Products that `similarity` needs."""

_THE_SAME = 0.99
"""Two photos as alike as this are one photo: see `similarity`."""


def values(
    encoding: Encoding,
    temperature: float,
    similarity_N: Sequence[float] | NDArray[np.floating],
    picture_N5: Sequence[Sequence[float]] | NDArray[np.floating],
) -> NDArray[np.float32]:
    """The quantities of N photos, (N, Q) float32; NaN is what is not known, such as the class of a model without any.

    Args:
        encoding: what the model says of them.
        temperature: the model's.
        similarity_N: to the nearest product, NaN where there is no index.
        picture_N5: what `of_picture` says of each.
    """
    values_NQ = np.full((len(encoding.embedding_ND), len(QUANTITIES)), np.nan, np.float32)
    if encoding.logits_NC.shape[1]:
        probabilities_NC = softmax(encoding.logits_NC, temperature)
        values_NQ[:, 0] = probabilities_NC.argmax(axis=1)
        values_NQ[:, 1] = probabilities_NC.max(axis=1)
    if encoding.familiarity_N is not None:
        values_NQ[:, 2] = encoding.familiarity_N
    values_NQ[:, 3] = similarity_N
    values_NQ[:, 4:] = np.asarray(picture_N5).reshape(-1, 5)
    return values_NQ


def of_picture(pixels_SSC: NDArray[np.uint8], size_px: tuple[int, int]) -> tuple[float, float, float, float, float]:
    """Brightness, contrast, sharpness, size and aspect of one photo.

    Brightness is the mean luma and contrast its standard deviation, 0 to 1; sharpness is that of `data.facts`. Size is
    the shorter side over S, at most 1, since the model sees no more than that. Aspect is width over height.

    Args:
        pixels_SSC: the photo as the model sees it.
        size_px: width and height of the upright photo before that.
    """
    luma = Image.fromarray(pixels_SSC).convert("L")
    counts, levels = np.array(luma.histogram()), np.arange(256) / 255
    mean = float(counts @ levels) / counts.sum()
    contrast = float(counts @ (levels - mean) ** 2 / counts.sum()) ** 0.5
    width, height = size_px
    return mean, contrast, sharpness(luma), min(1.0, min(size_px) / len(pixels_SSC)), width / height


def similarity(nearest: Sequence[Neighbour]) -> float:
    """How alike a photo and the nearest product are, -1 to 1; NaN where there is no product.

    A product that shows the very same photo is passed over: the usual photos are often the catalogue's own, and would
    be found as themselves.

    Args:
        nearest: the `NUM_NEIGHBOURS` nearest products, the nearest first.
    """
    others = [near.similarity for near in nearest[:NUM_NEIGHBOURS]]
    return next((each for each in others if each < _THE_SAME), others[-1] if others else float("nan"))
