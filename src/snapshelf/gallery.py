"""The gallery: photos of products → embeddings in the index and thumbnails beside it.

Shapes: N photos, S pixels a side, C = 3 channels, H, W pixels.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snapshelf.data.fields import product_id
from snapshelf.data.photo_ids import photo_id
from snapshelf.errors import RequestError
from snapshelf.imaging.colours import dominant_colours
from snapshelf.imaging.decode import DecodeLimits, decode
from snapshelf.ports import Encoder, ThumbnailStore, VectorIndex
from snapshelf.types import Product, ProductPhoto

THUMBNAIL_PX = 320
"""The longer side of a thumbnail; a smaller photo keeps its size."""

_TINY_PX = 64
"""Up to here lossless WebP is as small as lossy, and pixels that can be seen stay as they are."""

_QUALITY = 80
"""Of JPEG. WebP would be a quarter smaller (10 instead of 14 kB) and take 4.0 to 7.4 instead of 1.5 ms of a core, a
third of what embedding a photo takes."""

RawPhoto = bytes | NDArray[np.uint8]
"""A photo as it comes: a file's bytes, or upright RGB (H, W, 3) uint8."""


class Thumbnail(NamedTuple):
    """A small picture as it is kept and sent."""

    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ReadyPhoto:
    """A photo that was decoded: what the encoder takes, and what customers are shown."""

    pixels_SSC: NDArray[np.uint8]
    thumbnail: Thumbnail
    colours: tuple[str, ...]
    """See `dominant_colours`."""


@dataclass(frozen=True, slots=True)
class EmbeddedPhoto:
    """A photo with everything that is kept of it."""

    photo: ProductPhoto
    thumbnail: Thumbnail
    embedding_D: NDArray[np.float32]


class Embedder:
    """Photos → everything that is kept of them; keeps nothing itself. May be called from several threads."""

    def __init__(self, encoder: Encoder, limits: DecodeLimits) -> None:
        self._encoder = encoder
        self._limits = limits

    def prepare(self, photo: RawPhoto) -> ReadyPhoto:
        """Decode a photo and bring it to the encoder's size.

        Raises:
            PhotoError: it cannot be decoded.
        """
        size_px = self._encoder.preprocess.size_px
        image = Image.fromarray(photo) if isinstance(photo, np.ndarray) else self._decode(photo, size_px)
        pixels_SSC = self._encoder.preprocess.apply(image)
        if isinstance(photo, bytes) and max(image.size) < THUMBNAIL_PX:
            image = self._decode(photo, THUMBNAIL_PX)  # customers see more of it than the encoder needs
        return ReadyPhoto(pixels_SSC, thumbnail(image), dominant_colours(image))

    def embed(self, photos: Sequence[tuple[ProductPhoto, ReadyPhoto]]) -> list[EmbeddedPhoto]:
        """Let the encoder look at photos; nothing is kept yet."""
        if not photos:
            return []
        embedding_ND = self._encoder.encode(np.stack([ready.pixels_SSC for _, ready in photos])).embedding_ND
        return [
            EmbeddedPhoto(replace(photo, colours=ready.colours), ready.thumbnail, embedding_D)
            for (photo, ready), embedding_D in zip(photos, embedding_ND, strict=True)
        ]

    def _decode(self, data: bytes, needed_px: int) -> Image.Image:
        return decode(data, self._limits, needed_px=needed_px).image


class Gallery:
    """Puts products where they can be found. May be called from several threads."""

    def __init__(self, encoder: Encoder, index: VectorIndex, thumbnails: ThumbnailStore, limits: DecodeLimits) -> None:
        self._embedder = Embedder(encoder, limits)
        self._index = index
        self._thumbnails = thumbnails
        self._lock = threading.Lock()

    def put(self, product: Product, photos: Sequence[RawPhoto]) -> None:
        """Add a product, or replace it: these become its only photos. It can be found when the call returns.

        Raises:
            PhotoError: a photo cannot be decoded; nothing was changed.
            InputError: there is no photo, or the product's id is none: see `data.fields.product_id`.
        """
        self.put_ready(self.ready(product, photos))

    def ready(self, product: Product, photos: Sequence[RawPhoto]) -> list[tuple[ProductPhoto, ReadyPhoto]]:
        """The photos of a product, decoded; nothing is changed yet.

        Raises:
            PhotoError: a photo cannot be decoded.
            InputError: there is no photo, or the product's id is none: see `data.fields.product_id`.
        """
        product_id(product.id)
        if not photos:
            raise RequestError(f"The product {product.id!r} came without a photo; it needs at least one.")
        ready = {sha256(photo): self._embedder.prepare(photo) for photo in photos}
        return [(ProductPhoto(photo_id(product.id, key[:16]), key, product), photo) for key, photo in ready.items()]

    def put_ready(self, rows: Sequence[tuple[ProductPhoto, ReadyPhoto]]) -> None:
        """Add the products of these photos, or replace them: these become their only photos."""
        embedded = self._embedder.embed(rows)
        with self._lock:
            products = {photo.product.id for photo, _ in rows}
            before = {photo.photo_id for each in products for photo in self._index.product_photos(each)}
            self.add(embedded)
            self.remove_photos(sorted(before - {photo.photo_id for photo, _ in rows}))

    def update(self, *products: Product) -> None:
        """Change what is said of products that are there; their photos stay."""
        with self._lock:
            self._index.update_products(products)

    def remove(self, product_ids: Sequence[str]) -> int:
        """Remove products with their photos and thumbnails; returns how many there were."""
        with self._lock:
            photos = [photo for product_id in product_ids for photo in self._index.product_photos(product_id)]
            num_removed = self._index.remove(product_ids)
            self._thumbnails.remove([photo.photo_id for photo in photos])
        return num_removed

    def remove_photos(self, photo_ids: Sequence[str]) -> None:
        """Remove single photos with their thumbnails."""
        self._index.remove_photos(photo_ids)
        self._thumbnails.remove(photo_ids)

    def add(self, photos: Sequence[EmbeddedPhoto]) -> None:
        """Keep photos, replacing those of the same `photo_id`. About 1,000 at once cost least.

        Thumbnails are written first, so that a photo that can be found always has one.
        """
        if photos:
            self._thumbnails.put([(each.photo.photo_id, *each.thumbnail) for each in photos])
            self._index.upsert([each.photo for each in photos], np.stack([each.embedding_D for each in photos]))


def sha256(photo: RawPhoto) -> str:
    """The hash that tells an unchanged photo: of the file's bytes, or of shape and pixels."""
    if isinstance(photo, bytes):
        return hashlib.sha256(photo).hexdigest()
    return hashlib.sha256(repr(photo.shape).encode() + np.ascontiguousarray(photo).tobytes()).hexdigest()


def thumbnail(image: Image.Image) -> Thumbnail:
    """A small picture of an upright RGB one: at most `THUMBNAIL_PX` on its longer side, never enlarged."""
    small = image.copy()
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BICUBIC, reducing_gap=2.0)
    content = io.BytesIO()
    if max(image.size) <= _TINY_PX:
        small.save(content, "WEBP", lossless=True)
        return Thumbnail("image/webp", content.getvalue())
    small.save(content, "JPEG", quality=_QUALITY)
    return Thumbnail("image/jpeg", content.getvalue())
