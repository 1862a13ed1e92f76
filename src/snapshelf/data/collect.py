"""A source's rows joined with what was decoded of them: the manifest's columns, and the list of what was rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from snapshelf.data.dataset import MANIFEST_SCHEMA
from snapshelf.data.prepared import Known, KnownPhotos
from snapshelf.data.sources import Source
from snapshelf.data.split import Assignment, assign_splits, group_photos
from snapshelf.errors import SourceError
from snapshelf.types import Photo, Rejected


@dataclass(slots=True)
class Collected:
    """The usable photos in the source's order, one entry each in every list, and what could not be used.

    `places` says where a photo's pixels are: the number of the folder they were looked for in, and the row there.
    """

    photos: list[Photo] = field(default_factory=list)
    stamps: list[str] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    folders: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    def manifest(self) -> tuple[pa.Table, Assignment]:
        """The rows of `manifest.parquet`, with their splits made."""
        paths, labels = [photo.path for photo in self.photos], [photo.label for photo in self.photos]
        same_pixels = [(known.sha256, known.width_px, known.height_px) for known in self.known]
        products = [photo.product_id for photo in self.photos]
        groups = group_photos(zip(products, same_pixels, strict=True))
        assignment = assign_splits(paths, labels, [photo.split for photo in self.photos], groups)
        columns = [
            paths,
            labels,
            assignment.splits,
            products,
            [known.sha256 for known in self.known],
            [known.width_px for known in self.known],
            [known.height_px for known in self.known],
        ]
        return pa.Table.from_arrays(
            [pa.array(column, field.type) for column, field in zip(columns, MANIFEST_SCHEMA, strict=True)],
            schema=MANIFEST_SCHEMA,
        ), assignment

    def lie_in_order(self, folder: int, num_rows: int) -> bool:
        """Whether the pixels of one folder are just these photos in this order."""
        rows = [known.row for known in self.known]
        return set(self.folders) == {folder} and rows == list(range(num_rows))


def collect(source: Source, folders: Sequence[KnownPhotos]) -> Collected:
    """Look every row of a source up in folders of decoded photos, the first one first.

    Raises:
        SourceError: not one photo can be used, or all show the same class.
    """
    found = Collected()
    seen: set[str] = set()
    for row in source.rows():
        if isinstance(row, Rejected):
            found.rejected.append(row)
        elif row.path in seen:
            found.rejected.append(Rejected(row.path, "stands twice in the source; the first row was taken"))
        else:
            seen.add(row.path)
            _look_up(row, source.stamp(row.path), folders, found)
    _check(found)
    return found


def _look_up(photo: Photo, stamp: str, folders: Sequence[KnownPhotos], found: Collected) -> None:
    for number, folder in enumerate(folders):
        known = folder.find(photo.path, stamp)
        if known and known.reason is None:
            found.photos.append(photo)
            found.stamps.append(stamp)
            found.known.append(known)
            found.folders.append(number)
            return
        if known and known.reason is not None:
            found.rejected.append(Rejected(photo.path, known.reason))
            return
    found.rejected.append(Rejected(photo.path, "it changed while it was being prepared; prepare again"))


def _check(found: Collected) -> None:
    if not found.photos:
        first = "; ".join(f"{bad.path}: {bad.reason}" for bad in found.rejected[:3])
        raise SourceError(f"None of the {len(found.rejected)} photos can be used. The first: {first}")
    labels = {photo.label for photo in found.photos}
    if len(labels) < 2:
        raise SourceError(
            f"All {len(found.photos)} usable photos are of the class {labels.pop()!r}; expected at least 2 classes, "
            "because there is nothing to tell apart."
        )
