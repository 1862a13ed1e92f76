"""Photos whose classes are known, as a model sees them: from the prepared data set, or from any source.

Shapes: S pixels a side, 3 channels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.data.decoding import DecodeJob, decode_photos
from snapshelf.data.sources import open_source
from snapshelf.data.sources.options import SourceOptions
from snapshelf.errors import ArtifactMismatchError, SourceError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.progress import console
from snapshelf.types import Photo, Rejected, Split


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo, prepared for the model."""

    path: str
    label: str
    pixels_SSC: NDArray[np.uint8]
    product_id: str | None = None


@dataclass(slots=True)
class LabelledPhotos:
    """A stream of photos and what they are. `rejected` is whole once the stream has ended."""

    photos: Iterator[LabelledPhoto]
    total: int
    words: str
    """Which photos these are, for people."""
    split: Split | None
    dataset_id: str | None = None
    data: str | None = None
    rejected: list[Rejected] = field(default_factory=list)


def photos_of_dataset(store: Store, card: ModelCard, split: Split | None) -> LabelledPhotos:
    """Photos of the store's data set in use, without decoding them again.

    Raises:
        ArtifactMissingError: there is no data set.
        ArtifactMismatchError: its photos were prepared otherwise than the model wants them.
        SourceError: it has no photo of that split.
    """
    dataset = Dataset(store.current("datasets"))
    wanted, found = card.preprocess, dataset.card.preprocess
    if wanted != found:
        raise ArtifactMismatchError(
            f"The data set {dataset.id} was prepared as {found.key}, but the model {card.id} takes {wanted.key}. "
            f"Train anew: snapshelf train --store {store.root}, or name the photos: "
            f"snapshelf evaluate --data SOURCE --store {store.root}"
        )
    if card.dataset_id not in (None, dataset.id):
        console.print(
            f"Note: the model was trained or calibrated on {card.dataset_id}; this is {dataset.id}", markup=False
        )
    split = _split_of(dataset, split)
    rows_N = dataset.rows(split)
    return LabelledPhotos(
        photos=_rows(dataset, rows_N),
        total=len(rows_N),
        words=f"the {len(rows_N):,} {split} photos of {dataset.id}",
        split=split,
        dataset_id=dataset.id,
    )


def photos_of_source(
    store: Store,
    card: ModelCard,
    data: str,
    format: str,  # noqa: A002 (the word of `--format`)
    split: Split | None,
    *,
    limits: DecodeLimits,
    num_threads: int,
) -> LabelledPhotos:
    """Photos of any source, decoded and prepared as the model wants them.

    Raises:
        SourceError: the source is not there, or has no photo of that split.
    """
    source, reason = open_source(data, format, SourceOptions.of(store.config(), store.downloads))
    console.print(reason, markup=False)
    job = DecodeJob(source, card.preprocess, limits, num_threads)
    counts = Counter(photo.split for photo in job.photos())
    total = counts[split] if split else counts.total()
    if not total:
        there = ", ".join(sorted(name or "photos without a split" for name in counts))
        raise SourceError(f"{data} has no {split} photos; found {there}. Leave --split out to take all.")
    photos = LabelledPhotos(
        photos=iter(()),
        total=total,
        words=f"the {total:,} {f'{split} ' if split else ''}photos of {data}",
        split=split,
        data=data,
    )
    photos.photos = _decoded(job, photos)
    return photos


def _split_of(dataset: Dataset, split: Split | None) -> Split:
    there = dataset.splits()
    if split is None:
        if "test" not in there and "validation" in there:
            console.print(f"{dataset.id} has no test photos, so its validation photos are taken", markup=False)
        split = "test" if "test" in there else "validation"
    if split not in there:
        raise SourceError(f"The data set {dataset.id} has no {split} photos; it has {', '.join(there)}.")
    return split


def _rows(dataset: Dataset, rows_N: NDArray[np.int64]) -> Iterator[LabelledPhoto]:
    photos_NSSC, paths, labels = dataset.photos(), dataset.paths, dataset.manifest["label"].to_pylist()
    products = dataset.manifest["product_id"].to_pylist()
    for row in rows_N.tolist():
        yield LabelledPhoto(paths[row], labels[row], photos_NSSC[row], products[row])


def _decoded(job: DecodeJob, photos: LabelledPhotos) -> Iterator[LabelledPhoto]:
    """The source's photos of the wanted split; on the way, everything that cannot be used goes to `rejected`."""
    for done in decode_photos(_wanted(job, photos), job):
        if isinstance(done, Rejected):
            photos.rejected.append(done)
        else:
            yield LabelledPhoto(done.photo.path, done.photo.label, done.pixels_SSC, done.photo.product_id)


def _wanted(job: DecodeJob, photos: LabelledPhotos) -> Iterator[Photo]:
    for row in job.source.rows():
        if isinstance(row, Rejected):
            photos.rejected.append(row)
        elif photos.split in (None, row.split):
            yield row
