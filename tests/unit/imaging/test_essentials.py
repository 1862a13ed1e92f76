"""What is kept of a file for its pixels' sake, and what is refused for having too many pieces."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from snapshelf.errors import PhotoError, TruncatedPhotoError
from snapshelf.imaging.decode import DecodeLimits, decode
from snapshelf.imaging.essentials import MAX_GIF_BLOCKS, MAX_JPEG_SCANS, MAX_JPEG_SEGMENTS, MAX_PNG_CHUNKS, essentials
from tests.fuzz.forging import chunk, gif, jpeg, picture, plain, png, progressive_bomb, saved, segment


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(decode(data, DecodeLimits()).image)


def with_notes(format_name: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    notes: dict[str, object] = {"exif": exif, "icc_profile": b"a profile" * 20, "comment": b"a note"}
    if format_name == "PNG":
        notes |= {"save_all": True, "append_images": [picture().rotate(9)]}
    return saved(picture(), format_name, **notes)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "GIF"])
def test_notes_go_and_the_picture_stays_the_same(format_name: str) -> None:
    data = with_notes(format_name)
    kept = essentials(data)
    assert len(kept) < len(data)
    assert b"a profile" not in kept
    assert b"a note" not in kept
    assert np.array_equal(pixels(data), by_pillow_alone(data))


def by_pillow_alone(data: bytes) -> np.ndarray:
    """The whole file, upright."""
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))


def test_an_exif_block_that_says_which_way_up_is_kept() -> None:
    for format_name in ("JPEG", "PNG"):
        assert decode(with_notes(format_name), DecodeLimits()).orientation == 6


def test_of_a_png_what_is_behind_its_end_goes() -> None:
    assert essentials(plain("PNG") + b"PK\3\4") == plain("PNG")


def test_of_a_gif_the_transparent_colour_stays() -> None:
    image = Image.new("P", (8, 8))
    image.putpalette([200, 30, 30, 0, 0, 0])
    data = saved(image, "GIF", transparency=0, comment=b"a note")
    assert tuple(pixels(data)[4, 4]) == (255, 255, 255)


@pytest.mark.parametrize("format_name", ["BMP", "TIFF", "WEBP", "AVIF"])
def test_other_kinds_come_back_as_they_are(format_name: str) -> None:
    assert essentials(plain(format_name)) == plain(format_name)


def test_a_jpeg_without_pixels_is_cut_off() -> None:
    with pytest.raises(TruncatedPhotoError, match="no pixels"):
        essentials(b"\xff\xd8\xff" + bytes(100))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (jpeg(segment(0xE5, b"") * MAX_JPEG_SEGMENTS), "segments"),
        (progressive_bomb(MAX_JPEG_SCANS, 32), "scans"),
        (progressive_bomb(8, 9000), "scans"),
        (png(chunk(b"prVt", b"") * MAX_PNG_CHUNKS), "chunks"),
        (gif(b"\x21\xfe\0" * MAX_GIF_BLOCKS), "blocks"),
        (gif(b"\x21\xfe" + b"\1c" * MAX_GIF_BLOCKS + b"\0"), "blocks"),
        (gif(bytes(MAX_GIF_BLOCKS)), "blocks"),
    ],
    ids=["jpeg", "small scans", "large scans", "png", "gif", "gif comment", "gif padding"],
)
def test_too_many_pieces_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(PhotoError, match=rf"more than [\d,]+ {words}\. Save it anew"):
        essentials(data)


def test_components_one_by_one_over_and_over_are_refused() -> None:
    """Not progressive, but its first scan has only one of three components, so that all scans are read."""
    data = bytearray(plain("JPEG"))
    scan = data.index(b"\xff\xda")
    one = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + b"\0" * 20
    with pytest.raises(PhotoError, match="scans"):
        essentials(bytes(data[:scan]) + one * (MAX_JPEG_SCANS + 1) + b"\xff\xd9")


def test_a_frame_that_comes_twice_does_not_hide_the_scans() -> None:
    bomb = progressive_bomb(MAX_JPEG_SCANS, 32)
    first = bomb.index(b"\xff\xda")
    for frame in (b"\xff\xc0\0\x0b\x08\0\x20\0\x20\x01\x01\x11\0", b"\xff\xc0\0\x03\0"):
        with pytest.raises(PhotoError):
            decode(bomb[:first] + frame + bomb[first:], DecodeLimits())


def test_ten_scans_are_an_ordinary_progressive_jpeg() -> None:
    assert pixels(saved(picture(), "JPEG", progressive=True)).shape == (48, 64, 3)


def test_a_film_behind_a_photo_is_not_taken_for_scans() -> None:
    film = bytes(np.random.default_rng(0).integers(0, 256, 200_000, dtype=np.uint8)) + b"\xff\xda" * 100
    assert np.array_equal(pixels(plain("JPEG") + film), pixels(plain("JPEG")))


def test_scans_are_not_hidden_by_an_end_inside_a_table() -> None:
    bomb = progressive_bomb(MAX_JPEG_SCANS, 32)
    first = bomb.index(b"\xff\xda")
    second = bomb.index(b"\xff\xc4", first)
    hidden = bomb[:second] + segment(0xFE, b"\xff\xd9") + bomb[second:]
    with pytest.raises(PhotoError, match="scans"):
        essentials(hidden)


def test_run_length_coded_bmp_is_refused() -> None:
    data = bytearray(plain("BMP"))
    data[30] = 1
    with pytest.raises(PhotoError, match=r"run-length coded BMP.*PNG or JPEG"):
        decode(bytes(data), DecodeLimits())
