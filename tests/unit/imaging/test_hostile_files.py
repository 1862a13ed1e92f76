"""Files that are made to hurt: each gives a picture or an error in words. `make fuzz` tries thousands more."""

from __future__ import annotations

import importlib.util

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshelf.errors import PhotoError
from snapshelf.imaging.decode import DecodeLimits, decode
from tests.fuzz.hostile import HOSTILE, HOSTILE_HEIC
from tests.fuzz.mutations import honest_files, some_mutations

LIMITS = DecodeLimits()
BUDGET_BYTES = 1_000_000

STILL_PICTURES = (
    "pdf that is a jpeg as well", "jpeg with a page behind it", "zip behind a png", "png with a shared exif",
    "gif with frames without end", "webp with frames without end", "apng of 2,000 frames", "avif of 1,000 frames",
    "tiff with pages without end", "tiff with pages in a circle", "jpeg with a shared exif",
    "png with a text bomb (zTXt)", "png with a profile bomb (iCCP)",
)  # fmt: skip
REFUSED = (
    "progressive jpeg, 1,000 × 1,000, scan upon scan", "jpeg with exif upon exif", "jpeg with empty segments",
    "bmp in runs of one pixel", "tiff that is a broken fax of 40 million lines", "gif with no blocks",
    "avif that says 30,000 × 30,000", "png that says 60,000 × 60,000", "svg under a picture's name",
    "pdf under a picture's name", "gif with comments of one byte",
)  # fmt: skip
SLOW_TO_MAKE = (
    "avif of 49 million pixels in one colour", "avif that says 64 × 64 and is 7,000 × 7,000",
    "webp of 49 million pixels in one colour", "heic of 12 million pixels in one colour",
)  # fmt: skip


def outcome(data: bytes) -> str:
    """Anything but a picture or a `PhotoError` fails the test."""
    try:
        picture = decode(data, LIMITS, needed_px=64)
    except PhotoError as error:
        return type(error).__name__
    assert picture.image.mode == "RGB"
    assert picture.width_px * picture.height_px <= LIMITS.max_pixels
    return "picture"


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in SLOW_TO_MAKE])
def test_a_hostile_file_gives_a_picture_or_an_error_in_words(name: str) -> None:
    found = outcome(HOSTILE[name](BUDGET_BYTES))
    assert name not in STILL_PICTURES or found == "picture"
    assert name not in REFUSED or found != "picture"


@pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is None, reason="pillow-heif is not installed")
@pytest.mark.parametrize("name", [name for name in HOSTILE_HEIC if name not in SLOW_TO_MAKE])
def test_so_does_a_hostile_heic(name: str) -> None:
    assert outcome(HOSTILE_HEIC[name](BUDGET_BYTES)) in ("picture", "PhotoError", "PhotoTooManyPixelsError")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(honest_files())), st.integers(0, 2**32))
def test_a_damaged_file_of_any_kind_gives_a_picture_or_an_error(name: str, seed: int) -> None:
    for data in some_mutations(honest_files()[name], seed, 2):
        outcome(data)


@pytest.mark.parametrize("name", sorted(honest_files()))
def test_undamaged_they_are_pictures(name: str) -> None:
    fax = name == "TIFF, fax"
    assert outcome(honest_files()[name]) == ("PhotoError" if fax else "picture")


def test_what_a_decoder_writes_to_standard_error_is_bounded(capfd: pytest.CaptureFixture[str]) -> None:
    outcome(HOSTILE["tiff that is a broken fax of 40 million lines"](0))
    assert len(capfd.readouterr().err) < 2_000
