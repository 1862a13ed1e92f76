"""A catalogue's photos → the gallery: read and decoded on several cores, embedded and written in batches.

What is there already and has not changed is passed over: it is read and hashed, but not decoded or embedded.
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

EMBED_BATCH = 64
"""Photos the encoder is given at once: what is decoded and waits takes the most memory."""

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
    """An entry after its photo was read; `ready` is None where the photo is the one that is there, or failed."""

    entry: CatalogueEntry
    sha256: str = ""
    ready: ReadyPhoto | None = None
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
        self._to_embed: list[tuple[ProductPhoto, ReadyPhoto]] = []
        self._to_write: list[EmbeddedPhoto] = []
        self._to_update: dict[str, Product] = {}
        self.tally = Tally()

    def write(self, catalogue: Catalogue, num_threads: int, step: Callable[[int], None]) -> None:
        """Go through the catalogue; every photo is in the index when the call returns."""
        threads, size = (num_threads, _CHUNK)
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
        self, chunks: Iterator[list[CatalogueEntry | Rejected]], num_threads: int
    ) -> Iterator[_Read | Rejected]:
        """Read and decode ahead, a few chunks at most; what comes out is in the order of what goes in."""
        pending: deque[Future[list[_Read | Rejected]]] = deque()
        pool = ThreadPoolExecutor(num_threads)
        try:
            for chunk in chunks:
                pending.append(pool.submit(self._read_chunk, chunk))
                if len(pending) > 2 * num_threads:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _read_chunk(self, entries: list[CatalogueEntry | Rejected]) -> list[_Read | Rejected]:
        return [self._read(entry) for entry in entries]

    def _read(self, entry: CatalogueEntry | Rejected) -> _Read | Rejected:
        if isinstance(entry, Rejected):
            return entry
        try:
            content = entry.read()
            digest = sha256(content)
            known = self._hashes.get(entry.photo_id) == digest
            return _Read(entry, digest, None if known else self._gallery.prepare(content))
        except PhotoError as error:
            return _Read(entry, failure=str(error))

    def _take(self, read: _Read) -> None:
        photo = ProductPhoto(read.entry.photo_id, read.sha256, read.entry.product)
        if read.failure is not None:
            self.tally.rejected.append(Rejected(read.entry.name, read.failure, product_id=photo.product.id))
            if photo.photo_id not in self._hashes:
                return
        self._seen_photos.add(photo.photo_id)
        self._seen_products.add(photo.product.id)
        if read.ready is None:
            # Also where the photo failed: perhaps the network did, and the one that is there still serves.
            self._update(photo.product, count=read.failure is None)
        else:
            self.tally.updated += photo.photo_id in self._hashes
            self.tally.added += photo.photo_id not in self._hashes
            self._other_photos.add(photo.product.id)
            self._to_embed.append((photo, read.ready))
        self._write_when_enough()

    def _update(self, product: Product, *, count: bool) -> None:
        said = fingerprint(product)
        if self._said.get(product.id) != said:
            self._said[product.id] = said
            self._changed.add(product.id)
            self._to_update[product.id] = product
        self.tally.updated += count and product.id in self._changed
        self.tally.unchanged += count and product.id not in self._changed

    def _write_when_enough(self) -> None:
        if len(self._to_embed) >= EMBED_BATCH:
            self._embed()
        if max(len(self._to_write), len(self._to_update)) >= WRITE_BATCH:
            self._flush()

    def _embed(self) -> None:
        self._to_write += self._gallery.embed(self._to_embed)
        self.tally.embedded += len(self._to_embed)
        self._to_embed.clear()

    def _flush(self) -> None:
        self._embed()
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
