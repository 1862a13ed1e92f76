"""A file without what its pixels do not need: texts, profiles, previews, later frames.

Decoders go through such pieces one by one, in Python or with copies that grow, and a hostile file may have a million
of them. Here each kind of file is walked once, with a bound on its pieces, and what comes out has the picture, its
transparency and the EXIF block that says which way up it is.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from snapshelf.errors import PhotoError, TruncatedPhotoError

MAX_JPEG_SEGMENTS = 2_000
"""Before the first scan. Profile, previews and notes of 20 MB, in segments of 64 kB, are 320."""

MAX_JPEG_SCANS = 50
"""A progressive JPEG has 10 or so. Each costs a pass over the whole picture, however few bytes it has."""

MAX_SCANNED_PIXELS = 750_000_000
"""Scans times pixels: 15 scans of the largest photo that is accepted, some 0.6 ns a pixel and scan."""

MAX_PNG_CHUNKS = 100_000
"""A PNG of 20 MB in the usual pieces of 8 kB has 2,500."""

MAX_GIF_BLOCKS = 50_000
"""Before the first picture."""

_MAX_EXIF_BYTES = 65_536
_BMP_RUN_LENGTHS = (1, 2)


def essentials(data: bytes) -> bytes:
    """What is needed of a file to see its picture. Files of a kind that is not walked here come back as they are.

    Raises:
        TruncatedPhotoError: it ends before its pixels begin.
        PhotoError: it is made of more pieces than any honest file.
    """
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png(data)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return _gif(data)
    if data[:2] == b"BM" and int.from_bytes(data[30:34], "little") in _BMP_RUN_LENGTHS:
        raise PhotoError("This is a run-length coded BMP, which is not read here. Save the photo as PNG or JPEG.")
    return data


def _jpeg(data: bytes) -> bytes:
    kept = [data[:2]]
    frame, has_exif = b"", False
    for start, end in _jpeg_segments(data):
        marker, is_exif = data[start + 1], data[start + 4 : start + 10] == b"Exif\0\0"
        if marker == 0xDA:
            _refuse_many_scans(data, start, frame)
            return b"".join([*kept, data[start:]])
        if marker in _JPEG_FRAMES:
            frame = data[start + 1 : start + 10]
        is_note = marker == 0xFE or (0xE0 <= marker <= 0xEF and marker != 0xEE)  # 0xEE says how colours are meant
        if not is_note or (is_exif and not has_exif):
            kept.append(data[start:end])
            has_exif = has_exif or is_exif
    raise TruncatedPhotoError("The picture is broken or cut off (it has no pixels). Send the whole file.")


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each segment lies; what is no segment is passed over, as decoders do."""
    end = 2
    for _ in range(MAX_JPEG_SEGMENTS):
        marker = _SEGMENT_MARKER.search(data, end)
        if marker is None:
            return
        end = marker.end() + max(2, int.from_bytes(data[marker.end() : marker.end() + 2], "big"))
        yield marker.start(), end
    raise _too_many("segments", MAX_JPEG_SEGMENTS)


_SEGMENT_MARKER = re.compile(rb"\xff[\xc0-\xcf\xda-\xfe]")
"""What has a length behind it."""
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Segments that say how large the picture is."""
_ONE_BY_ONE = frozenset({0xC0, 0xC1, 0xC9})
"""Those of pictures that are not progressive."""
_SCAN_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
"""What may follow the coded data of a scan."""


def _refuse_many_scans(data: bytes, start: int, frame: bytes) -> None:
    """Refuse what costs too many passes. `start` is that of the first scan, `frame` the header with kind and size."""
    if len(frame) < 9 or (frame[0] in _ONE_BY_ONE and data[start + 4 : start + 5] == frame[8:9]):
        return  # all components in one scan: nothing behind it is read
    height, width = struct.unpack(">HH", frame[4:8])
    limit = min(MAX_JPEG_SCANS, MAX_SCANNED_PIXELS // max(1, height * width))
    # The pair of bytes is all that is looked for as a rule: it is a thousand times as quick as following the scans, and
    # never finds too few. Behind a phone's photo there may be a film, though, in which it stands by chance.
    if data.count(b"\xff\xda", start) > limit and _count_scans(data, start, limit) > limit:
        raise _too_many("scans", limit)


def _count_scans(data: bytes, start: int, limit: int) -> int:
    """How many scans there are before the end of the picture; counting ends one past the limit."""
    count = 0
    while count <= limit:
        marker = _SCAN_MARKER.search(data, start)
        if marker is None or marker[0] == b"\xff\xd9":
            break
        count += marker[0] == b"\xff\xda"
        length = int.from_bytes(data[marker.end() : marker.end() + 2], "big")
        start = marker.end() + max(length, 2)
    return count


def _png(data: bytes) -> bytes:
    kept = [data[:8]]
    start, has_exif = 8, False
    for _ in range(MAX_PNG_CHUNKS):
        kind = data[start + 4 : start + 8]
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        if len(kind) < 4 or end > len(data):
            return b"".join([*kept, data[start:]])
        is_exif = kind == b"eXIf" and not has_exif and end - start <= _MAX_EXIF_BYTES
        if kind[0] < 0x60 or kind == b"tRNS" or is_exif:  # capitals: what nobody may leave out
            kept.append(data[start:end])
            has_exif = has_exif or is_exif
        if kind == b"IEND":
            return b"".join(kept)
        start = end
    raise _too_many("chunks", MAX_PNG_CHUNKS)


def _gif(data: bytes) -> bytes:
    """The header, what is said of the first picture, and all from there."""
    start = 13 + _gif_colours(data[10:11])
    head, control = data[:start], b""
    for _ in range(MAX_GIF_BLOCKS):
        kind = data[start : start + 1]
        if kind in (b",", b";", b""):
            return b"".join([head, control, data[start:]])
        if kind != b"!":  # padding
            start += 1
            continue
        end = _gif_extension_end(data, start + 2)
        if data[start + 1 : start + 2] == b"\xf9":
            control = data[start:end]
        start = end
    raise _too_many("blocks", MAX_GIF_BLOCKS)


def _gif_colours(flags: bytes) -> int:
    """How many bytes the table of colours has."""
    return 3 * 2 ** ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _gif_extension_end(data: bytes, start: int) -> int:
    for _ in range(MAX_GIF_BLOCKS):
        length = int.from_bytes(data[start : start + 1], "big")
        start += 1 + length
        if length == 0:
            return start
    raise _too_many("blocks", MAX_GIF_BLOCKS)


def _too_many(pieces: str, limit: int) -> PhotoError:
    return PhotoError(f"The picture is made of more than {limit:,} {pieces}. Save it anew as an ordinary JPEG or PNG.")
