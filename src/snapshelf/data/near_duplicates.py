"""The same photo in another guise: saved anew, resized, cropped, turned or mirrored.

Perceptual hashes, and embeddings where there are some, propose pairs; laying the one photo upon the other decides.
Embeddings alone would not do: products that one photographer took before one wall are as near to each other as crops
of one photo are (docs/decisions/0010-near-duplicates.md).

Shapes: N photos, M pairs, S pixels a side, C = 3 channels, D numbers an embedding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.groups import Pairs
from snapshelf.data.registration import MOVABLE_PX, Movable, alike_as_they_are, details
from snapshelf.progress import progress

LOOK_RADIUS = 8
"""Bits of 63 that two looks may differ in. Recompressed, resized and brighter photos differ in 6 or fewer."""

TINY_LOOK_RADIUS = 4
"""The same for photos that are too small to be moved upon each other, and look alike more often."""

TURNED_RADIUS = 2
"""Bits of 35 that the looks of turned or mirrored photos may differ in, before the turn is tried out."""

SIMILARITY = 0.75
"""The least cosine, of centred embeddings, that is worth a closer look: crops by 10 % reach it nearly always."""

NEAREST = 3
"""Partners that are proposed for a photo by each way, at most, so that a thousand look-alikes do not make a million
pairs. Every member of a chain still finds its nearest ones."""

_BLOCK = 64
_WIDTH = 4096
"""Blocks of pairs that stay in a core's cache."""

_CHUNK = 64
_ODD_ROWS = np.stack([np.zeros((8, 8), np.uint8), np.repeat(np.arange(8, dtype=np.uint8) % 2, 8).reshape(8, 8)])
"""What mirroring upside down inverts: nothing, or every other row of the waves."""

_TURNED_CHUNK = 16_384
"""Pairs whose looks are turned at a time: each takes some 300 bytes meanwhile."""

_EMBEDDING_BLOCK = 512


class PhotoRows(Protocol):
    """Photos that can be had by their numbers: (len(rows), S, S, C)."""

    shape: tuple[int, ...]

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]: ...


def near_duplicates(
    looks_N: NDArray[np.uint64],
    turned_looks_N: NDArray[np.uint64],
    photos: PhotoRows,
    embeddings_ND: NDArray[np.float32] | None,
    num_threads: int,
) -> Pairs:
    """Pairs of photos that show the very same picture.

    Args:
        looks_N: `FACTS` `look`.
        turned_looks_N: `FACTS` `turned_look`.
        photos: the prepared photos. Exact copies are best left out: one of each is enough.
        embeddings_ND: any lengths; None where there are none, and crops of more than some 5 % are then missed.
        num_threads: how many pairs are looked at at a time.
    """
    radius = LOOK_RADIUS if photos.shape[1] >= MOVABLE_PX else TINY_LOOK_RADIUS
    with ThreadPoolExecutor(num_threads) as pool:
        turned = _near_bits(turned_looks_N, TURNED_RADIUS, pool, "Comparing turned looks")
        proposed = [
            _near_bits(looks_N, radius, pool, "Comparing looks"),
            *(
                _turned_too(turned[start : start + _TURNED_CHUNK], looks_N, radius)
                for start in range(0, len(turned), _TURNED_CHUNK)
            ),
        ]
        if embeddings_ND is not None:
            proposed.append(_near_embeddings(embeddings_ND))
        pairs = np.unique(np.concatenate(proposed), axis=0)
        return _confirmed(pairs, photos, pool)


def _near_bits(hashes_N: NDArray[np.uint64], radius: int, pool: ThreadPoolExecutor, what: str) -> Pairs:
    """For every photo the nearest later ones within a Hamming distance; all pairs are compared, which is quick."""
    with progress(what, len(hashes_N)) as step:

        def near(start: int) -> Pairs:
            rows = hashes_N[start : start + _BLOCK]
            differing, bits = np.empty((len(rows), _WIDTH), np.uint64), np.empty((len(rows), _WIDTH), np.uint8)
            found = [_NO_HITS]
            for first in range(start, len(hashes_N), _WIDTH):
                others = hashes_N[first : first + _WIDTH]
                width = len(others)
                np.bitwise_xor(rows[:, None], others[None], out=differing[:, :width])
                np.bitwise_count(differing[:, :width], out=bits[:, :width])
                found.append(_hits(bits[:, :width] <= radius, bits[:, :width], start, first))
            step(len(rows))
            return _nearest(found)

        return _joined(pool.map(near, range(0, len(hashes_N), _BLOCK)))


def _near_embeddings(embeddings_ND: NDArray[np.float32]) -> Pairs:
    """For every photo the nearest later ones, by the cosine of centred embeddings."""
    mean_D = embeddings_ND.mean(0, dtype=np.float64).astype(np.float32)

    def unit(start: int, end: int) -> NDArray[np.float32]:
        centred = embeddings_ND[start:end] - mean_D
        lengths = np.linalg.norm(centred, axis=1, keepdims=True)
        return np.asarray(centred / np.maximum(lengths, 1e-9), np.float32)

    parts = []
    with progress("Comparing embeddings", len(embeddings_ND)) as step:
        for start in range(0, len(embeddings_ND), _EMBEDDING_BLOCK):
            rows = unit(start, start + _EMBEDDING_BLOCK)
            found = [_NO_HITS]
            for first in range(start, len(embeddings_ND), _WIDTH):
                similarity = rows @ unit(first, first + _WIDTH).T
                found.append(_hits(similarity >= SIMILARITY, 1 - similarity, start, first))
            parts.append(_nearest(found))
            step(len(rows))
    return _joined(parts)


Hits = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]
"""Pairs of photos, the lower number first, and how far they are from each other."""

_NO_HITS: Hits = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8))


_CROWD = 128
"""Of more hits in a row of a block the nearest few are chosen at once, before they become pairs."""

_TIE = 1e-9
"""Of two that are equally near the one with the lower number is the nearer."""


def _hits(is_hit: NDArray[np.bool_], distance: NDArray[Any], start: int, first: int) -> Hits:
    """The pairs of a block whose rows begin with photo `start`, and its columns with photo `first`.

    Of a row with many hits only the nearest few are told, so that a crowd of look-alikes is no burden.
    """
    if not is_hit.any():
        return _NO_HITS
    if first < start + len(is_hit):
        is_hit = is_hit & (np.arange(is_hit.shape[1])[None] + first > np.arange(len(is_hit))[:, None] + start)
    crowded = np.flatnonzero(np.count_nonzero(is_hit, axis=1) > _CROWD)
    if len(crowded):
        order = distance[crowded] + np.arange(is_hit.shape[1]) * _TIE
        order[~is_hit[crowded]] = np.inf
        last = np.partition(order, NEAREST - 1, axis=1)[:, NEAREST - 1]
        is_hit = is_hit.copy()
        is_hit[crowded] = order <= last[:, None]
    one, other = np.divmod(np.flatnonzero(is_hit), is_hit.shape[1])
    return one + start, other + first, distance[one, other]


def _nearest(found: Sequence[Hits]) -> Pairs:
    """Of the pairs of each first photo the nearest few."""
    one_M, other_M, distance_M = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((other_M, distance_M, one_M))
    one_M, other_M = one_M[order], other_M[order]
    rank_M = np.arange(len(one_M)) - np.searchsorted(one_M, one_M)
    few_M = rank_M < NEAREST
    return np.stack([one_M[few_M], other_M[few_M]], axis=1)


def _joined(parts: Iterator[Pairs] | Sequence[Pairs]) -> Pairs:
    return np.concatenate([np.empty((0, 2), np.int64), *parts])


def _turned_too(pairs: Pairs, looks_N: NDArray[np.uint64], radius: int) -> Pairs:
    """The pairs whose looks fit once one of them is turned or mirrored."""
    one_M, other_M = looks_N[pairs].T
    waves_M88 = np.unpackbits(one_M.astype(">u8")[:, None].view(np.uint8), axis=1).reshape(-1, 8, 8)
    nearest_M = np.full(len(pairs), 64, np.uint8)
    for guise in range(8):
        turned_M88 = waves_M88.transpose(0, 2, 1) if guise & 1 else waves_M88
        flipped_M88 = turned_M88 ^ _ODD_ROWS[guise >> 1 & 1] ^ _ODD_ROWS[guise >> 2].T
        flipped_M88[:, 0, 0] = 0
        looks_M = np.packbits(flipped_M88.reshape(-1, 64), axis=1).view(">u8").ravel().astype(np.uint64)
        nearest_M = np.minimum(nearest_M, np.bitwise_count(looks_M ^ other_M))
    return np.asarray(pairs[nearest_M <= radius])


def _confirmed(pairs: Pairs, photos: PhotoRows, pool: ThreadPoolExecutor) -> Pairs:
    """The pairs that lie upon each other; those of photos of ordinary size may be moved to do so."""
    movable = photos.shape[1] >= MOVABLE_PX
    with progress("Laying photos upon each other", len(pairs), "pairs") as step:

        def same(chunk: Pairs) -> NDArray[np.bool_]:
            rows, places_M2 = np.unique(chunk, return_inverse=True)
            places_M2 = places_M2.reshape(chunk.shape)
            pixels = photos[rows]
            details_Nss = details(pixels)
            alike_M = alike_as_they_are(details_Nss[places_M2[:, 0]], details_Nss[places_M2[:, 1]])
            if movable:
                forms = [Movable(pixels_SSC) for pixels_SSC in pixels]
                for pair in np.flatnonzero(~alike_M).tolist():
                    one, other = places_M2[pair].tolist()
                    alike_M[pair] = forms[one].is_alike(forms[other])
            step(len(chunk))
            return alike_M

        chunks = [pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK)]
        return np.asarray(pairs[np.concatenate([np.empty(0, bool), *pool.map(same, chunks)])])
