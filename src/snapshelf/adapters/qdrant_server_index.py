"""`VectorIndex` on a Qdrant server or cluster, reached over HTTP; an index is a collection there.

Every change waits until all replicas that are read from have it. Only whole points are written, those that do not lead
first: a server writes each point wholly or not at all, but a cluster may lose its connection between two of them, and
then a product is at worst without a lead until the same change comes again.

Shapes: N photos, D numbers an embedding.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

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
from snapshelf.adapters.qdrant_server import in_words
from snapshelf.adapters.words import Words
from snapshelf.errors import StoreError

_PAGE = 1000
"""Points read at once when many are listed."""

_WRITE = 250
"""Points written at once: a server takes 32 MB, and a long embedding is 30 kB of JSON."""

_ORDER = models.WriteOrdering.MEDIUM
"""All replicas see the changes in one order."""


_RESCORED = models.QuantizationSearchParams(rescore=True, oversampling=CANDIDATES_PER_HIT)
_QUICK = models.SearchParams(hnsw_ef=WALKED, quantization=_RESCORED)
_EXACT = models.SearchParams(exact=True, quantization=models.QuantizationSearchParams(ignore=True))


class QdrantServerIndex(QdrantIndex):
    """Photos of products in a collection. May be used from several threads; one process at a time should change it.

    What another process adds or removes is searched at once, and listed after `ids_kept_s` at most.
    """

    ids_kept_s = 10.0

    def __init__(self, client: QdrantClient, collection: str, held: IO[str] | None = None) -> None:
        """Use `create` or `open` instead; `held` is a lock's file, closed with the index."""
        super().__init__()
        self._held = held
        self._client = client
        self._collection = collection

    @classmethod
    def create(
        cls, client: QdrantClient, collection: str, embedding_dim: int, *, shards: int = 1, replicas: int = 1
    ) -> Self:
        """Make an empty collection, in so many shards, each on so many machines; go on with one that is there already.

        Raises:
            StoreError: the server cannot be used.
        """
        schema = models.PayloadSchemaType
        int8 = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=QUANTILE, always_ram=True)
        dense = models.VectorParams(
            size=embedding_dim,
            distance=models.Distance.COSINE,
            quantization_config=models.ScalarQuantization(scalar=int8),
        )
        with in_words(collection):
            if not client.collection_exists(collection):
                client.create_collection(
                    collection,
                    vectors_config={EMBEDDING: dense},
                    sparse_vectors_config={WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                    shard_number=shards,
                    replication_factor=replicas,
                    write_consistency_factor=replicas // 2 + 1,
                )
            for keys, kind in ((KEYWORDS, schema.KEYWORD), (INTEGERS, schema.INTEGER), (FLOATS, schema.FLOAT)):
                for key in keys:
                    client.create_payload_index(collection, key, kind, wait=True)
        return cls(client, collection)

    @classmethod
    def open(cls, client: QdrantClient, collection: str, held: IO[str] | None = None) -> Self:
        """Open a collection.

        Raises:
            StoreError: there is none, or the server cannot be used.
        """
        with in_words(collection):
            if not client.collection_exists(collection):
                raise StoreError(
                    f"The Qdrant server has no collection {collection}. Set SNAPSHELF_QDRANT_URL to the server that "
                    "has it, or build the index anew: snapshelf index CATALOGUE --store DIR --replace"
                )
        return cls(client, collection, held)

    def drop(self) -> None:
        """Remove the collection with everything in it.

        Raises:
            StoreError: the server cannot be used.
        """
        with in_words(self._collection):
            self._client.delete_collection(self._collection)

    def optimize(self) -> None:
        """Nothing to do: a server does so by itself."""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        if self._held is not None:
            self._held.close()

    def _put(self, photos: list[StoredPhoto]) -> None:
        points = [_to_point(photo) for photo in sorted(photos, key=lambda photo: photo.leads)]
        num_others = sum(not photo.leads for photo in photos)
        for part in (points[:num_others], points[num_others:]):
            for start in range(0, len(part), _WRITE):
                with self._writing():
                    self._client.upsert(self._collection, part[start : start + _WRITE], wait=True, ordering=_ORDER)

    def _delete(self, photo_ids: Sequence[str]) -> None:
        with self._writing():
            ids: list[models.ExtendedPointId] = [str(point_id(photo_id)) for photo_id in photo_ids]
            self._client.delete(self._collection, models.PointIdsList(points=ids), wait=True, ordering=_ORDER)

    def _delete_where(self, wanted: Conditions) -> None:
        for where in (wanted.and_(OneOf("lead", (0,))), wanted):
            with self._writing():
                chosen = models.FilterSelector(filter=_to_filter(where))
                self._client.delete(self._collection, chosen, wait=True, ordering=_ORDER)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, in_words(self._collection):
            try:
                yield
            finally:
                self._forget_ids()

    def _by_id(self, photo_ids: Sequence[str]) -> list[StoredPhoto]:
        ids: list[models.ExtendedPointId] = [str(point_id(photo_id)) for photo_id in photo_ids]
        with in_words(self._collection):
            records = self._client.retrieve(self._collection, ids, with_payload=True, with_vectors=[EMBEDDING])
        return [_to_stored(record) for record in records]

    def _stored(self, wanted: Conditions) -> list[StoredPhoto]:
        return [_to_stored(record) for record in self._records(wanted, payload=True, vectors=[EMBEDDING])]

    def _payloads(self, wanted: Conditions, keys: list[str] | None = None) -> Iterator[dict[str, Any]]:
        return (record.payload or {} for record in self._records(wanted, payload=keys or True, vectors=False))

    def _records(
        self, wanted: Conditions, *, payload: list[str] | bool, vectors: list[str] | bool
    ) -> Iterator[models.Record]:
        offset: Any = None
        while True:
            with in_words(self._collection):
                records, offset = self._client.scroll(
                    self._collection, _to_filter(wanted), _PAGE,
                    offset=offset, with_payload=payload, with_vectors=vectors,
                )  # fmt: skip
            yield from records
            if offset is None:
                return

    def _nearest(self, query_D: NDArray[np.float32], limit: int, wanted: Conditions, *, exact: bool) -> list[Hit]:
        params = _EXACT if exact else _QUICK
        return self._query(query_D.tolist(), EMBEDDING, limit, _to_filter(wanted), params)

    def _varied(self, query_D: NDArray[np.float32], candidates: list[Hit], limit: int, diversity: float) -> list[Hit]:
        mmr = models.Mmr(diversity=diversity, candidates_limit=len(candidates))
        only_candidates = models.Filter(must=[models.HasIdCondition(has_id=[hit.point for hit in candidates])])
        query = models.NearestQuery(nearest=query_D.tolist(), mmr=mmr)
        return self._query(query, EMBEDDING, limit, only_candidates, _EXACT)

    def _with_words(self, words: Words, limit: int, wanted: Conditions) -> list[Hit]:
        query = models.SparseVector(indices=[*words.indices], values=[*words.values])
        # Without a corpus, removed products go on counting in the idf until the server has optimized the collection.
        idf = models.IdfCorpusParams(corpus=_to_filter(Conditions((LEADS,))))
        return self._query(query, WORDS, limit, _to_filter(wanted), models.SearchParams(idf=idf), ["product_id"])

    def _query(
        self,
        query: list[float] | models.NearestQuery | models.SparseVector,
        using: str,
        limit: int,
        wanted: models.Filter,
        params: models.SearchParams,
        payload: list[str] | bool = True,  # noqa: FBT001, FBT002 (as the engine has it)
    ) -> list[Hit]:
        with in_words(self._collection):
            found = self._client.query_points(
                self._collection, query, using=using, limit=limit, query_filter=wanted,
                search_params=params, with_payload=payload,
            )  # fmt: skip
        return [Hit(str(point.id), point.score, point.payload or {}) for point in found.points]

    def _facet(self, key: str, wanted: Conditions) -> dict[str, int]:
        with in_words(self._collection):
            found = self._client.facet(self._collection, key, _to_filter(wanted), EVERY_VALUE)
        return {str(hit.value): hit.count for hit in found.hits if hit.count}

    def _count(self, wanted: Conditions) -> int:
        with in_words(self._collection):
            return self._client.count(self._collection, _to_filter(wanted), exact=True).count

    def _price(self, wanted: Conditions, *, descending: bool) -> float | None:
        order = models.OrderBy(key="price", direction=models.Direction.DESC if descending else models.Direction.ASC)
        with in_words(self._collection):
            records, _ = self._client.scroll(
                self._collection, _to_filter(wanted), 1, order_by=order, with_payload=["price"]
            )
        return next((float((record.payload or {})["price"]) for record in records), None)


def _to_point(stored: StoredPhoto) -> models.PointStruct:
    vectors: dict[str, Any] = {EMBEDDING: stored.embedding_D.tolist()}
    if (words := stored.words) is not None:
        vectors[WORDS] = models.SparseVector(indices=[*words.indices], values=[*words.values])
    return models.PointStruct(id=str(point_id(stored.photo.photo_id)), vector=vectors, payload=stored.payload)


def _to_stored(record: models.Record) -> StoredPhoto:
    payload = record.payload or {}
    vectors: Any = record.vector
    return StoredPhoto(to_photo(payload), unit(vectors[EMBEDDING]), leads=bool(payload["lead"]))


def _to_filter(wanted: Conditions) -> models.Filter:
    return models.Filter(
        must=[_to_condition(each) for each in wanted.must],
        must_not=[_to_condition(each) for each in wanted.must_not],
    )


def _to_condition(wanted: OneOf | Between) -> models.FieldCondition:
    if isinstance(wanted, Between):
        return models.FieldCondition(key=wanted.key, range=models.Range(gte=wanted.low, lte=wanted.high))
    return models.FieldCondition(key=wanted.key, match=models.MatchAny(any=[*wanted.values]))
