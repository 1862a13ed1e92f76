"""Which part of a photo makes a product match.

Shapes: S pixels a side, G cells a side of the map, D numbers an embedding, P photos of a product.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snapshelf.ports import Encoder

CELLS = 7
_WINDOW = 2
"""Cells a side that are covered at a time; such windows overlap, so that the map is smooth."""


def match_map(
    encoder: Encoder, photo_SSC: NDArray[np.uint8], product_PD: NDArray[np.float32]
) -> tuple[float, NDArray[np.float32]]:
    """How alike a photo and a product are, and what each part of the photo does for it.

    One part after the other is covered with the photo's mean colour; the more the similarity falls, the more that part
    mattered: occlusion, Zeiler and Fergus, «Visualizing and Understanding Convolutional Networks», ECCV 2014, section
    4.2. It works with any model, and costs 64 looks at the photo.

    Args:
        encoder: the model that made the product's embeddings.
        photo_SSC: the photo, preprocessed.
        product_PD: the embeddings of the product's photos; the one nearest to the photo counts.

    Returns:
        The similarity (cosine), and the map (G, G), 0 where a part did nothing or spoke against it, 1 where it did
        most; all 0 where no part did anything.
    """
    starts = range(1 - _WINDOW, CELLS)
    windows = [(row, column) for row in starts for column in starts]
    covered_NSSC = np.repeat(photo_SSC[None], len(windows) + 1, axis=0)
    edges = np.linspace(0, photo_SSC.shape[0], CELLS + 1).round().astype(int)
    for covered_SSC, (row, column) in zip(covered_NSSC[1:], windows, strict=True):
        top, left = edges[max(0, row)], edges[max(0, column)]
        bottom, right = edges[min(CELLS, row + _WINDOW)], edges[min(CELLS, column + _WINDOW)]
        covered_SSC[top:bottom, left:right] = photo_SSC.mean(axis=(0, 1)).astype(np.uint8)
    similarity_NP = encoder.encode(covered_NSSC).embedding_ND @ product_PD.T
    nearest = int(similarity_NP[0].argmax())
    similarity_N = similarity_NP[:, nearest]
    map_GG = np.zeros((CELLS, CELLS), np.float32)
    for (row, column), similarity in zip(windows, similarity_N[1:], strict=True):
        map_GG[max(0, row) : row + _WINDOW, max(0, column) : column + _WINDOW] += similarity_N[0] - similarity
    map_GG = np.maximum(map_GG, 0.0)
    return float(similarity_N[0]), map_GG / max(float(map_GG.max()), 1e-6)
