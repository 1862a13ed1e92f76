"""Photos of a source → squares of pixels, on several cores, with flat memory and in the source's order.

Shapes: H, W pixels, S pixels a side, C = 3 channels.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snapshelf.data.facts import measure
from snapshelf.data.sources import Source
from snapshelf.data.sources.joined import JoinedSource
from snapshelf.data.sources.product_rows import ProductRows
from snapshelf.errors import (
    DownloadError,
    PhotoError,
    PhotoTooManyBytesError,
    PhotoTooManyPixelsError,
    RequestError,
    TruncatedPhotoError,
)
from snapshelf.imaging.decode import DecodeLimits, Picture, decode, longer_side_px
from snapshelf.imaging.preprocess import Preprocess, crop
from snapshelf.types import Flaw, Photo, Rejected

DEFAULT_SIZE_PX = 288
"""More than the 224 px that most backbones were trained at, since networks see better at a higher resolution than they
learnt at (Touvron et al. 2019): docs/decisions/0013-recipes.md."""
TINY_PX = 32
"""Photos whose longer side is at most this keep their own size."""

_MOST_LOOKED_AT = 10_000
"""So many tiny photos tell that a source is of tiny ones; a million of them are not read twice."""

_CHUNK = 32
"""Photos a task: enough that handing tasks over costs nothing beside them, and boxes of one file mostly together."""

DOWNLOADS_AT_A_TIME = 16
"""Photos from the web are waited for, not worked on: more of them at a time than there are cores, in small tasks."""

_FLAWS: dict[type[PhotoError], Flaw] = {
    TruncatedPhotoError: "truncated",
    DownloadError: "download",
    PhotoTooManyBytesError: "too-large",
    PhotoTooManyPixelsError: "too-large",
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A photo as a model sees it, and the bytes of its `FACTS`."""

    photo: Photo
    pixels_SSC: NDArray[np.uint8]
    facts: bytes


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

    @property
    def waits_for_the_web(self) -> bool:
        """Whether the photos, or some of them, have to be fetched."""
        return isinstance(self.source, ProductRows | JoinedSource) and self.source.has_addresses()


def decode_photos(photos: Iterable[Photo], job: DecodeJob) -> Iterator[Decoded | Rejected]:
    """Read, decode and prepare photos; what comes out is in the order of what goes in.

    Pillow and hashlib let go of the interpreter while they work, so threads are enough. At most a few chunks are on
    their way at any time.
    """
    todo = iter(photos)
    num_threads, size = _threads(job)
    pending: deque[Future[list[Decoded | Rejected]]] = deque()
    pool = ThreadPoolExecutor(num_threads)
    try:
        while chunk := list(itertools.islice(todo, size)):
            pending.append(pool.submit(_decode_chunk, chunk, job))
            if len(pending) > 2 * num_threads:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _threads(job: DecodeJob) -> tuple[int, int]:
    """How many photos are worked on at a time, and how many are a task."""
    if job.waits_for_the_web:
        return DOWNLOADS_AT_A_TIME, 2
    # Tiny photos are nearly all Python: two threads, waiting for each other, take 1.3 to 2 times as long as one.
    return (1 if job.preprocess.size_px <= TINY_PX else job.num_threads), _CHUNK


def choose_size_px(source: Source, limits: DecodeLimits) -> int:
    """`DEFAULT_SIZE_PX`, or the longest side of the first `_MOST_LOOKED_AT` photos where none is over `TINY_PX`."""
    longest_px = 0
    for photo in itertools.islice((row for row in source.rows() if isinstance(row, Photo)), _MOST_LOOKED_AT):
        with contextlib.suppress(PhotoError):
            longest_px = max(longest_px, _longer_side_px(source.read(photo.source_file), limits))
        if longest_px > TINY_PX:
            return DEFAULT_SIZE_PX
    return max(8, longest_px) if longest_px else DEFAULT_SIZE_PX


def _longer_side_px(content: bytes | NDArray[np.uint8], limits: DecodeLimits) -> int:
    return longer_side_px(content, limits) if isinstance(content, bytes) else max(content.shape[:2])


def read_upright(source: Source, photo: Photo, limits: DecodeLimits) -> Image.Image:
    """A photo in full size, cut out of its file where it is a part of one.

    Raises:
        PhotoError: it cannot be read or decoded.
    """
    return _cut(_open(source, photo.source_file, limits, None), photo).image


def _decode_chunk(photos: list[Photo], job: DecodeJob) -> list[Decoded | Rejected]:
    results: list[Decoded | Rejected] = []
    name, picture = "", None
    for photo in photos:
        try:
            if photo.box is None:
                opened = _open(job.source, photo.source_file, job.limits, job.preprocess.size_px)
            elif picture is None or name != photo.source_file:
                name, picture = photo.source_file, None
                opened = picture = _open(job.source, name, job.limits, None)  # of several boxes, decoded once
            else:
                opened = picture
            results.append(_prepare(photo, _cut(opened, photo), job.preprocess))
        except PhotoError as error:
            results.append(Rejected(photo.path, str(error), _FLAWS.get(type(error), "unreadable")))
    return results


def _open(source: Source, file: str, limits: DecodeLimits, needed_px: int | None) -> Picture:
    content = source.read(file)
    if isinstance(content, bytes):
        return decode(content, limits, needed_px=needed_px)
    height_px, width_px, _ = content.shape
    return Picture(Image.fromarray(content), width_px, height_px, 1, "raw")


def _cut(picture: Picture, photo: Photo) -> Picture:
    if photo.box is None:
        return picture
    try:
        image = crop(picture.image, photo.box)
    except RequestError as error:
        raise PhotoError(str(error)) from None
    return Picture(image, image.width, image.height, picture.orientation, picture.format)


def _prepare(photo: Photo, picture: Picture, preprocess: Preprocess) -> Decoded:
    pixels_SSC = np.ascontiguousarray(preprocess.apply(picture.image))
    size_px = picture.width_px, picture.height_px
    return Decoded(photo, pixels_SSC, measure(pixels_SSC, size_px, picture.orientation))
