"""What is compared of photos."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image, ImageFilter

from snapshelf.drift.quantities import QUANTITIES, of_picture, similarity, values
from snapshelf.types import Encoding, Neighbour, Product
from tests.drawn import drawn


def picture(image: Image.Image, size_px: tuple[int, int] = (160, 160)) -> dict[str, float]:
    return dict(zip(QUANTITIES[4:], of_picture(np.asarray(image), size_px), strict=True))


def near(*found: float) -> list[Neighbour]:
    return [Neighbour(Product("p", "P", "c"), "p", each) for each in found]


def test_black_white_and_what_is_half_of_each() -> None:
    assert picture(Image.new("RGB", (160, 160)))["brightness"] == 0
    white = picture(Image.new("RGB", (160, 160), "white"))
    assert (white["brightness"], white["contrast"]) == pytest.approx((1, 0))
    half = Image.new("RGB", (160, 160))
    half.paste("white", (0, 0, 80, 160))
    assert (picture(half)["brightness"], picture(half)["contrast"]) == pytest.approx((0.5, 0.5))


def test_dark_blurred_and_small_photos() -> None:
    image = drawn(3)
    before, dark = picture(image), picture(image.point(lambda level: level * 0.5))
    assert dark["brightness"] == pytest.approx(before["brightness"] / 2, abs=0.01)
    assert dark["contrast"] == pytest.approx(before["contrast"] / 2, abs=0.01)
    assert picture(image.filter(ImageFilter.GaussianBlur(3)))["sharpness"] < before["sharpness"] / 2
    assert picture(image, (40, 80))["size"] == 0.25
    assert picture(image, (4000, 3000))["size"] == 1
    assert picture(image, (4000, 3000))["aspect"] == pytest.approx(4 / 3)


def test_the_photo_itself_is_not_its_nearest_product() -> None:
    assert similarity(near(0.999, 0.7, 0.6)) == 0.7
    assert similarity(near(0.8, 0.7)) == 0.8
    assert similarity(near(0.999, 0.998, 0.997, 0.1)) == 0.997
    assert math.isnan(similarity([]))


def test_what_a_model_without_classes_does_not_know_is_nan() -> None:
    embedding_ND = np.full((2, 4), 0.5, np.float32)
    found = values(Encoding(np.zeros((2, 0), np.float32), embedding_ND), 1.0, [0.5, 0.6], [[0.1] * 5] * 2)
    assert np.isnan(found[:, :3]).all()
    assert not np.isnan(found[:, 3:]).any()
    logits = np.array([[0.0, 3.0], [9.0, 0.0]], np.float32)
    found = values(Encoding(logits, embedding_ND, np.zeros(2, np.float32)), 2.0, [0, 0], [[0.1] * 5] * 2)
    assert found[:, 0].tolist() == [1, 0]
    assert found[0, 1] == pytest.approx(1 / (1 + math.exp(-1.5)))
