"""What is known of a photo once it is prepared: a fixed number of bytes, so that a million of them are no burden.

Shapes: S pixels a side, C = 3 channels.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FACTS_VERSION = 2
"""Changes with `FACTS` and with how they are measured: older ones are then measured anew."""

FACTS = np.dtype(
    [
        ("sha256", np.uint8, 32),  # of the prepared pixels
        ("width_px", np.int32),  # of the upright photo, before it was prepared
        ("height_px", np.int32),
        ("orientation", np.uint8),  # the EXIF value that was undone, 1 to 8
        ("brightness", np.float32),  # the luma that 99 % of the pixels do not exceed, 0 to 1
        ("contrast", np.float32),  # the range of luma that 98 % of the pixels lie in, 0 to 1
        ("sharpness", np.float32),  # see `sharpness`
        ("look", np.uint64),  # perceptual hash: see `_looks`
        ("turned_look", np.uint64),  # the same for a photo that is turned or mirrored
    ]
)

SHARPNESS_PX = 224
"""The side at which sharpness is measured; smaller photos are taken as they are."""

_LOOK_PX = 32
_FREQUENCIES = 8
_COSINES = np.cos(
    np.pi * (2 * np.arange(_LOOK_PX)[None] + 1) * np.arange(_FREQUENCIES)[:, None] / (2 * _LOOK_PX)
).astype(np.float32)
_UPPER = np.triu_indices(_FREQUENCIES)
_STRONGEST = 0.995


def measure(pixels_SSC: NDArray[np.uint8], size_px: tuple[int, int], orientation: int) -> bytes:
    """The facts of one photo, as the bytes of one `FACTS`.

    Args:
        pixels_SSC: the prepared photo.
        size_px: width and height of the upright photo before it was prepared.
        orientation: the EXIF value that was undone.
    """
    luma = Image.fromarray(pixels_SSC).convert("L")
    brightness, contrast = _range(luma)
    look, turned_look = _looks(luma)
    facts = np.empty((), FACTS)
    facts["sha256"] = np.frombuffer(hashlib.sha256(np.ascontiguousarray(pixels_SSC).data).digest(), np.uint8)
    facts["width_px"], facts["height_px"] = size_px
    facts["orientation"] = orientation
    facts["brightness"], facts["contrast"], facts["sharpness"] = brightness, contrast, sharpness(luma)
    facts["look"], facts["turned_look"] = look, turned_look
    return facts.tobytes()


def _range(luma: Image.Image) -> tuple[float, float]:
    counts = np.array(luma.histogram()).cumsum()
    low, high = counts.searchsorted((0.01 * counts[-1], 0.99 * counts[-1]))
    return float(high) / 255, float(high - low) / 255


def sharpness(luma: Image.Image) -> float:
    """The strongest second differences over the strongest first ones: 0.4 or less where all edges are soft.

    Both are of the same edges, so that a photo of low contrast is not taken for a blurred one, nor a plain product
    before a plain wall. Larger photos are reduced to 224 px first, since edges are softer the larger they are shown.
    """
    if luma.width > SHARPNESS_PX:
        luma = luma.resize((SHARPNESS_PX, SHARPNESS_PX), Image.Resampling.HAMMING)
    luma_SS = np.asarray(luma).astype(np.int16)
    rows = luma_SS[1:-1:2]  # every other row is enough
    middle, up, down = rows[:, 1:-1], luma_SS[:-2:2, 1:-1], luma_SS[2::2, 1:-1]
    left, right = rows[:, :-2], rows[:, 2:]
    second = np.abs(4 * middle - up - down - left - right)
    first = np.abs(down - up) + np.abs(right - left)
    return _quantile(second) / (_quantile(first) + 1.0)


def _quantile(values: NDArray[np.int16]) -> float:
    counts = np.bincount(values.ravel(), minlength=1).cumsum()
    return float(counts.searchsorted(_STRONGEST * counts[-1]))


def _looks(luma: Image.Image) -> tuple[int, int]:
    """Two perceptual hashes of 63 and 35 bits, from the 8 × 8 lowest frequencies (as in pHash, Zauner 2010).

    The first has their signs; mirroring and turning only inverts and swaps some of them. The second has which of them
    are strong, whatever their sign and direction, so that it stays the same.
    """
    small = np.asarray(luma.resize((_LOOK_PX, _LOOK_PX), Image.Resampling.BOX), np.float32)
    waves = _COSINES @ small @ _COSINES.T
    signs = (waves > 0).ravel()
    signs[0] = False  # the mean says nothing of the look
    strengths = (np.abs(waves) + np.abs(waves.T))[_UPPER][1:]
    return _bits(signs), _bits(strengths > np.sort(strengths)[len(strengths) // 2])


def _bits(values: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(values).tobytes())
