"""Drawn photos: shapes of many colours and a little noise, so that looks and details mean something.

Shapes: N photos, S pixels a side, C = 3 channels.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from snapshelf.imaging.preprocess import Preprocess


def drawn(number: int, side_px: int = 160, num_shapes: int = 25) -> Image.Image:
    """A square picture; another one for each number."""
    random = np.random.default_rng([77, number])
    image = Image.new("RGB", (side_px, side_px), _colour(random))
    draw = ImageDraw.Draw(image)
    for _ in range(num_shapes):
        (left, top), (w, h) = random.integers(-side_px // 10, side_px, 2), random.integers(3, side_px // 3, 2)
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape(tuple(map(int, (left, top, left + w, top + h))), fill=_colour(random))
    noise_SSC = random.normal(0, 3, (side_px, side_px, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise_SSC, 0, 255).astype(np.uint8))


def squares(images: list[Image.Image], size_px: int) -> NDArray[np.uint8]:
    """Pictures as they are prepared, (N, S, S, C)."""
    preprocess = Preprocess(size_px=size_px)
    return np.stack([preprocess.apply(image) for image in images])


def resaved(image: Image.Image, quality: int) -> Image.Image:
    """A picture once it was a JPEG."""
    content = io.BytesIO()
    image.save(content, "JPEG", quality=quality)
    return Image.open(content).convert("RGB")


def cut(image: Image.Image, part: float, x: float = 0.0, y: float = 0.0) -> Image.Image:
    """What is left of a picture's sides, from 0 to 1, where `x` and `y`, 0 to 1, are where it is cut from."""
    width, height = round(part * image.width), round(part * image.height)
    left, top = round(x * (image.width - width)), round(y * (image.height - height))
    return image.crop((left, top, left + width, top + height))


def _colour(random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = random.integers(0, 256, 3).tolist()
    return red, green, blue
