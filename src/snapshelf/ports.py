"""The places where an engine can be exchanged: what the rest of the house asks of it, and nothing more.

Shapes: N photos, P of one product, S pixels a side, C classes, D numbers an embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from snapshelf.imaging.preprocess import Preprocess
    from snapshelf.types import Encoding, Facets, Filters, Neighbour, Product, ProductPhoto, WordMatch


class Encoder(Protocol):
    """A trained model that is ready to look at photos."""

    @property
    def preprocess(self) -> Preprocess:
        """How a photo is brought to the size that `encode` takes."""

    @property
    def embedding_dim(self) -> int:
        """D, the length of an embedding."""

    def encode(self, photos_NSSC: NDArray[np.uint8]) -> Encoding:
        """Logits and L2-normalised embeddings of N photos, in their order. N may be 0."""


class ActivationMaps(Protocol):
    """Tells where on a photo a model saw its class. Shapes: N photos, S pixels a side, maps of H × W."""

    def of(self, photos_NSSC: NDArray[np.uint8], class_N: NDArray[np.int64]) -> NDArray[np.float32]:
        """Where each photo speaks for the class of this index, (N, H, W): 0 not at all, 1 most."""


class VectorIndex(Protocol):
    """The photos of the products by their embeddings. A product may have several photos.

    Every change is on disk when the call returns. Similarity is the cosine, higher is nearer.
    """

    def upsert(self, photos: Sequence[ProductPhoto], embedding_ND: NDArray[np.float32]) -> None:
        """Add photos, or replace those of the same `photo_id`.

        What is said of a product is the same on all its photos: the last one given says it.
        """

    def remove(self, product_ids: Sequence[str]) -> int:
        """Remove products with all their photos; returns how many of these products there were."""

    def remove_photos(self, photo_ids: Sequence[str]) -> None:
        """Remove single photos; ids that are not there are passed over."""

    def update_products(self, products: Sequence[Product]) -> None:
        """Change what is said of products on all their photos, without embedding them again."""

    def search(
        self, embedding_D: NDArray[np.float32], *, limit: int, filters: Filters, diversity: float = 0.0
    ) -> list[Neighbour]:
        """The `limit` nearest products that satisfy `filters`, nearest first, each product once.

        `diversity`, 0 to 1, trades nearness for variety (maximal marginal relevance); 0 is nearness alone.
        """

    def search_words(self, text: str, *, limit: int, filters: Filters) -> list[WordMatch]:
        """The `limit` products that satisfy `filters` and match the words of a text best, best first.

        BM25 over title, category and attribute values; equal scores come in the order of the ids. Products without any
        of the words do not come.
        """

    def facets(self, filters: Filters, *, num_values: int = 20) -> Facets:
        """What there is to choose from under `filters`; of each attribute the `num_values` most frequent values."""

    def product(self, product_id: str) -> Product | None:
        """What is known of a product, or None."""

    def product_embeddings(self, product_ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """For each of these products that is there, its photos' embeddings (P, D), in the order of their `photo_id`.

        Each is of length 1.
        """

    def product_photos(self, product_id: str) -> list[ProductPhoto]:
        """The photos of a product, in the order of their `photo_id`; empty where there is no such product."""

    def products(self, *, offset: int, limit: int, category: str | None = None) -> list[Product]:
        """A page of products in the order of their ids."""

    def count_products(self, category: str | None = None) -> int:
        """How many products there are, or how many of a category."""

    def categories(self) -> dict[str, int]:
        """The categories and how many products each has, in the order of the alphabet."""

    def photo_hashes(self) -> dict[str, str]:
        """`photo_id` to `photo_sha256`, of everything in the index."""

    def optimize(self) -> None:
        """Make searching fast after many changes; may take a while."""

    def close(self) -> None:
        """Let go of the files. The index cannot be used afterwards."""


class ThumbnailStore(Protocol):
    """Small pictures of the products' photos, so that a page can show them wherever the originals are."""

    def put(self, thumbnails: Sequence[tuple[str, str, bytes]]) -> None:
        """Keep thumbnails: (`photo_id`, media type, bytes). On disk when the call returns."""

    def get(self, photo_id: str) -> tuple[str, bytes] | None:
        """The media type and the bytes of a thumbnail, or None."""

    def remove(self, photo_ids: Sequence[str]) -> None:
        """Remove thumbnails; ids that are not there are passed over."""

    def close(self) -> None:
        """Let go of the file."""
