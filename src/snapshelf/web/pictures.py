"""Pictures in the sizes that are shown and kept, and as JSON brings them."""

from __future__ import annotations

import base64
import binascii
import functools
import io

import numpy as np
from PIL import Image

from snapshelf.errors import RequestError
from snapshelf.imaging.preprocess import crop
from snapshelf.types import Box

_KEPT = 1024
"""Small pictures that are kept: some 5 MB, and the thumbnails that they are of, some 15 MB."""

_QUALITY = 80

_LEFT_PX = 1024
"""The longer side of a photo that a customer leaves with feedback: enough to look at and to learn from."""

_LEFT_QUALITY = 88


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


def needed_for_keeping(part: Box | None) -> int:
    """How many pixels of a photo's shorter side `kept_photo` needs, about."""
    share = min(part.w, part.h) if part else 1.0
    return int(_LEFT_PX / max(share, 0.05))


def kept_photo(image: Image.Image, part: Box | None) -> bytes:
    """A customer's photo as it is kept: upright RGB of which the part that is meant, as a JPEG without metadata.

    Raises:
        RequestError: the part is not inside the photo.
    """
    small = crop(image, part) if part else image.copy()
    small.thumbnail((_LEFT_PX, _LEFT_PX), Image.Resampling.BICUBIC, reducing_gap=2.0)
    content = io.BytesIO()
    Image.fromarray(np.asarray(small)).save(content, "JPEG", quality=_LEFT_QUALITY)
    return content.getvalue()


def decoded_base64(text: str) -> bytes:
    """A file as it stands in JSON.

    Raises:
        RequestError: it is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RequestError(
            "image_base64 is not base64; expected a photo's file encoded so, without line breaks."
        ) from None
