"""Generated pictures and an empty store, for every test that needs some."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from snapshelf.artifacts.store import Store

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # how fast something is says a bench, not a test on a busy machine

MakePicture = Callable[..., Image.Image]
COLOURS = {"blue": (40, 60, 200), "green": (40, 170, 60), "red": (200, 50, 40)}


@pytest.fixture
def make_picture() -> MakePicture:
    """`make_picture("red", 3)`: a picture mostly of that colour, another one for each number; `size` is (48, 40)."""

    def make(colour: str, number: int = 0, size: tuple[int, int] = (48, 40)) -> Image.Image:
        random = np.random.default_rng([number, zlib.crc32(colour.encode())])
        noise_HWC = random.integers(-30, 31, (size[1], size[0], 3))
        return Image.fromarray(np.clip(noise_HWC + COLOURS[colour], 0, 255).astype(np.uint8))

    return make


@pytest.fixture
def photo_folder(tmp_path: Path, make_picture: MakePicture) -> Path:
    """`photos/<class>/<number>.png`: 20 photos each of the classes blue, green and red, every one different."""
    root = tmp_path / "photos"
    for colour in COLOURS:
        (root / colour).mkdir(parents=True)
        for number in range(20):
            make_picture(colour, number).save(root / colour / f"{number:02}.png")
    return root


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")
