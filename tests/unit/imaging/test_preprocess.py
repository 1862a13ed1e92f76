"""A picture of any shape becomes the square that a model sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from snapshelf.errors import RequestError
from snapshelf.imaging.preprocess import Fit, Preprocess, crop
from snapshelf.types import Box


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(["squash", "pad", "crop"]))
def test_every_shape_becomes_a_square(width: int, height: int, fit: Fit) -> None:
    square = Preprocess(size_px=32, fit=fit).apply(Image.new("RGB", (width, height), (10, 200, 30)))
    assert square.shape == (32, 32, 3)
    assert square.dtype == np.uint8
    assert square[15:17, 15:17].reshape(-1, 3).tolist().count([10, 200, 30]) > 0


def test_a_photo_that_has_the_size_is_not_touched() -> None:
    rgb_HWC = np.random.default_rng(0).integers(0, 255, (28, 28, 3), dtype=np.uint8)
    assert np.array_equal(Preprocess(size_px=28).apply(Image.fromarray(rgb_HWC)), rgb_HWC)


def test_pad_keeps_proportions_on_white() -> None:
    square = Preprocess(size_px=32, fit="pad").apply(Image.new("RGB", (100, 50), (0, 0, 0)))
    assert (square[:7] == 255).all()
    assert (square[25:] == 255).all()
    assert (square[9:23] == 0).all()


def test_crop_takes_the_middle() -> None:
    image = Image.new("RGB", (300, 100), "red")
    image.paste((0, 0, 255), (100, 0, 200, 100))
    assert (Preprocess(size_px=32, fit="crop").apply(image)[:, 2:-2] == (0, 0, 255)).all()


def test_a_box_cuts_out_its_fractions() -> None:
    image = Image.new("RGB", (100, 50), "white")
    image.paste((255, 0, 0), (20, 10, 60, 40))
    part = crop(image, Box(0.2, 0.2, 0.4, 0.6))
    assert part.size == (40, 30)
    assert (np.asarray(part) == (255, 0, 0)).all()


@pytest.mark.parametrize(
    "box",
    [
        Box(-0.1, 0, 0.5, 0.5),
        Box(0.6, 0, 0.5, 0.5),
        Box(0, 0, 0, 0.5),
        Box(0, 0.9, 0.5, 0.2),
        Box(float("nan"), 0, 1, 1),
    ],
)
def test_a_box_outside_the_photo_is_refused(box: Box) -> None:
    with pytest.raises(RequestError, match="not inside the photo; expected x,y,w,h as fractions"):
        crop(Image.new("RGB", (10, 10)), box)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.floats(0, 0.99),
    st.floats(0, 0.99),
    st.floats(1e-6, 1),
    st.floats(1e-6, 1),
)
def test_any_box_inside_gives_at_least_a_pixel(width: int, height: int, x: float, y: float, w: float, h: float) -> None:
    part = crop(Image.new("RGB", (width, height)), Box(x, y, min(w, 1 - x), min(h, 1 - y)))
    assert part.width >= 1
    assert part.height >= 1
