"""Rows of a catalogue → embedded photos: read, hashed and, where they are new, decoded and embedded.

Each worker takes a few photos all the way, on one core, so that no core waits for another. The machine that indexes
does this on threads, and every worker of a cluster does the same (`ray_workers`).
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from snapshelf.data.catalogue import CatalogueEntry
from snapshelf.data.decoding import DOWNLOADS_AT_A_TIME
from snapshelf.errors import PhotoError
from snapshelf.gallery import EmbeddedPhoto, Embedder, RawPhoto, ReadyPhoto, sha256
from snapshelf.types import ProductPhoto, Rejected

_CHUNK = 16
"""Photos a task, so that handing tasks over costs nothing beside them."""

_CHUNK_FROM_THE_WEB = 2
"""Where photos are waited for: small tasks, as each takes as long as its slowest photo."""


@dataclass(frozen=True, slots=True)
class EmbeddedEntry:
    """An entry after its photo was read; `embedded` is None where the photo is the one that is there, or failed."""

    entry: CatalogueEntry
    embedded: EmbeddedPhoto | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class EntryEmbedder:
    """How entries are read and embedded, and on how many threads. From the web many photos are fetched at a time."""

    read: Callable[[CatalogueEntry], RawPhoto]
    embedder: Embedder
    num_threads: int
    from_the_web: bool

    def embed(
        self, rows: Iterable[CatalogueEntry | Rejected], known: Mapping[str, str]
    ) -> Iterator[EmbeddedEntry | Rejected]:
        """What became of rows, in their order; at most a few chunks are on their way at any time.

        Args:
            rows: entries, and rows that were rejected, which are passed on.
            known: `photo_id` to `photo_sha256` of what is in the index; a photo of that content is not embedded again.
        """
        num_threads, size = (self.num_threads, _CHUNK)
        if self.from_the_web:
            num_threads, size = DOWNLOADS_AT_A_TIME, _CHUNK_FROM_THE_WEB
        todo = iter(rows)
        pending: deque[Future[list[EmbeddedEntry | Rejected]]] = deque()
        pool = ThreadPoolExecutor(num_threads)
        try:
            while chunk := list(itertools.islice(todo, size)):
                pending.append(pool.submit(self._embed_chunk, chunk, known))
                if len(pending) > 2 * num_threads:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _embed_chunk(
        self, rows: list[CatalogueEntry | Rejected], known: Mapping[str, str]
    ) -> list[EmbeddedEntry | Rejected]:
        found: list[EmbeddedEntry | Rejected] = []
        ready: list[tuple[ProductPhoto, ReadyPhoto]] = []
        places: list[tuple[int, CatalogueEntry]] = []
        for row in rows:
            if isinstance(row, Rejected):
                found.append(row)
                continue
            try:
                content = self.read(row)
                digest = sha256(content)
                if known.get(row.photo_id) != digest:
                    photo = ProductPhoto(row.photo_id, digest, row.product)
                    ready.append((photo, self.embedder.prepare(content)))
                    places.append((len(found), row))
                found.append(EmbeddedEntry(row))
            except PhotoError as error:
                found.append(EmbeddedEntry(row, failure=str(error)))
        for (place, entry), embedded in zip(places, self.embedder.embed(ready), strict=True):
            found[place] = EmbeddedEntry(entry, embedded)
        return found
