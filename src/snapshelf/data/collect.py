"""A source's rows joined with what was decoded of them: columns of fixed width, and the manifest.

Shapes: N photos, S pixels a side, C = 3 channels.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.dataset import PHOTOS
from snapshelf.data.facts import FACTS
from snapshelf.data.listing import Joined, Listing
from snapshelf.errors import ArtifactMismatchError, SourceError
from snapshelf.types import SPLITS

_BATCH = 4096


@dataclass(frozen=True, slots=True)
class Columns:
    """What is known of the usable photos, in the source's order, in about 120 bytes a photo."""

    positions_N: NDArray[np.int64]
    """Their numbers in the listing, where their texts are."""
    label_N: NDArray[np.int32]
    """Indices into `labels`."""
    split_N: NDArray[np.int8]
    """The splits that the source gives: indices into `SPLITS`, -1 where it gives none."""
    product_N: NDArray[np.uint64]
    """The hashes of the products' ids, 0 where there is none."""
    file_N: NDArray[np.uint64]
    """The hashes of the files that photos are parts of, 0 where they are whole files."""
    lot_N: NDArray[np.uint64]
    """The photos' places in a draw that hangs on their paths alone."""
    folder_N: NDArray[np.uint8]
    """In which folder their pixels are, and …"""
    row_N: NDArray[np.int64]
    """… in which row there."""
    facts_N: NDArray[np.void]
    """`FACTS`."""
    labels: list[str]
    """The categories, sorted."""

    def __len__(self) -> int:
        return len(self.positions_N)

    def take(self, chosen_N: NDArray[np.bool_]) -> Self:
        """Only some of the photos."""
        names = [field.name for field in fields(self) if field.name != "labels"]
        return replace(self, **{name: getattr(self, name)[chosen_N] for name in names})

    def lie_in_order(self, num_rows: int) -> bool:
        """Whether they are just the rows of the first folder, in its order."""
        return not self.folder_N.any() and np.array_equal(self.row_N, np.arange(num_rows))


class PlacedPhotos:
    """Photos that lie in several folders, as if they were one array (N, S, S, C)."""

    def __init__(self, folders: Sequence[Path], columns: Columns) -> None:
        arrays: list[np.memmap[Any, Any]] = [np.load(folder / PHOTOS, mmap_mode="r") for folder in folders]
        self._columns = columns
        self._files = [(folder / PHOTOS).open("rb", buffering=0) for folder in folders]
        self._starts = [array.offset for array in arrays]
        self.shape = (len(columns), *arrays[0].shape[1:])

    def __len__(self) -> int:
        return len(self._columns)

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Copies of some photos, (len(rows), S, S, C). May be called from several threads at once.

        Raises:
            ArtifactMismatchError: a file is shorter than what is known of it.
        """
        photos_NSSC = np.empty((len(rows), *self.shape[1:]), np.uint8)
        folder_N, row_N = self._columns.folder_N[rows], self._columns.row_N[rows]
        places = zip(photos_NSSC, folder_N.tolist(), row_N.tolist(), strict=True)
        for pixels_SSC, folder, row in places:
            # Read, not mapped: pages of a mapped file would count as this process's memory.
            start = self._starts[folder] + row * pixels_SSC.nbytes
            if os.preadv(self._files[folder].fileno(), [pixels_SSC], start) != pixels_SSC.nbytes:
                raise ArtifactMismatchError(
                    f"{self._files[folder].name} ends before its photo {row}. Remove its folder and prepare again."
                )
        return photos_NSSC

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()


def collect(listing: Listing, known: Sequence[Path]) -> Columns:
    """Join a listing with folders of decoded photos, the first one first.

    Raises:
        SourceError: not one photo can be used, or all show the same class.
    """
    codes: dict[str, int] = {}
    joined = listing.join(known)
    parts: list[list[NDArray[Any]]] = []
    while batch := list(itertools.islice(joined, _BATCH)):
        parts.append(_columns(batch, codes))
    _check(listing, codes, sum(len(part[0]) for part in parts))
    names = [field.name for field in fields(Columns) if field.name != "labels"]
    columns = dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))
    labels = sorted(codes)
    place = {codes[label]: index for index, label in enumerate(labels)}
    columns["label_N"] = np.array([place[code] for code in range(len(labels))], np.int32)[columns["label_N"]]
    return Columns(**columns, labels=labels)


def _columns(batch: Sequence[Joined], codes: dict[str, int]) -> list[NDArray[Any]]:
    positions, paths, labels, splits, products, files, folders, rows, facts = zip(*batch, strict=True)
    split_codes = {None: -1} | {split: code for code, split in enumerate(SPLITS)}
    return [
        np.array(positions, np.int64),
        np.array([codes.setdefault(label, len(codes)) for label in labels], np.int32),
        np.array([split_codes[split] for split in splits], np.int8),
        _hashes(products),
        _hashes(files),
        np.array([_lot(path) for path in paths], np.uint64),
        np.array(folders, np.uint8),
        np.array(rows, np.int64),
        np.frombuffer(b"".join(facts), FACTS),
    ]


def _hashes(texts: Sequence[str | None]) -> NDArray[np.uint64]:
    """64 bits of each text, 0 for none. Two of a million differing texts are alike with a chance of 1 to 37 million."""
    return np.array([_first_8(hashlib.sha256(text.encode())) if text is not None else 0 for text in texts], np.uint64)


def _lot(path: str) -> int:
    """A photo's place in the draw: as good as random, and always the same."""
    return _first_8(hashlib.sha256(f"snapshelf split {path}".encode()))


def _first_8(digest: Any) -> int:  # noqa: ANN401 (hashlib names no public type)
    return int.from_bytes(digest.digest()[:8])


def _check(listing: Listing, codes: dict[str, int], num_photos: int) -> None:
    if not num_photos:
        rejected = listing.rejected()
        first = "; ".join(f"{bad.path}: {bad.reason}" for bad in rejected[:3])
        raise SourceError(f"None of the {len(rejected)} photos can be used. The first: {first}")
    if len(codes) < 2:
        raise SourceError(
            f"All {num_photos} usable photos are of the class {next(iter(codes))!r}; expected at least 2 classes, "
            "because there is nothing to tell apart."
        )
