"""Photos decoded on several cores: in order, broken ones told apart, the same pixels whatever the source gives."""

from __future__ import annotations

import hashlib
import io
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from snapshelf.data import decoding
from snapshelf.data.decoding import Decoded, DecodeJob, choose_size_px, decode_photos, read_upright
from snapshelf.data.facts import FACTS
from snapshelf.data.sources.folder import FolderSource
from snapshelf.errors import DownloadError, PhotoError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.types import Box, Photo, Rejected

Content = bytes | NDArray[np.uint8] | PhotoError

QUARTERS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
BOXES = {
    "red": Box(0, 0, 0.5, 0.5),
    "green": Box(0.5, 0, 0.5, 0.5),
    "blue": Box(0, 0.5, 0.5, 0.5),
    "white": Box(0.5, 0.5, 0.5, 0.5),
}
LIES_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How the pixels of an upright photo lie in a file of each EXIF orientation."""


class MemorySource:
    """Photos held in memory, as bytes or as bare pixels; an error is raised. Says what was read."""

    format = "memory"

    def __init__(self, content: dict[str, Content]) -> None:
        self.content = content
        self.was_read: list[str] = []

    def rows(self) -> Iterator[Photo | Rejected]:
        return (Photo(path, "class") for path in self.content)

    def read(self, path: str) -> bytes | NDArray[np.uint8]:
        self.was_read.append(path)
        content = self.content[path]
        if isinstance(content, PhotoError):
            raise content
        return content

    def stamp(self, path: str) -> str:
        return ""


def saved(image: Image.Image, format_name: str = "PNG", orientation: int = 1) -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(file, format_name, exif=exif)
    return file.getvalue()


def png(pixels_HWC: NDArray[np.uint8]) -> bytes:
    return saved(Image.fromarray(pixels_HWC))


def noise(height_px: int, width_px: int, number: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 256, (height_px, width_px, 3), dtype=np.uint8)


def quarters(width_px: int = 60, height_px: int = 40) -> Image.Image:
    """Red and green above blue and white."""
    image = Image.new("RGB", (width_px, height_px))
    for colour, box in BOXES.items():
        left, top = round(box.x * width_px), round(box.y * height_px)
        image.paste(QUARTERS[colour], (left, top, width_px, height_px))  # the next ones lie on top of it
    return image


LARGER_PX = decoding.TINY_PX + 8
"""Photos that are prepared at this size are worked on by several threads."""


def job(
    source: MemorySource | FolderSource, size_px: int = 16, num_threads: int = 2, limits: DecodeLimits | None = None
) -> DecodeJob:
    return DecodeJob(source, Preprocess(size_px=size_px), limits or DecodeLimits(), num_threads)


def done_with(decode_job: DecodeJob, photos: list[Photo]) -> list[Decoded]:
    done = list(decode_photos(photos, decode_job))
    assert [each for each in done if isinstance(each, Rejected)] == []
    return [each for each in done if isinstance(each, Decoded)]


def facts(decoded: Decoded) -> np.void:
    (found,) = np.frombuffer(decoded.facts, FACTS)
    return found  # type: ignore[no-any-return]  # NumPy does not know what iterating gives


def boxes_of(file: str) -> list[Photo]:
    return [Photo(f"{file}#{colour}", colour, file=file, box=box) for colour, box in BOXES.items()]


def test_what_comes_out_is_in_the_order_of_what_goes_in(photo_folder: Path) -> None:
    source = FolderSource(photo_folder)
    photos = [row for row in source.rows() if isinstance(row, Photo)] * 5
    assert [each.photo for each in done_with(job(source, size_px=LARGER_PX, num_threads=3), photos)] == photos


def test_the_order_is_kept_where_some_photos_take_longer_than_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_CHUNK", 2)
    waits = random.Random(0)

    class Slow(MemorySource):
        def read(self, path: str) -> bytes | NDArray[np.uint8]:
            time.sleep(waits.choice((0, 0, 0.005)))
            return super().read(path)

    content: dict[str, Content] = {str(n): noise(8, 8, n) if n % 7 else PhotoError("gone") for n in range(60)}
    slow = job(Slow(content), size_px=LARGER_PX, num_threads=4)
    done = decode_photos([Photo(path, "class") for path in content], slow)
    assert [each.photo.path if isinstance(each, Decoded) else each.path for each in done] == list(content)


def test_only_a_few_photos_are_on_their_way_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_CHUNK", 2)
    source = MemorySource({"1": noise(8, 8)})
    asked_for = Counter[str]()

    def photos() -> Iterator[Photo]:
        for number in range(1000):
            asked_for["photos"] += 1
            yield Photo("1", f"{number}")

    done = decode_photos(photos(), job(source, size_px=LARGER_PX, num_threads=2))
    next(done)
    assert asked_for["photos"] <= 12
    done.close()  # type: ignore[attr-defined]  # it is a generator
    assert asked_for["photos"] <= 12, "nothing goes on once nobody asks any more"


def test_several_photos_are_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_CHUNK", 1)
    both = threading.Barrier(2, timeout=5)

    class Together(MemorySource):
        def read(self, path: str) -> bytes | NDArray[np.uint8]:
            both.wait()
            return super().read(path)

    together = Together({"1": noise(8, 8), "2": noise(8, 8)})
    done_with(job(together, size_px=LARGER_PX), [Photo("1", "class"), Photo("2", "class")])


def test_tiny_photos_are_read_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_CHUNK", 1)
    threads: set[int] = set()

    class Watched(MemorySource):
        def read(self, path: str) -> bytes | NDArray[np.uint8]:
            threads.add(threading.get_ident())
            return super().read(path)

    content: dict[str, Content] = {str(number): noise(8, 8) for number in range(20)}
    done_with(job(Watched(content), size_px=32), [Photo(path, "class") for path in content])
    assert len(threads) == 1


def test_bare_pixels_and_a_file_of_them_are_the_same_photo() -> None:
    pixels_HWC = noise(20, 30)
    source = MemorySource({"bare": pixels_HWC, "file": png(pixels_HWC)})
    bare, file = done_with(job(source), [Photo(path, "class") for path in source.content])
    assert bare.facts == file.facts
    assert (facts(file)["width_px"], facts(file)["height_px"]) == (30, 20)
    assert facts(file)["sha256"].tobytes() == hashlib.sha256(file.pixels_SSC.tobytes()).digest()
    np.testing.assert_array_equal(bare.pixels_SSC, file.pixels_SSC)
    assert file.pixels_SSC.shape == (16, 16, 3)


def test_bad_photos_are_rejected_with_their_reason_and_the_others_kept() -> None:
    good = png(noise(8, 8))
    source = MemorySource({"1": good, "2": b"", "3": PhotoError("gone"), "4": b"text", "5": good})
    done = list(decode_photos((Photo(path, "class") for path in source.content), job(source)))
    reasons = {each.path: each.reason for each in done if isinstance(each, Rejected)}
    assert set(reasons) == {"2", "3", "4"}
    assert "empty" in reasons["2"]
    assert reasons["3"] == "gone"
    assert "Not a picture" in reasons["4"]


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"", "unreadable"),
        (b"text", "unreadable"),
        (PhotoError("no right to read it"), "unreadable"),
        (DownloadError("404"), "download"),
        (saved(Image.fromarray(noise(60, 60)), "JPEG")[:-900], "truncated"),
        (png(noise(60, 60))[:-900], "truncated"),
        (png(noise(101, 100)), "too-large"),
        (b"x" * 40_001, "too-large"),
    ],
)
def test_a_bad_photo_s_flaw_is_of_its_kind(content: Content, flaw: str) -> None:
    source = MemorySource({"1": content})
    limits = DecodeLimits(max_bytes=40_000, max_pixels=10_000)
    (done,) = decode_photos([Photo("1", "class")], job(source, limits=limits))
    assert isinstance(done, Rejected)
    assert done.flaw == flaw


def test_a_large_jpeg_is_decoded_smaller_and_its_facts_are_of_its_full_size(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded_sizes: list[tuple[int, int]] = []

    class Watching(Preprocess):
        def apply(self, image: Image.Image) -> NDArray[np.uint8]:
            decoded_sizes.append(image.size)
            return super().apply(image)

    source = MemorySource({"large": saved(quarters(800, 600), "JPEG"), "on its side": b""})
    source.content["on its side"] = saved(quarters(800, 600), "JPEG", orientation=6)
    large, turned = done_with(
        DecodeJob(source, Watching(size_px=16), DecodeLimits(), 1), [Photo(path, "class") for path in source.content]
    )
    assert decoded_sizes == [(100, 75), (75, 100)]
    assert (facts(large)["width_px"], facts(large)["height_px"], facts(large)["orientation"]) == (800, 600, 1)
    assert (facts(turned)["width_px"], facts(turned)["height_px"], facts(turned)["orientation"]) == (600, 800, 6)


def test_a_box_of_a_large_jpeg_is_cut_out_of_its_full_size() -> None:
    source = MemorySource({"large": saved(quarters(800, 600), "JPEG")})
    for decoded in done_with(job(source), boxes_of("large")):
        assert (facts(decoded)["width_px"], facts(decoded)["height_px"]) == (400, 300)


@pytest.mark.parametrize("orientation", LIES_AS)
def test_boxes_are_cut_out_of_the_upright_photo(orientation: int) -> None:
    turn = LIES_AS[orientation]
    upright = quarters()
    source = MemorySource({"f": saved(upright if turn is None else upright.transpose(turn), "PNG", orientation)})
    photos = boxes_of("f")
    for photo, decoded in zip(photos, done_with(job(source), photos), strict=True):
        assert (decoded.pixels_SSC == QUARTERS[photo.label]).all(), photo.label
        found = facts(decoded)
        assert (found["width_px"], found["height_px"], found["orientation"]) == (30, 20, orientation)
        assert read_upright(source, photo, DecodeLimits()).size == (30, 20)


def test_boxes_are_cut_out_of_bare_pixels_too() -> None:
    source = MemorySource({"f": np.asarray(quarters())})
    photos = boxes_of("f")
    for photo, decoded in zip(photos, done_with(job(source), photos), strict=True):
        assert (decoded.pixels_SSC == QUARTERS[photo.label]).all(), photo.label


def test_a_file_of_several_boxes_is_read_once() -> None:
    source = MemorySource({name: saved(quarters()) for name in "fgh"})
    photos = [*boxes_of("f"), Photo("h", "whole"), *boxes_of("g")]
    assert [each.photo for each in done_with(job(source), photos)] == photos
    assert source.was_read == ["f", "h", "g"]


def test_a_whole_photo_between_boxes_of_a_file_is_whole() -> None:
    source = MemorySource({"f": saved(quarters()), "h": saved(quarters())})
    boxes = boxes_of("f")
    first, whole, last = done_with(job(source), [boxes[0], Photo("h", "whole"), boxes[3]])
    assert (first.pixels_SSC == QUARTERS["red"]).all()
    assert (facts(whole)["width_px"], facts(whole)["height_px"]) == (60, 40)
    assert (last.pixels_SSC == QUARTERS["white"]).all()


def test_every_box_of_a_broken_file_is_rejected_and_those_of_the_next_are_not() -> None:
    source = MemorySource({"f": saved(quarters()), "bad": b"text", "g": saved(quarters())})
    done = list(decode_photos([*boxes_of("f"), *boxes_of("bad"), *boxes_of("g")], job(source)))
    assert [isinstance(each, Rejected) for each in done] == [False] * 4 + [True] * 4 + [False] * 4
    rejected = [each for each in done if isinstance(each, Rejected)]
    assert [each.path for each in rejected] == [f"bad#{colour}" for colour in BOXES]
    assert all("Not a picture" in each.reason for each in rejected)


def test_a_box_outside_its_photo_is_rejected_and_the_others_are_cut() -> None:
    source = MemorySource({"f": saved(quarters())})
    outside = Photo("f#outside", "red", file="f", box=Box(0.9, 0.9, 0.5, 0.5))
    bad, *good = decode_photos([outside, *boxes_of("f")], job(source))
    assert isinstance(bad, Rejected)
    assert (bad.path, bad.flaw) == ("f#outside", "unreadable")
    assert "is not inside the photo" in bad.reason
    assert all(isinstance(each, Decoded) for each in good)


def test_a_photo_is_shown_upright_and_in_full_size() -> None:
    source = MemorySource({"f": saved(quarters(800, 600).transpose(Image.Transpose.ROTATE_90), "JPEG", 6)})
    image = read_upright(source, Photo("f", "class"), DecodeLimits())
    assert image.size == (800, 600)
    red, green, blue = image.getpixel((100, 100))  # type: ignore[misc]  # an RGB picture has three
    assert red > 200
    assert max(green, blue) < 50


@pytest.mark.parametrize("content", [b"text", PhotoError("gone")])
def test_a_photo_that_cannot_be_shown_says_so(content: Content) -> None:
    with pytest.raises(PhotoError):
        read_upright(MemorySource({"f": content}), Photo("f", "class"), DecodeLimits())


@pytest.mark.parametrize(
    ("sides", "expected_px"),
    [([28, 28], 28), ([20, 32], 32), ([28, 33], 288), ([300], 288), ([5], 8), ([], 288)],
)
def test_tiny_photos_keep_their_size_and_others_get_the_default(sides: list[int], expected_px: int) -> None:
    content: dict[str, Content] = {
        str(number): png(np.zeros((side, side // 2 + 1, 3), np.uint8)) for number, side in enumerate(sides)
    }
    assert choose_size_px(MemorySource({"broken": b"x", **content}), DecodeLimits()) == expected_px


def test_the_size_of_bare_pixels_counts_too() -> None:
    assert choose_size_px(MemorySource({"1": noise(28, 20), "2": noise(20, 30)}), DecodeLimits()) == 30


def test_rows_that_are_no_photos_do_not_count_for_the_size() -> None:
    class WithBadRows(MemorySource):
        def rows(self) -> Iterator[Photo | Rejected]:
            yield Rejected("row 1", "no label")
            yield from super().rows()

    assert choose_size_px(WithBadRows({"1": noise(28, 28)}), DecodeLimits()) == 28


def test_the_size_is_known_at_the_first_large_photo() -> None:
    source = MemorySource({"small": noise(20, 20), "first": noise(40, 40), "second": noise(40, 40)})
    assert choose_size_px(source, DecodeLimits()) == 288
    assert source.was_read == ["small", "first"]


def test_the_size_is_known_after_many_tiny_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshelf.data.decoding._MOST_LOOKED_AT", 3)
    source = MemorySource({str(number): noise(20, 20) for number in range(5)})
    assert choose_size_px(source, DecodeLimits()) == 20
    assert source.was_read == ["0", "1", "2"]
