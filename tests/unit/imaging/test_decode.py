"""Every kind of file that customers and stores send: the right picture, or an error that says what to do."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from snapshelf.errors import (
    NotAPhotoError,
    PhotoError,
    PhotoTooManyBytesError,
    PhotoTooManyPixelsError,
    TruncatedPhotoError,
)
from snapshelf.imaging.decode import DecodeLimits, decode
from tests.drawn import drawn

LIMITS = DecodeLimits()

STORED_BY = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera held in each way stores an upright scene."""


def scene(width: int = 64, height: int = 48) -> Image.Image:
    """A smooth picture whose four corners differ, so that every turn and flip shows."""
    x_W, y_H = np.linspace(0, 255, width), np.linspace(0, 255, height)
    rgb_HWC = np.stack([np.tile(x_W, (height, 1)), np.tile(y_H[:, None], (1, width)), np.full((height, width), 60)], -1)
    return Image.fromarray(rgb_HWC.astype(np.uint8))


def saved(image: Image.Image, format_name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.int16)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF"])
def test_common_formats_give_the_same_picture(format_name: str) -> None:
    options = {} if format_name in ("PNG", "BMP", "TIFF") else {"quality": 95}
    picture = decode(saved(scene(), format_name, **options), LIMITS)
    assert (picture.width_px, picture.height_px, picture.format) == (64, 48, format_name)
    assert np.abs(pixels(picture.image) - pixels(scene())).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_exif_orientations_give_the_upright_picture(orientation: int) -> None:
    turn = STORED_BY[orientation]
    stored = scene() if turn is None else scene().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(saved(stored, "PNG", exif=exif), LIMITS)
    assert (picture.width_px, picture.height_px, picture.orientation) == (64, 48, orientation)
    assert np.array_equal(pixels(picture.image), pixels(scene()))


def test_an_orientation_out_of_range_is_taken_for_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert decode(saved(scene(), "JPEG", exif=exif), LIMITS).orientation == 1


def test_cmyk_becomes_rgb() -> None:
    picture = decode(saved(Image.new("RGB", (32, 32), (200, 30, 30)).convert("CMYK"), "JPEG", quality=95), LIMITS)
    assert picture.image.mode == "RGB"
    assert np.abs(pixels(picture.image).mean(axis=(0, 1)) - [200, 30, 30]).max() < 12


def test_sixteen_bit_grey_keeps_its_range() -> None:
    grey_HW = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    picture = decode(saved(Image.fromarray(grey_HW), "PNG"), LIMITS)
    expected_HW = (grey_HW / 257).round()
    assert np.abs(pixels(picture.image)[..., 0] - expected_HW).max() <= 1


def test_a_dark_sixteen_bit_photo_stays_dark() -> None:
    picture = decode(saved(Image.fromarray(np.full((8, 8), 200, np.uint16)), "PNG"), LIMITS)
    assert pixels(picture.image).max() <= 1


def test_palette_with_transparency_is_laid_on_white() -> None:
    image = Image.new("RGBA", (16, 16), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 8, 16))
    picture = decode(saved(image.quantize(8), "PNG"), LIMITS)
    assert tuple(pixels(picture.image)[8, 2]) == (255, 255, 255)
    assert pixels(picture.image)[8, 12, 0] > 240
    assert pixels(picture.image)[8, 12, 1] < 15


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "lime", "blue")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    assert tuple(pixels(decode(data, LIMITS).image)[4, 4]) == (255, 0, 0)


def test_a_large_jpeg_is_decoded_at_a_smaller_scale_but_keeps_its_size_in_words() -> None:
    picture = decode(saved(scene(1600, 1200), "JPEG"), LIMITS, needed_px=100)
    assert (picture.width_px, picture.height_px) == (1600, 1200)
    assert 100 <= min(picture.image.size) < 200


def test_an_empty_file_is_named() -> None:
    with pytest.raises(PhotoError, match="empty"):
        decode(b"", LIMITS)


def test_text_under_a_picture_name_is_not_a_picture() -> None:
    with pytest.raises(PhotoError, match=r"Not a picture.*JPEG"):
        decode(b"dear shop, here is my photo" * 50, LIMITS)


def test_svg_and_pdf_are_not_taken() -> None:
    for data in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7\n" + b"0" * 500):
        with pytest.raises(PhotoError, match="Not a picture"):
            decode(data, LIMITS)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
def test_a_cut_off_file_is_refused(format_name: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = saved(noise, format_name)
    with pytest.raises(PhotoError, match=r"broken or cut off|Not a picture"):
        decode(data[: len(data) // 2], LIMITS)


WITH_END = {
    "JPEG": saved(drawn(0, 96), "JPEG"),
    "progressive JPEG": saved(drawn(0, 96), "JPEG", progressive=True),
    "PNG": saved(drawn(0, 96), "PNG"),
    "WEBP": saved(drawn(0, 96), "WEBP"),
    "lossless WEBP": saved(drawn(0, 96), "WEBP", lossless=True),
    "GIF": saved(drawn(0, 96), "GIF"),
    "BMP": saved(drawn(0, 96), "BMP"),
}


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", WITH_END)
def test_a_file_whose_end_is_missing_is_told_from_other_broken_ones(kind: str, part: float) -> None:
    data = WITH_END[kind]
    with pytest.raises(TruncatedPhotoError, match="broken or cut off"):
        decode(data[: int(part * len(data))], LIMITS)


@pytest.mark.parametrize("needed_px", [None, 8])
def test_a_large_jpeg_that_is_cut_off_is_not_decoded_at_a_smaller_scale(needed_px: int | None) -> None:
    data = saved(drawn(0, 640), "JPEG")
    with pytest.raises(TruncatedPhotoError):
        decode(data[: len(data) // 2], LIMITS, needed_px=needed_px)


def test_a_whole_file_is_never_called_cut_off() -> None:
    for data in WITH_END.values():
        assert decode(data, LIMITS).width_px == 96


def broken(kind: str) -> bytes:
    """A file of full length with something wrong inside."""
    data = bytearray(WITH_END[kind])
    if kind == "PNG":
        data[16] = 255  # the width, so that the header's checksum is wrong
    elif kind == "JPEG":
        start = data.index(b"\xff\xc0")
        data[start + 4] = 99  # bits a channel
    else:
        data[20:60] = bytes(40)
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "lossless WEBP"])
def test_what_is_broken_otherwise_is_not_called_cut_off(kind: str) -> None:
    with pytest.raises(PhotoError) as refused:
        decode(broken(kind), LIMITS)
    assert not isinstance(refused.value, TruncatedPhotoError)


@pytest.mark.parametrize("data", [b"", b"no picture" * 50], ids=["empty", "text"])
def test_what_is_no_picture_is_not_called_cut_off(data: bytes) -> None:
    with pytest.raises(NotAPhotoError):
        decode(data, LIMITS)


def test_too_many_bytes_are_refused_before_anything_is_read() -> None:
    with pytest.raises(PhotoTooManyBytesError, match="1,001 bytes; at most 1,000"):
        decode(b"x" * 1001, DecodeLimits(max_bytes=1000))


def test_a_decompression_bomb_is_refused_from_its_header() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(PhotoTooManyPixelsError, match=r"3600\.0 million.*at most 50 million"):
        decode(bomb, LIMITS)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_file_gives_a_picture_or_a_photo_error(data: st.DataObject) -> None:
    format_name = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"]))
    damaged = bytearray(saved(scene(24, 16), format_name))
    for _ in range(data.draw(st.integers(1, 12))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = decode(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]), LIMITS)
    except PhotoError:
        return
    assert picture.image.mode == "RGB"
