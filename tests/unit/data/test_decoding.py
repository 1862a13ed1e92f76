"""Photos decoded on several cores: in order, broken ones told apart, the same pixels whatever the source gives."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from snapshelf.data.decoding import Decoded, DecodeJob, choose_size_px, decode_photo, decode_photos
from snapshelf.data.sources.folder import FolderSource
from snapshelf.errors import PhotoError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.types import Photo, Rejected


class MemorySource:
    """Photos held in memory, as bytes or as bare pixels; None cannot be read."""

    format = "memory"

    def __init__(self, content: dict[str, bytes | NDArray[np.uint8] | None]) -> None:
        self.content = content

    def rows(self) -> Iterator[Photo | Rejected]:
        return (Photo(path, "class") for path in self.content)

    def read(self, path: str) -> bytes | NDArray[np.uint8]:
        content = self.content[path]
        if content is None:
            raise PhotoError("gone")
        return content

    def stamp(self, path: str) -> str:
        return ""


def png(pixels_HWC: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels_HWC).save(file, "PNG")
    return file.getvalue()


def job(source: MemorySource | FolderSource, size_px: int = 16, num_threads: int = 2) -> DecodeJob:
    return DecodeJob(source, Preprocess(size_px=size_px), DecodeLimits(), num_threads)


def test_what_comes_out_is_in_the_order_of_what_goes_in(photo_folder: Path) -> None:
    source = FolderSource(photo_folder)
    photos = [row for row in source.rows() if isinstance(row, Photo)] * 5
    done = list(decode_photos(photos, job(source, num_threads=3)))
    assert [each.photo for each in done if isinstance(each, Decoded)] == photos


def test_bare_pixels_and_a_file_of_them_are_the_same_photo() -> None:
    pixels_HWC = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    source = MemorySource({"bare": pixels_HWC, "file": png(pixels_HWC)})
    bare, file = (decode_photo(Photo(path, "class"), job(source)) for path in source.content)
    assert isinstance(bare, Decoded)
    assert isinstance(file, Decoded)
    assert bare.sha256 == file.sha256 == hashlib.sha256(pixels_HWC.tobytes()).hexdigest()
    assert (bare.width_px, bare.height_px) == (file.width_px, file.height_px) == (30, 20)
    np.testing.assert_array_equal(bare.pixels_SSC, file.pixels_SSC)
    assert file.pixels_SSC.shape == (16, 16, 3)


def test_bad_photos_are_rejected_with_their_reason_and_the_others_kept() -> None:
    good = png(np.zeros((8, 8, 3), np.uint8))
    source = MemorySource({"1": good, "2": b"", "3": None, "4": b"text", "5": good})
    done = list(decode_photos((Photo(path, "class") for path in source.content), job(source)))
    reasons = {each.path: each.reason for each in done if isinstance(each, Rejected)}
    assert set(reasons) == {"2", "3", "4"}
    assert "empty" in reasons["2"]
    assert reasons["3"] == "gone"
    assert "Not a picture" in reasons["4"]


@pytest.mark.parametrize(
    ("sides", "expected_px"),
    [([28, 28], 28), ([20, 32], 32), ([28, 33], 224), ([300], 224), ([5], 8), ([], 224)],
)
def test_tiny_photos_keep_their_size_and_others_get_the_default(sides: list[int], expected_px: int) -> None:
    content: dict[str, bytes | NDArray[np.uint8] | None] = {
        str(number): png(np.zeros((side, side // 2 + 1, 3), np.uint8)) for number, side in enumerate(sides)
    }
    assert choose_size_px(MemorySource({"broken": b"x", **content}), DecodeLimits()) == expected_px


def test_the_size_is_known_at_the_first_large_photo() -> None:
    large = np.zeros((40, 40, 3), np.uint8)

    class Watched(MemorySource):
        def read(self, path: str) -> bytes | NDArray[np.uint8]:
            assert path == "first", "the second photo was read"
            return super().read(path)

    assert choose_size_px(Watched({"first": large, "second": large}), DecodeLimits()) == 224
