"""Which colours a photo's product has, by the names that people use.

Shapes: P pixels, 3 channels.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURS = ("black", "grey", "white", "red", "orange", "brown", "beige", "yellow", "green", "blue", "purple", "pink")
"""The basic colour terms (Berlin and Kay, «Basic Color Terms», 1969), and beige, which shops cannot do without."""

_LOOKED_AT_PX = 32
_SAME_BACKGROUND = 0.06
"""Pixels nearer than this in OKLab, where 0.02 can just be seen, are one background."""
_EVEN_FRAME = 0.6
"""A frame of which less than this share has one colour is no background that could be told from the product."""
_LEAST_PRODUCT = 0.05
_LEAST_SHARE = 0.2
_MOST_COLOURS = 2

_GREY_CHROMA = 0.035
_HUES = ((10.0, "pink"), (40.0, "red"), (73.0, "orange"), (115.0, "yellow"), (168.0, "green"), (283.0, "blue"),
         (335.0, "purple"), (360.0, "pink"))  # fmt: skip
"""Up to which angle in OKLab, in degrees, a hue has a name."""


def dominant_colours(image: Image.Image) -> tuple[str, ...]:
    """The one or two colours that a product mostly has, most first; each has a fifth of its pixels at least.

    An even background, seen in the photo's frame, does not count; what is in the middle counts more than the edges.

    Args:
        image: RGB, of any size.
    """
    coloured = image if image.mode == "RGB" else image.convert("RGB")
    small = np.asarray(coloured.resize((_LOOKED_AT_PX, _LOOKED_AT_PX), Image.Resampling.BOX))
    rgb_P3 = small.reshape(-1, 3)
    weight_P = _CENTRED_P * _is_product(oklab(rgb_P3))
    share_C = np.bincount(_rough_names()[_rough(rgb_P3)], weight_P, len(COLOURS)) / weight_P.sum()
    most = np.argsort(-share_C, kind="stable")[:_MOST_COLOURS]
    return tuple(COLOURS[index] for index in most if share_C[index] >= _LEAST_SHARE)


def oklab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """sRGB, 0 to 255 in the last axis, as lightness 0 to 1 and two axes of colour.

    Björn Ottosson, «A perceptual color space for image processing», 2020: equal distances look equally far.
    """
    lab: NDArray[np.float32] = np.cbrt(_LINEAR[rgb] @ _TO_CONES.T) @ _FROM_CONES.T
    return lab


def _linear() -> NDArray[np.float32]:
    """The light of each of the 256 values of sRGB, 0 to 1."""
    share = np.arange(256) / 255.0
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


_LINEAR = _linear()
_TO_CONES = np.array([
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
], np.float32)  # fmt: skip
_FROM_CONES = np.array([
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
], np.float32)  # fmt: skip


def colour_names(rgb_P3: NDArray[np.uint8]) -> list[str]:
    """The name of each colour."""
    return [COLOURS[index] for index in _names(oklab(rgb_P3))]


def _names(lab_P3: NDArray[np.float32]) -> NDArray[np.int64]:
    """Indices into `COLOURS`."""
    lightness_P, chroma_P = lab_P3[:, 0], np.hypot(lab_P3[:, 1], lab_P3[:, 2])
    hue_P = np.degrees(np.arctan2(lab_P3[:, 2], lab_P3[:, 1])) % 360.0
    edges, names = zip(*_HUES, strict=True)
    name_P = np.array([COLOURS.index(name) for name in names])[np.searchsorted(edges, hue_P)]
    _rename(name_P, "orange", lightness_P < 0.6, "brown")
    _rename(name_P, "yellow", lightness_P < 0.5, "brown")
    _rename(name_P, "red", (lightness_P < 0.42) & (hue_P > 30), "brown")
    _rename(name_P, "red", lightness_P > 0.72, "pink")
    _rename(name_P, "purple", (lightness_P > 0.6) & (hue_P > 315), "pink")
    is_pale_P = (lightness_P > 0.68) & (chroma_P < 0.085)
    _rename(name_P, "orange", is_pale_P, "beige")
    _rename(name_P, "yellow", is_pale_P & (hue_P < 100), "beige")
    is_grey_P = (chroma_P < _GREY_CHROMA) | (lightness_P < 0.2)
    grey_P = np.where(lightness_P < 0.32, COLOURS.index("black"), COLOURS.index("grey"))
    grey_P = np.where(lightness_P > 0.88, COLOURS.index("white"), grey_P)
    return np.where(is_grey_P, grey_P, name_P)


def _rename(name_P: NDArray[np.int64], old: str, where_P: NDArray[np.bool_], new: str) -> None:
    name_P[(name_P == COLOURS.index(old)) & where_P] = COLOURS.index(new)


_ROUGH_BITS = 6


def _rough(rgb_P3: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Which of the small cubes of colours, 4 by 4 by 4 values, each colour is in."""
    cube_P3 = (rgb_P3 >> (8 - _ROUGH_BITS)).astype(np.int64)
    return (cube_P3[:, 0] << 2 * _ROUGH_BITS) | (cube_P3[:, 1] << _ROUGH_BITS) | cube_P3[:, 2]


@functools.cache
def _rough_names() -> NDArray[np.int64]:
    """The name of the middle of each cube: looked up, since naming a photo's pixels one by one takes longer than all
    else here."""
    num = 1 << _ROUGH_BITS
    middle = ((np.arange(num) << (8 - _ROUGH_BITS)) + (1 << (7 - _ROUGH_BITS))).astype(np.uint8)
    red, green, blue = np.meshgrid(middle, middle, middle, indexing="ij")
    return _names(oklab(np.stack([red, green, blue], axis=-1).reshape(-1, 3)))


def _centred(side: int) -> NDArray[np.float64]:
    """Weights of a photo's pixels, row by row: 1 in the middle, a tenth in the corners."""
    away_S = np.linspace(-1.0, 1.0, side)
    weight_SS: NDArray[np.float64] = np.exp(-(away_S[:, None] ** 2 + away_S**2) * math.log(10) / 2)
    return weight_SS.ravel()


def _frame(side: int) -> NDArray[np.int64]:
    """Which pixels, row by row, are the outermost ones."""
    inner_SS = np.zeros((side, side), bool)
    inner_SS[1:-1, 1:-1] = True
    return np.flatnonzero(~inner_SS)


_CENTRED_P = _centred(_LOOKED_AT_PX)
_FRAME_P = _frame(_LOOKED_AT_PX)


def _is_product(lab_P3: NDArray[np.float32]) -> NDArray[np.bool_]:
    """What differs from an even background; everything where there is none."""
    background_3 = np.sort(lab_P3[_FRAME_P], axis=0)[len(_FRAME_P) // 2]
    away_P3 = lab_P3 - background_3
    differs_P: NDArray[np.bool_] = np.einsum("pc,pc->p", away_P3, away_P3) >= _SAME_BACKGROUND**2
    is_even = np.count_nonzero(differs_P[_FRAME_P]) <= (1 - _EVEN_FRAME) * len(_FRAME_P)
    is_told_apart = is_even and np.count_nonzero(differs_P) >= _LEAST_PRODUCT * len(differs_P)
    return differs_P if is_told_apart else np.ones_like(differs_P)
