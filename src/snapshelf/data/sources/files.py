"""Reading photo files for the sources: never more than a photo can be, and every failure said in words."""

from __future__ import annotations

from pathlib import Path

from snapshelf.errors import PhotoError, PhotoTooManyBytesError

_NO_PHOTO_IS_LARGER_BYTES = 512_000_000


def read_file(path: Path) -> bytes:
    """A photo file's bytes.

    Raises:
        PhotoTooManyBytesError: so large that it is not read at all; the limit for photos is checked on decoding.
        PhotoError: it cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > _NO_PHOTO_IS_LARGER_BYTES:
            raise PhotoTooManyBytesError(f"The file has {size:,} bytes; no photo is that large.")
        return path.read_bytes()
    except OSError as error:
        raise PhotoError(f"The file cannot be read: {error.strerror or error}.") from None


def file_stamp(path: Path) -> str:
    """What changes when the file does: its size in bytes and its time of change; `missing` where there is none."""
    try:
        status = path.stat()
    except OSError:
        return "missing"
    return f"{status.st_size}-{status.st_mtime_ns}"
