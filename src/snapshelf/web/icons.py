"""The page's icon as PNG, in the store's colour. Its shape is that of `static/icon.svg`, on a ground of 32 × 32."""

from __future__ import annotations

import functools
import io
import math
from itertools import pairwise

from PIL import Image, ImageColor, ImageDraw

Point = tuple[float, float]

_GROUND = 32
_ROUNDING = 9.0
_STROKE = 2.4
_SMOOTHING = 4
"""Drawn so many times as large, then made small: Pillow's lines have hard edges."""

_MASKED_SCALE = 0.9
"""Systems may cut an icon to a circle of 80 % of its size; so small, the shape stays within."""

_DARK_INK = (17, 19, 18)
_WHITE = (255, 255, 255)


@functools.lru_cache(maxsize=16)
def icon_png(size_px: int, accent: str, *, maskable: bool = False) -> bytes:
    """The icon as a PNG file.

    Args:
        size_px: pixels a side.
        accent: the ground's colour, `#rrggbb`.
        maskable: the ground fills the square, for systems that cut it to a shape of their own.
    """
    large = size_px * _SMOOTHING
    image = Image.new("RGBA", (large, large), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    ground = ImageColor.getrgb(accent)
    scale = large / _GROUND
    draw.rounded_rectangle((0, 0, large - 1, large - 1), 0 if maskable else _ROUNDING * scale, fill=ground)
    shrink = _MASKED_SCALE if maskable else 1.0
    for line in _lines():
        placed = [tuple((16 + (at - 16) * shrink) * scale for at in point) for point in line]
        _stroke(draw, placed, _STROKE * shrink * scale, _ink(ground))
    file = io.BytesIO()
    image.resize((size_px, size_px), Image.Resampling.BOX).save(file, "PNG", optimize=True)
    return file.getvalue()


def _lines() -> list[list[Point]]:
    """Two corners of a frame, the thing in it, and the shelf below."""
    left = [(7, 12), *_arc((9, 9), 2, 180, 270), (12, 7)]
    right = [(20, 7), *_arc((23, 9), 2, 270, 360), (25, 12)]
    thing = [
        *_arc((13.5, 15), 2, 180, 270),
        *_arc((18.5, 15), 2, 270, 360),
        *_arc((18.5, 18.5), 2, 0, 90),
        *_arc((13.5, 18.5), 2, 90, 180),
    ]
    return [left, right, [*thing, thing[0]], [(7, 24), (25, 24)]]


def _arc(centre: Point, radius: float, begin: int, end: int) -> list[Point]:
    """Points on a circle, in degrees from the right, clockwise on a screen."""
    angles = [math.radians(angle) for angle in range(begin, end + 1, 5)]
    return [(centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)) for angle in angles]


def _stroke(draw: ImageDraw.ImageDraw, points: list[tuple[float, ...]], width: float, ink: tuple[int, ...]) -> None:
    """A line with round ends and corners."""
    half = round(width) / 2
    for one, other in pairwise(points):
        draw.line([*one, *other], fill=ink, width=round(width))
    for x, y in points:
        draw.ellipse((x - half, y - half, x + half - 1, y + half - 1), fill=ink)


def _ink(ground: tuple[int, ...]) -> tuple[int, int, int]:
    """White or nearly black, whichever has more contrast (WCAG 2's relative luminance; 0.18 is where they are even)."""
    shares = [(channel / 255) for channel in ground[:3]]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return _WHITE if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.18 else _DARK_INK
