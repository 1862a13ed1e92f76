"""Decoding only what was not decoded before, and bringing the photos of several runs together.

Shapes: N photos, S pixels a side, C = 3 channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from snapshelf.data.collect import Collected
from snapshelf.data.decoding import Decoded, DecodeJob, decode_photos
from snapshelf.data.prepared import KnownPhotos, PhotoWriter
from snapshelf.progress import progress
from snapshelf.types import Photo, Rejected


def decode_missing(job: DecodeJob, work: Path, before: Sequence[KnownPhotos]) -> int:
    """Decode what neither the work folder nor an earlier data set has; returns the work folder's number of rows.

    Raises:
        StoreError: another process is writing into the work folder.
    """
    total = sum(1 for _ in job.photos())
    on_their_way: dict[str, str] = {}
    with PhotoWriter(work, job.preprocess.size_px) as writer, progress("Preparing", total) as step:
        missing = _missing(job, writer, before, on_their_way, step)
        for done in decode_photos(missing, job):
            if isinstance(done, Rejected):
                writer.reject(done.path, on_their_way.pop(done.path), done.reason)
            else:
                writer.add(on_their_way.pop(done.photo.path), done)
            step(1)
        return writer.num_rows


def _missing(
    job: DecodeJob,
    writer: PhotoWriter,
    before: Sequence[KnownPhotos],
    on_their_way: dict[str, str],
    step: Callable[[int], None],
) -> Iterator[Photo]:
    """The photos to decode. Their stamps, taken before they are read, are left in `on_their_way`."""
    for photo in job.photos():
        stamp = job.source.stamp(photo.path)
        if (
            photo.path in on_their_way
            or writer.has(photo.path, stamp)
            or any((known := folder.find(photo.path, stamp)) and known.reason is None for folder in before)
        ):
            step(1)
        else:
            on_their_way[photo.path] = stamp
            yield photo


def gather(folder: Path, collected: Collected, known: Sequence[KnownPhotos], size_px: int) -> None:
    """Copy the photos' pixels from where they are to one place, in the manifest's order."""
    with PhotoWriter(folder, size_px) as writer:
        rows = zip(collected.photos, collected.stamps, collected.known, collected.folders, strict=True)
        for photo, stamp, facts, number in rows:
            pixels_SSC = known[number].photos_NSSC[facts.row]
            writer.add(stamp, Decoded(photo, pixels_SSC, facts.sha256, facts.width_px, facts.height_px))
