"""The photos of iPhones."""

from __future__ import annotations

import importlib
import struct

import numpy as np
import pytest
from PIL import Image

from snapshelf.errors import HeicNotReadError
from snapshelf.imaging import heic
from snapshelf.imaging.decode import DecodeLimits, decode
from tests.fuzz.forging import picture, plain, saved


def brand(major: bytes, *others: bytes) -> bytes:
    body = major + bytes(4) + b"".join(others)
    return struct.pack(">I", 8 + len(body)) + b"ftyp" + body


def test_heic_is_told_by_its_brands() -> None:
    assert heic.is_heic(brand(b"heic", b"mif1"))
    assert heic.is_heic(brand(b"mif1", b"mif1", b"heic"))
    assert not heic.is_heic(brand(b"mif1", b"mif1", b"avif"))
    assert not heic.is_heic(brand(b"avif", b"heic"))
    assert not heic.is_heic(plain("AVIF"))
    assert not heic.is_heic(plain("JPEG"))
    assert not heic.is_heic(b"")


def test_without_the_extra_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    heic.reads_heic.cache_clear()
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(HeicNotReadError, match=r"HEIC is not read here\. Save the photo as JPEG"):
        decode(brand(b"heic") + bytes(500), DecodeLimits())
    heic.reads_heic.cache_clear()


def saved_heic(image: Image.Image, **options: object) -> bytes:
    pytest.importorskip("pillow_heif").register_heif_opener()
    return saved(image, "HEIF", quality=90, **options)


def test_the_picture_is_the_same() -> None:
    found = decode(saved_heic(picture()), DecodeLimits())
    assert (found.width_px, found.height_px, found.format) == (64, 48, "HEIF")
    difference = np.asarray(found.image, np.int16) - np.asarray(picture(), np.int16)
    assert np.abs(difference).mean() < 4


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_phone_held_any_way_gives_the_upright_picture(orientation: int) -> None:
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}.get(orientation)
    stored = picture() if turn is None else picture().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.info["exif"] = exif.tobytes()  # from here pillow-heif makes the container's own word for it, as phones do
    found = decode(saved_heic(stored), DecodeLimits())
    assert found.orientation == 1
    assert (found.width_px, found.height_px) == (64, 48)
    difference = np.asarray(found.image, np.int16) - np.asarray(picture(), np.int16)
    assert np.abs(difference).mean() < 4


def test_several_photos_in_one_file_give_the_first() -> None:
    other = Image.new("RGB", (64, 48), (0, 0, 200))
    data = saved_heic(picture(), save_all=True, append_images=[other])
    found = decode(data, DecodeLimits())
    assert np.abs(np.asarray(found.image, np.int16) - np.asarray(picture(), np.int16)).mean() < 4
