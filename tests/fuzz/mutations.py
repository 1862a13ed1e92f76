"""Honest files of every kind that is read, and what random damage makes of them; the same for one number."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice

import numpy as np
from PIL import Image

from tests.fuzz.forging import heic, picture, saved

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""Where lengths, counts and signs turn over."""


@cache
def honest_files() -> dict[str, bytes]:
    """Two dozen small files, by what is peculiar to each; HEIC where pillow-heif is installed."""
    image, grey = picture(96, 72), picture(96, 72).convert("L")
    frames = [image.rotate(turn) for turn in (30, 60)]
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    animated = {"save_all": True, "append_images": frames, "duration": 40}
    files = {
        "JPEG": saved(image, "JPEG", exif=exif, icc_profile=b"profile" * 90),
        "JPEG, progressive": saved(image, "JPEG", progressive=True),
        "JPEG, grey, with restarts": saved(grey, "JPEG", restart_marker_blocks=4),
        "JPEG, CMYK": saved(image.convert("CMYK"), "JPEG"),
        "JPEG, several pictures": saved(image, "MPO", save_all=True, append_images=frames),
        "PNG": saved(image, "PNG", exif=exif),
        "PNG, palette with transparency": saved(image.quantize(16), "PNG", transparency=3),
        "PNG, 16 bits": saved(Image.fromarray(np.asarray(grey, np.uint16) * 257), "PNG"),
        "PNG, animated": saved(image, "PNG", **animated),
        "WebP": saved(image, "WEBP", exif=exif),
        "WebP, lossless": saved(image, "WEBP", lossless=True),
        "WebP, transparent": saved(image.convert("RGBA"), "WEBP"),
        "WebP, animated": saved(image, "WEBP", **animated),
        "GIF": saved(image, "GIF"),
        "GIF, animated": saved(image, "GIF", **animated),
        "BMP": saved(image, "BMP"),
        "BMP, palette": saved(image.quantize(16), "BMP"),
        "TIFF": saved(image, "TIFF", exif=exif),
        "TIFF, LZW": saved(image, "TIFF", compression="tiff_lzw"),
        "TIFF, deflated": saved(image, "TIFF", compression="tiff_adobe_deflate"),
        "TIFF, JPEG": saved(image, "TIFF", compression="jpeg"),
        "TIFF, fax": saved(image.convert("1"), "TIFF", compression="group4"),
        "TIFF, 64 bits": saved(image, "TIFF", big_tiff=True),
        "AVIF": saved(image, "AVIF", exif=exif, speed=10),
        "AVIF, animated": saved(image, "AVIF", speed=10, **animated),
    }
    return files | _heic_files()


def _heic_files() -> dict[str, bytes]:
    try:
        heic(8)
    except ImportError:
        return {}
    buffer = io.BytesIO()
    picture(96, 72).save(buffer, "HEIF", quality=60)
    return {"HEIC": buffer.getvalue()}


def mutations(data: bytes, seed: int) -> Iterator[bytes]:
    """Damaged copies of a file without end: one to eight things are done to each."""
    number = 0
    while True:
        rng = random.Random(f"{seed} {number}")
        damaged = bytearray(data)
        for _ in range(rng.randint(1, 8)):
            rng.choice(_DAMAGES)(damaged, rng)
        yield bytes(damaged)
        number += 1


def some_mutations(data: bytes, seed: int, count: int) -> Iterator[bytes]:
    """The first of them."""
    return islice(mutations(data, seed), count)


def _place(damaged: bytearray, rng: random.Random) -> int:
    """Half of the damage is done to the head, where the structure is."""
    return rng.randrange(max(1, len(damaged) if rng.random() < 0.5 else min(len(damaged), 512)))


def _set_byte(damaged: bytearray, rng: random.Random) -> None:
    at = _place(damaged, rng)
    damaged[at : at + 1] = bytes((rng.randrange(256),))


def _flip_bit(damaged: bytearray, rng: random.Random) -> None:
    at = _place(damaged, rng)
    damaged[at : at + 1] = bytes(byte ^ (1 << rng.randrange(8)) for byte in damaged[at : at + 1])


def _set_number(damaged: bytearray, rng: random.Random) -> None:
    at, order, value = _place(damaged, rng), rng.choice("<>"), rng.choice(_NUMBERS)
    kind, width = rng.choice((("B", 1), ("H", 2), ("I", 4)))
    damaged[at : at + width] = struct.pack(order + kind, value & (256**width - 1))


def _take_out(damaged: bytearray, rng: random.Random) -> None:
    at = _place(damaged, rng)
    del damaged[at : at + rng.randint(1, 64)]


def _repeat(damaged: bytearray, rng: random.Random) -> None:
    at = _place(damaged, rng)
    damaged[at:at] = damaged[at : at + rng.randint(1, 64)] * rng.choice((1, 2, 50))


def _move(damaged: bytearray, rng: random.Random) -> None:
    at = _place(damaged, rng)
    piece = damaged[at : at + rng.randint(1, 64)]
    to = _place(damaged, rng)
    damaged[to : to + len(piece)] = piece


def _cut_off(damaged: bytearray, rng: random.Random) -> None:
    if rng.random() < 0.3:
        del damaged[_place(damaged, rng) :]


_DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _set_byte, _flip_bit, _set_number, _take_out, _repeat, _move, _cut_off,
)  # fmt: skip
