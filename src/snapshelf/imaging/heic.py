"""HEIC, the photos of iPhones: read by pillow-heif where the [heic] extra is installed (decision 21)."""

from __future__ import annotations

import importlib
from functools import cache

from snapshelf.errors import HeicNotReadError

HEIC = "HEIF"
"""Pillow's name for the format."""

_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
"""Those of files coded by HEVC (ISO/IEC 23008-12, annex B)."""


def is_heic(data: bytes) -> bool:
    """Whether a file says that it is coded by HEVC, as its first brand or, in a general container, a later one."""
    if data[4:8] != b"ftyp":
        return False
    if data[8:12] not in (b"mif1", b"msf1"):
        return data[8:12] in _BRANDS
    listed = data[16 : min(int.from_bytes(data[:4], "big"), 256)]
    return any(listed[at : at + 4] in _BRANDS for at in range(0, len(listed), 4))


def require_heic() -> None:
    """Make Pillow able to open HEIC.

    Raises:
        HeicNotReadError: pillow-heif is not installed.
    """
    if not reads_heic():
        raise HeicNotReadError("HEIC is not read here. Save the photo as JPEG and try again.")


@cache
def reads_heic() -> bool:
    """Whether HEIC can be read here."""
    try:
        plugin = importlib.import_module("pillow_heif")
    except ImportError:
        return False
    # Only the photo itself: what else is in the file is no use and would be decoded on opening it.
    plugin.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    return True
