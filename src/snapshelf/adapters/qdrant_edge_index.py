"""`VectorIndex` on Qdrant Edge: the engine of Qdrant inside this process, its shard in a folder.

One process at a time holds a shard. Queries hold Python's lock while they run.

Shapes: N photos, D numbers an embedding.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import qdrant_edge as qdrant
from numpy.typing import NDArray

from snapshelf.adapters.qdrant_index import EVERY_VALUE, QdrantIndex
from snapshelf.adapters.qdrant_points import (
    CANDIDATES_PER_HIT,
    EMBEDDING,
    FLOATS,
    INTEGERS,
    KEYWORDS,
    LEADS,
    QUANTILE,
    WALKED,
    WORDS,
    Between,
    Conditions,
    Hit,
    OneOf,
    StoredPhoto,
    point_id,
    to_photo,
    unit,
)
from snapshelf.adapters.sole_use import hold
from snapshelf.adapters.words import Words
from snapshelf.errors import ReadOnlyStoreError, StoreError

_PAGE = 1000
"""Points read at once when many are listed."""


_KNOWN_PAYLOADS = 4096
"""So many photos' payloads are kept at hand, at about 2 kB each: reading them takes as long as the search itself."""

_REMEDY = "Build it anew: snapshelf index CATALOGUE --store DIR --replace"

_RESCORED = qdrant.QuantizationSearchParams(rescore=True, oversampling=CANDIDATES_PER_HIT)
_QUICK = qdrant.SearchParams(hnsw_ef=WALKED, quantization=_RESCORED)
_EXACT = qdrant.SearchParams(exact=True, quantization=qdrant.QuantizationSearchParams(ignore=True))


class QdrantEdgeIndex(QdrantIndex):
    """Photos of products in a shard. May be used from several threads of the one process that opened it."""

    ids_kept_s = math.inf  # nobody else changes the shard

    def __init__(self, shard: qdrant.EdgeShard, held: IO[bytes]) -> None:
        """Use `create` or `open` instead."""
        super().__init__()
        self._shard, self._held = shard, held
        self._known: dict[qdrant.PointId, dict[str, Any]] = {}

    @classmethod
    def create(cls, folder: Path, embedding_dim: int) -> Self:
        """Make an empty index in a folder that has none.

        Raises:
            StoreError: there is one already.
        """
        quantized = qdrant.ScalarQuantizationConfig(qdrant.ScalarType.Int8, QUANTILE, memory=qdrant.Memory.Pinned)
        embedding = qdrant.EdgeVectorParams(embedding_dim, qdrant.Distance.Cosine, quantization_config=quantized)
        folder.mkdir(parents=True, exist_ok=True)
        config = _config({EMBEDDING: embedding})
        shard, held = _alone(folder, lambda: qdrant.EdgeShard.create(str(folder), config))
        schema = qdrant.PayloadSchemaType
        for keys, kind in ((KEYWORDS, schema.Keyword), (INTEGERS, schema.Integer), (FLOATS, schema.Float)):
            for key in keys:
                shard.update(qdrant.UpdateOperation.create_field_index(key, kind))
        shard.flush()
        return cls(shard, held)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open an index. What a crash left in the engine's log is replayed.

        Raises:
            StoreError: there is none, another process has it open, or its folder may not be written.
        """
        if folder.exists() and not os.access(folder, os.W_OK):
            raise ReadOnlyStoreError(
                f"The index {folder} may only be read from here, but its engine keeps its log there. Let it write, or "
                "build the index on a Qdrant server (SNAPSHELF_QDRANT_URL), which servers that only read may share."
            )
        return cls(*_alone(folder, lambda: qdrant.EdgeShard.load(str(folder), _config())))

    def optimize(self) -> None:
        """Merge what many changes left and build the search graph where there is enough to need one."""
        with self._lock:
            self._shard.optimize()
            self._shard.flush()

    def close(self) -> None:
        """Let go of the folder. The index cannot be used afterwards."""
        self._shard.close()
        self._held.close()

    def _put(self, photos: list[StoredPhoto]) -> None:
        if photos:
            self._write(qdrant.UpdateOperation.upsert_points([_to_point(photo) for photo in photos]))

    def _delete(self, photo_ids: Sequence[str]) -> None:
        self._write(qdrant.UpdateOperation.delete_points([point_id(photo_id) for photo_id in photo_ids]))

    def _delete_where(self, wanted: Conditions) -> None:
        self._write(qdrant.UpdateOperation.delete_points_by_filter(_to_filter(wanted)))

    def _write(self, operation: qdrant.UpdateOperation) -> None:
        """Change the shard and wait for the disk: the engine's log alone outlives this process, but no power cut."""
        with self._lock:
            self._shard.update(operation)
            self._shard.flush()
            self._forget_ids()
            self._known = {}  # a new one: who is reading writes into the old one

    def _by_id(self, photo_ids: Sequence[str]) -> list[StoredPhoto]:
        points: list[qdrant.PointId] = [point_id(photo_id) for photo_id in photo_ids]
        return [
            _to_stored(record) for record in self._shard.retrieve(points, with_payload=True, with_vector=[EMBEDDING])
        ]

    def _stored(self, wanted: Conditions) -> list[StoredPhoto]:
        return [_to_stored(record) for record in self._records(wanted, payload=True, vectors=[EMBEDDING])]

    def _payloads(self, wanted: Conditions, keys: list[str] | None = None) -> Iterator[dict[str, Any]]:
        return (record.payload or {} for record in self._records(wanted, payload=keys or True, vectors=False))

    def _records(
        self, wanted: Conditions, *, payload: list[str] | bool, vectors: list[str] | bool
    ) -> Iterator[qdrant.Record]:
        offset: qdrant.PointId | None = None
        while True:
            page = qdrant.ScrollRequest(
                offset=offset, limit=_PAGE, filter=_to_filter(wanted), with_payload=payload, with_vector=vectors
            )
            records, offset = self._shard.scroll(page)
            yield from records
            if offset is None:
                return

    def _nearest(self, query_D: NDArray[np.float32], limit: int, wanted: Conditions, *, exact: bool) -> list[Hit]:
        query = qdrant.Query.Nearest(query_D.tolist(), using=EMBEDDING)
        return self._query(query, limit, _to_filter(wanted), _EXACT if exact else _QUICK)

    def _varied(self, query_D: NDArray[np.float32], candidates: list[Hit], limit: int, diversity: float) -> list[Hit]:
        mmr = qdrant.Mmr(query_D.tolist(), 1.0 - diversity, len(candidates), using=EMBEDDING)
        only_candidates = qdrant.Filter(must=[qdrant.HasIdCondition({hit.point for hit in candidates})])
        return self._query(mmr, limit, only_candidates, _EXACT)

    def _with_words(self, words: Words, limit: int, wanted: Conditions) -> list[Hit]:
        query = qdrant.Query.Nearest(qdrant.SparseVector([*words.indices], [*words.values]), using=WORDS)
        # Without a corpus, removed products go on counting in the idf until the shard is optimized.
        idf = qdrant.IdfParams(corpus=_to_filter(Conditions((LEADS,))))
        return self._query(query, limit, _to_filter(wanted), qdrant.SearchParams(idf=idf))

    def _query(
        self, query: qdrant.Query | qdrant.Mmr, limit: int, wanted: qdrant.Filter, params: qdrant.SearchParams
    ) -> list[Hit]:
        request = qdrant.QueryRequest(limit=limit, query=query, filter=wanted, with_payload=False, params=params)
        hits = self._shard.query(request)
        payloads = self._payloads_of([hit.id for hit in hits])
        return [Hit(str(hit.id), hit.score, payloads[hit.id]) for hit in hits if hit.id in payloads]

    def _payloads_of(self, points: list[qdrant.PointId]) -> dict[qdrant.PointId, dict[str, Any]]:
        """What the points hold that are still there."""
        known = self._known
        missing = [point for point in points if point not in known]
        if missing:
            if len(known) + len(missing) > _KNOWN_PAYLOADS:
                known = self._known = {}
                missing = points
            for record in self._shard.retrieve(missing, with_payload=True, with_vector=False):
                known[record.id] = record.payload or {}
        return known

    def _facet(self, key: str, wanted: Conditions) -> dict[str, int]:
        """With a filter, the quick way counts as exactly as the slow one; removed values stay listed, with a 0."""
        request = qdrant.FacetRequest(key, limit=EVERY_VALUE, exact=False, filter=_to_filter(wanted))
        return {str(hit.value): hit.count for hit in self._shard.facet(request).hits if hit.count}

    def _count(self, wanted: Conditions) -> int:
        return self._shard.count(qdrant.CountRequest(filter=_to_filter(wanted), exact=True))

    def _price(self, wanted: Conditions, *, descending: bool) -> float | None:
        order = qdrant.OrderBy("price", qdrant.Direction.Desc if descending else qdrant.Direction.Asc)
        page = qdrant.ScrollRequest(limit=1, order_by=order, filter=_to_filter(wanted), with_payload=["price"])
        records, _ = self._shard.scroll(page)
        return next((float((record.payload or {})["price"]) for record in records), None)


def _config(vectors: dict[str, qdrant.EdgeVectorParams] | None = None) -> qdrant.EdgeConfig:
    """Of a new shard with these vectors, or of one that has its own.

    One thread searches: a query holds Python's lock until the last of its threads is done, and where the other cores
    look at photos, waking more threads costs more than they save. See docs/decisions/0020-serving.md.
    """
    words = {WORDS: qdrant.EdgeSparseVectorParams(modifier=qdrant.Modifier.Idf)}
    return qdrant.EdgeConfig(vectors=vectors, sparse_vectors=words, max_search_threads=1)


def _to_point(stored: StoredPhoto) -> qdrant.Point:
    vectors: dict[str, qdrant.NamedVector] = {EMBEDDING: stored.embedding_D.tolist()}
    if (words := stored.words) is not None:
        vectors[WORDS] = qdrant.SparseVector([*words.indices], [*words.values])
    return qdrant.Point(point_id(stored.photo.photo_id), vectors, stored.payload)


def _to_stored(record: qdrant.Record) -> StoredPhoto:
    payload = record.payload or {}
    vectors: Any = record.vector
    return StoredPhoto(to_photo(payload), unit(vectors[EMBEDDING]), leads=bool(payload["lead"]))


def _to_filter(wanted: Conditions) -> qdrant.Filter:
    return qdrant.Filter(
        must=[_to_condition(each) for each in wanted.must], must_not=[_to_condition(each) for each in wanted.must_not]
    )


def _to_condition(wanted: OneOf | Between) -> qdrant.FieldCondition:
    if isinstance(wanted, Between):
        return qdrant.FieldCondition(wanted.key, range=qdrant.RangeFloat(gte=wanted.low, lte=wanted.high))
    return qdrant.FieldCondition(wanted.key, match=qdrant.MatchAny([*wanted.values]))


def hold_shard(folder: Path) -> IO[bytes]:
    """Keep everybody else from a shard until what is returned is closed; the engine does not look at it.

    qdrant-edge-py 0.9.0 has a lock of its own, and opens the segments before it finds that held: that shortens files
    which the other process can then write no more.

    Raises:
        StoreError: another process has it open, or it cannot be locked.
    """
    try:
        return hold(folder.with_name(f"{folder.name}.lock"))
    except BlockingIOError:
        raise StoreError(
            f"Another snapshelf serves or changes the index {folder}. Stop it, or change products over HTTP."
        ) from None
    except OSError as error:
        raise StoreError(f"The index {folder} cannot be locked ({error}). {_REMEDY}") from None


def _alone(folder: Path, begin: Callable[[], qdrant.EdgeShard]) -> tuple[qdrant.EdgeShard, IO[bytes]]:
    """What the engine begins with a shard, and what holds it.

    Raises:
        StoreError: another process has the shard open, or it cannot be used.
    """
    held = hold_shard(folder)
    try:
        return begin(), held
    except Exception as error:  # the engine raises no other kind
        held.close()
        raise StoreError(f"The index {folder} cannot be used ({error}). {_REMEDY}") from error
