"""Photos of a source → squares of pixels, on several cores, with flat memory and in the source's order.

Shapes: H, W pixels, S pixels a side, C = 3 channels.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snapshelf.data.sources import Source
from snapshelf.errors import PhotoError
from snapshelf.imaging.decode import DecodeLimits, decode
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.types import Photo, Rejected

DEFAULT_SIZE_PX = 224
TINY_PX = 32
"""Photos whose longer side is at most this keep their own size."""

_CHUNK = 32
"""Photos a task: enough that handing tasks over costs nothing beside them."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A photo as a model sees it.

    `sha256` is that of the upright RGB pixels in full size; `width_px` and `height_px` are those of the upright photo.
    """

    photo: Photo
    pixels_SSC: NDArray[np.uint8]
    sha256: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class DecodeJob:
    """Where photos come from, what is made of them, what is refused, and how many are decoded at a time."""

    source: Source
    preprocess: Preprocess
    limits: DecodeLimits
    num_threads: int

    def photos(self) -> Iterator[Photo]:
        """The source's rows that are photos."""
        return (row for row in self.source.rows() if isinstance(row, Photo))


def decode_photos(photos: Iterable[Photo], job: DecodeJob) -> Iterator[Decoded | Rejected]:
    """Read, decode and prepare photos; what comes out is in the order of what goes in.

    Pillow and hashlib let go of the interpreter while they work, so threads are enough. At most a few chunks are on
    their way at any time.
    """
    todo = iter(photos)
    pending: deque[Future[list[Decoded | Rejected]]] = deque()
    pool = ThreadPoolExecutor(job.num_threads)
    try:
        while chunk := list(itertools.islice(todo, _CHUNK)):
            pending.append(pool.submit(_decode_chunk, chunk, job))
            if len(pending) > 2 * job.num_threads:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def decode_photo(photo: Photo, job: DecodeJob) -> Decoded | Rejected:
    """One photo, or why it cannot be used."""
    try:
        content = job.source.read(photo.path)
        upright_HWC = content if isinstance(content, np.ndarray) else np.asarray(decode(content, job.limits).image)
    except PhotoError as error:
        return Rejected(photo.path, str(error))
    height_px, width_px, _ = upright_HWC.shape
    sha256 = hashlib.sha256(np.ascontiguousarray(upright_HWC).data).hexdigest()
    return Decoded(photo, _squared(upright_HWC, job.preprocess), sha256, width_px, height_px)


def _squared(upright_HWC: NDArray[np.uint8], preprocess: Preprocess) -> NDArray[np.uint8]:
    if upright_HWC.shape[:2] == (preprocess.size_px, preprocess.size_px):
        return np.ascontiguousarray(upright_HWC)
    return preprocess.apply(Image.fromarray(upright_HWC))


def choose_size_px(source: Source, limits: DecodeLimits) -> int:
    """`DEFAULT_SIZE_PX`, or the longest side of all photos where none is longer than `TINY_PX`.

    Stops at the first photo that is larger, so it reads everything only where everything is tiny.
    """
    longest_px = 0
    for photo in source.rows():
        if isinstance(photo, Photo):
            with contextlib.suppress(PhotoError):
                content = source.read(photo.path)
                size = content.shape[:2] if isinstance(content, np.ndarray) else decode(content, limits).image.size
                longest_px = max(longest_px, *size)
        if longest_px > TINY_PX:
            return DEFAULT_SIZE_PX
    return max(8, longest_px) if longest_px else DEFAULT_SIZE_PX


def _decode_chunk(photos: list[Photo], job: DecodeJob) -> list[Decoded | Rejected]:
    return [decode_photo(photo, job) for photo in photos]
