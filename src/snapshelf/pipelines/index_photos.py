"""A catalogue's photos → the gallery: read, decoded and embedded on several cores, written in batches.

Each worker takes a few photos all the way, on one core, so that no core waits for another. What is there already and
has not changed is passed over: it is read and hashed, but not decoded or embedded.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from snapshelf.data.catalogue import Catalogue, CatalogueEntry
from snapshelf.data.decoding import DOWNLOADS_AT_A_TIME
from snapshelf.data.photo_ids import product_id_of
from snapshelf.errors import PhotoError
from snapshelf.gallery import EmbeddedPhoto, Gallery, ReadyPhoto, sha256
from snapshelf.ports import VectorIndex
from snapshelf.types import Product, ProductPhoto, Rejected

_CHUNK = 16
"""Photos a task, so that handing tasks over costs nothing beside them."""

_CHUNK_FROM_THE_WEB = 2
"""Where photos are waited for: small tasks, as each takes as long as its slowest photo."""

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


@dataclass(frozen=True, slots=True)
class _Read:
    """An entry after its photo was read; `embedded` is None where the photo is the one that is there, or failed."""

    entry: CatalogueEntry
    embedded: EmbeddedPhoto | None = None
    failure: str | None = None


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

    def write(self, catalogue: Catalogue, num_workers: int, step: Callable[[int], None]) -> None:
        """Go through the catalogue; every photo is in the index when the call returns."""
        threads, size = (num_workers, _CHUNK)
        if catalogue.waits_for_the_web():
            threads, size = DOWNLOADS_AT_A_TIME, _CHUNK_FROM_THE_WEB
        entries = catalogue.entries()
        for read in self._read_all(iter(lambda: list(itertools.islice(entries, size)), []), threads):
            if isinstance(read, Rejected):
                self.tally.rejected.append(read)
            else:
                self._take(read)
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

    def _read_all(
        self, chunks: Iterator[list[CatalogueEntry | Rejected]], num_workers: int
    ) -> Iterator[_Read | Rejected]:
        """Work ahead, a few chunks at most; what comes out is in the order of what goes in."""
        pending: deque[Future[list[_Read | Rejected]]] = deque()
        pool = ThreadPoolExecutor(num_workers)
        try:
            for chunk in chunks:
                pending.append(pool.submit(self._read_chunk, chunk))
                if len(pending) > 2 * num_workers:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _read_chunk(self, entries: list[CatalogueEntry | Rejected]) -> list[_Read | Rejected]:
        """Read some entries' photos, and embed those that are new or changed."""
        found: list[_Read | Rejected] = []
        ready: list[tuple[ProductPhoto, ReadyPhoto]] = []
        places: list[tuple[int, CatalogueEntry]] = []
        for entry in entries:
            if isinstance(entry, Rejected):
                found.append(entry)
                continue
            try:
                content = entry.read()
                digest = sha256(content)
                if self._hashes.get(entry.photo_id) != digest:
                    photo = ProductPhoto(entry.photo_id, digest, entry.product)
                    ready.append((photo, self._gallery.prepare(content)))
                    places.append((len(found), entry))
                found.append(_Read(entry))
            except PhotoError as error:
                found.append(_Read(entry, failure=str(error)))
        for (place, entry), embedded in zip(places, self._gallery.embed(ready), strict=True):
            found[place] = _Read(entry, embedded)
        return found

    def _take(self, read: _Read) -> None:
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
