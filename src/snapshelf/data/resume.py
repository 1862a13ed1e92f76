"""Decoding only what was not decoded before, and bringing the photos of several runs together.

Shapes: N photos, S pixels a side, C = 3 channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.collect import Columns, PlacedPhotos
from snapshelf.data.decoding import DecodeJob, decode_photos
from snapshelf.data.listing import Listing
from snapshelf.data.prepared import PhotoWriter, usable_journal
from snapshelf.progress import progress
from snapshelf.types import Photo, Rejected


def decode_missing(job: DecodeJob, listing: Listing, work: Path, earlier: Path | None) -> int:
    """Decode what neither the work folder nor an earlier data set has; returns the work folder's number of rows.

    Raises:
        StoreError: another process is writing into the work folder.
    """
    with PhotoWriter(work, job.preprocess.size_px):
        pass  # what an interruption left in it is put in order before it is read
    known = [work, earlier] if earlier is not None and usable_journal(earlier) else [work]
    total = listing.find_missing(known)
    on_their_way: dict[str, str] = {}
    with PhotoWriter(work, job.preprocess.size_px) as writer, progress("Preparing", total) as step:
        for done in decode_photos(_photos(listing, on_their_way), job):
            if isinstance(done, Rejected):
                writer.reject(done, on_their_way.pop(done.path))
            else:
                path = done.photo.path
                writer.add(path, on_their_way.pop(path), done.pixels_SSC, done.facts)
            step(1)
        return writer.num_rows


def _photos(listing: Listing, on_their_way: dict[str, str]) -> Iterator[Photo]:
    for photo, stamp in listing.missing():
        on_their_way[photo.path] = stamp
        yield photo


def gather(folder: Path, listing: Listing, columns: Columns, photos: PlacedPhotos, chosen: NDArray[np.int64]) -> None:
    """Copy the chosen ones of the photos from where they are to one place, in their order.

    Args:
        folder: where to.
        listing: where their paths and stamps are.
        columns: of all `photos`.
        photos: where they are.
        chosen: their numbers.
    """
    with PhotoWriter(folder, photos.shape[1]) as writer, progress("Copying", len(chosen)) as step:
        for row in chosen.tolist():
            path, stamp = listing.stamp(int(columns.positions_N[row]))
            (pixels_SSC,) = photos[np.array([row])]
            writer.add(path, stamp, pixels_SSC, columns.facts_N[row].tobytes())
            step(1)
