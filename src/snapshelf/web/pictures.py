"""Products' pictures in the sizes that are shown."""

from __future__ import annotations

import functools
import io

from PIL import Image

_KEPT = 1024
"""Small pictures that are kept: some 5 MB, and the thumbnails that they are of, some 15 MB."""

_QUALITY = 80


@functools.lru_cache(maxsize=_KEPT)
def fitted(content: bytes, size_px: int) -> bytes:
    """A thumbnail of our own making, JPEG or WebP, with its longer side at most `size_px`; never enlarged.

    It stays in its format. Browsers keep what they got for good, so each is made a few times at most.
    """
    image = Image.open(io.BytesIO(content), formats=("JPEG", "WEBP"))
    if max(image.size) <= size_px:
        return content
    image.thumbnail((size_px, size_px), Image.Resampling.BICUBIC, reducing_gap=2.0)
    small = io.BytesIO()
    image.save(small, image.format or "JPEG", quality=_QUALITY)
    return small.getvalue()
