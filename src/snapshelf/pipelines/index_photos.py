"""A catalogue's embedded photos → the gallery, in batches, wherever they were embedded (`embed_photos`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from snapshelf.data.photo_ids import product_id_of
from snapshelf.gallery import EmbeddedPhoto, Gallery
from snapshelf.pipelines.embed_photos import EmbeddedEntry
from snapshelf.ports import VectorIndex
from snapshelf.types import Product, Rejected

WRITE_BATCH = 1024
"""Photos or products a write: each waits for the disk once."""

_PAGE = 1000


@dataclass(slots=True)
class Tally:
    """What became of the catalogue's rows. Counts are of photos where the name does not say products."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    dropped: int = 0
    """Photos of the index that the catalogue no longer has."""
    embedded: int = 0
    """Photos that the encoder looked at: those that are new, or have another content."""
    products_added: int = 0
    products_changed: int = 0
    products_unchanged: int = 0
    products_kept: int = 0
    """Products of the index that no row can be used of, though some are about them."""
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def num_usable(self) -> int:
        """Rows that became, or are, photos of the index."""
        return self.added + self.updated + self.unchanged


class CatalogueWriter:
    """Brings an index to what a catalogue says; what it was before is looked up once, at the start."""

    def __init__(self, gallery: Gallery, index: VectorIndex) -> None:
        self._gallery = gallery
        self._hashes = index.photo_hashes()
        self._said = {product.id: fingerprint(product) for product in all_products(index)}
        self._known_products = frozenset(self._said)
        self._seen_photos: set[str] = set()
        self._seen_products: set[str] = set()
        self._changed: set[str] = set()
        self._other_photos: set[str] = set()
        self._to_write: list[EmbeddedPhoto] = []
        self._to_update: dict[str, Product] = {}
        self.tally = Tally()

    @property
    def hashes(self) -> Mapping[str, str]:
        """`photo_id` to `photo_sha256` of what the index held at the start."""
        return self._hashes

    def write(self, rows: Iterable[EmbeddedEntry | Rejected], step: Callable[[int], None]) -> None:
        """Take what became of the catalogue's rows; every photo is in the index when the call returns."""
        for row in rows:
            if isinstance(row, Rejected):
                self.tally.rejected.append(row)
            else:
                self._take(row)
            step(1)
        self._flush()

    def drop_unseen(self, *, of_all_products: bool) -> None:
        """Remove photos that the catalogue did not name: of the products that it did name, or of all."""
        unseen = [
            photo_id
            for photo_id in self._hashes
            if photo_id not in self._seen_photos and (of_all_products or product_id_of(photo_id) in self._seen_products)
        ]
        for start in range(0, len(unseen), WRITE_BATCH):
            self._gallery.remove_photos(unseen[start : start + WRITE_BATCH])
        self.tally.dropped = len(unseen)
        self._other_photos.update(product_id_of(photo_id) for photo_id in unseen)

    def count_products(self) -> None:
        """Tell in the tally what became of the products, when everything is done."""
        there = self._seen_products & self._known_products
        mentioned = {bad.product_id for bad in self.tally.rejected}
        self.tally.products_added = len(self._seen_products) - len(there)
        self.tally.products_changed = len(there & (self._changed | self._other_photos))
        self.tally.products_unchanged = len(there) - self.tally.products_changed
        self.tally.products_kept = len((mentioned & self._known_products) - self._seen_products)

    def _take(self, read: EmbeddedEntry) -> None:
        product, is_there = read.entry.product, read.entry.photo_id in self._hashes
        if read.failure is not None:
            self.tally.rejected.append(Rejected(read.entry.name, read.failure, product_id=product.id))
            if not is_there:
                return
        self._seen_photos.add(read.entry.photo_id)
        self._seen_products.add(product.id)
        if read.embedded is None:
            # Also where the photo failed: perhaps the network did, and the one that is there still serves.
            self._update(product, count=read.failure is None)
        else:
            self.tally.embedded += 1
            self.tally.updated += is_there
            self.tally.added += not is_there
            self._other_photos.add(product.id)
            self._to_write.append(read.embedded)
        if max(len(self._to_write), len(self._to_update)) >= WRITE_BATCH:
            self._flush()

    def _update(self, product: Product, *, count: bool) -> None:
        said = fingerprint(product)
        if self._said.get(product.id) != said:
            self._said[product.id] = said
            self._changed.add(product.id)
            self._to_update[product.id] = product
        self.tally.updated += count and product.id in self._changed
        self.tally.unchanged += count and product.id not in self._changed

    def _flush(self) -> None:
        self._gallery.add(self._to_write)
        self._to_write.clear()
        self._gallery.update(*self._to_update.values())
        self._to_update.clear()


def all_products(index: VectorIndex) -> Iterator[Product]:
    """Every product of an index."""
    for offset in range(0, index.count_products(), _PAGE):
        yield from index.products(offset=offset, limit=_PAGE)


def fingerprint(product: Product) -> int:
    """A number that changes with what is said of a product; a million of them are no burden."""
    attributes = tuple(sorted(product.attributes.items(), key=lambda item: item[0]))
    said = (product.title, product.category, product.price, product.currency, product.in_stock, product.url)
    return hash((said, attributes))
