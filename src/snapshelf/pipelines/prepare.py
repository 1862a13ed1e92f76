"""`snapshelf prepare`: a source of photos → a data set that was checked, split and prepared, with its report.

Every photo is decoded once. What was decoded is kept beside the data sets until the data set is whole, so an
interrupted run goes on where it was; a later one takes what has not changed from the data set made before.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snapshelf.artifacts.cards import DatasetCard
from snapshelf.artifacts.publish import publish_folder, published_folder, write_atomic
from snapshelf.artifacts.store import Store
from snapshelf.data.collect import Collected, collect
from snapshelf.data.dataset import PHOTOS
from snapshelf.data.decoding import DecodeJob, choose_size_px
from snapshelf.data.manifest import dataset_id, write_manifest
from snapshelf.data.prepared import JOURNAL, KnownPhotos
from snapshelf.data.quality import Quality, examine
from snapshelf.data.resume import decode_missing, gather
from snapshelf.data.sources import open_source
from snapshelf.errors import ConfigError, StoreError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.progress import console
from snapshelf.reports.dataset import DatasetReport
from snapshelf.types import Rejected

REPORT_JSON, REPORT_HTML = "report.json", "report.html"


@dataclass(frozen=True, slots=True)
class PrepareResult:
    """What was made. `reused` says that the very same data set was there already."""

    dataset_id: str
    folder: Path
    num_photos: int
    labels: list[str]
    quality: Quality
    rejected: list[Rejected]
    report_path: Path
    reused: bool


def prepare(
    store: Store,
    source: str,
    *,
    format: str = "auto",  # noqa: A002 (the word of `--format`)
    size_px: int | None = None,
    limits: DecodeLimits,
    num_threads: int,
) -> PrepareResult:
    """Prepare photos for training and make them the store's data set in use.

    Args:
        store: where the data set goes.
        source: a folder, a table's file, or `fashion-mnist`.
        format: see `data.sources.FORMATS`.
        size_px: the side of the prepared squares; None is 224, or the photos' own size where all are tiny.
        limits: photos beyond these are rejected.
        num_threads: how many photos are decoded at a time.

    Raises:
        SourceError: the source is not there, or holds fewer than two classes of usable photos.
        ConfigError: the format or the size is not one that there is.
        StoreError: another prepare of the same source is running.
    """
    job = _begin(store, source, format, size_px, limits, num_threads)
    work, earlier = _work_folder(store, source, job), _earlier_folder(store, source, job)
    with ExitStack() as opened:
        before = [opened.enter_context(KnownPhotos(earlier))] if earlier else []
        num_rows = decode_missing(job, work, before)
        known = [opened.enter_context(KnownPhotos(work)), *before]
        collected = collect(job.source, known)
        made = _Made(source, job, collected, work)
        folder = store.folder("datasets", made.dataset_id)
        reused = folder == earlier and set(collected.folders) == {1}
        if reused:
            made.write_report(folder)
        elif collected.lie_in_order(0, num_rows):
            made.write_files(work)
            publish_folder(work, folder)
        else:
            with published_folder(folder) as gathered:
                gather(gathered, collected, known, job.preprocess.size_px)
                made.write_files(gathered)
    shutil.rmtree(work, ignore_errors=True)
    store.use("datasets", made.dataset_id)
    result = made.result(folder, reused=reused)
    _say(result, store)
    return result


def _begin(
    store: Store, given: str, wanted: str, size_px: int | None, limits: DecodeLimits, num_threads: int
) -> DecodeJob:
    if size_px is not None and not 8 <= size_px <= 1024:
        raise ConfigError(f"The size is {size_px} px; expected 8 to 1024.")
    config = store.config()
    source, reason = open_source(given, wanted, downloads=store.downloads, columns=config.catalogue_columns)
    console.print(reason, markup=False)
    size_px = size_px or choose_size_px(source, limits)
    return DecodeJob(source, Preprocess(size_px=size_px, fit=config.prepare.fit), limits, num_threads)


def _work_folder(store: Store, given: str, job: DecodeJob) -> Path:
    """Where an interrupted run of the same job left what it had done."""
    name = f"{given}|{job.source.format}|{job.preprocess.key}|{job.limits}"
    return store.folder("datasets", f".preparing-{hashlib.sha256(name.encode()).hexdigest()[:12]}")


def _earlier_folder(store: Store, given: str, job: DecodeJob) -> Path | None:
    """The newest data set that was made from the same source in the same way."""
    for name in reversed(store.ids("datasets")):
        folder = store.folder("datasets", name)
        try:
            card = DatasetCard.read(folder)
        except StoreError:
            continue
        made_as = (card.source, card.format, card.preprocess)
        if made_as == (given, job.source.format, job.preprocess) and (folder / JOURNAL).exists():
            return folder
    return None


class _Made:
    """A data set whose photos are decoded and whose manifest stands."""

    def __init__(self, given: str, job: DecodeJob, collected: Collected, work: Path) -> None:
        self._preprocess = job.preprocess
        self._rejected = collected.rejected
        self._manifest, assignment = collected.manifest()
        self._sha256 = write_manifest(work, self._manifest, job.preprocess)
        self.dataset_id = dataset_id(given, self._sha256)
        self._report = DatasetReport(
            dataset_id=self.dataset_id,
            source=given,
            format=job.source.format,
            size_px=job.preprocess.size_px,
            num_photos=len(self._manifest),
            quality=examine(self._manifest, job.preprocess.size_px),
            rejected=collected.rejected,
            notes=assignment.notes,
        )

    def write_files(self, folder: Path) -> None:
        """Write everything but the photos, which are there."""
        write_manifest(folder, self._manifest, self._preprocess)
        DatasetCard(
            id=self.dataset_id,
            source=self._report.source,
            format=self._report.format,
            manifest_sha256=self._sha256,
            num_photos=len(self._manifest),
            labels=list(self._report.quality.class_counts),
            preprocess=self._preprocess,
        ).write(folder)
        self.write_report(folder)

    def write_report(self, folder: Path) -> None:
        """Write the reports, unless the same ones are there: what was rejected may differ."""
        path, text = folder / REPORT_JSON, self._report.to_json()
        if path.exists() and path.read_text("utf-8") == text:
            return
        photos_NSSC = np.load(folder / PHOTOS, mmap_mode="r")
        write_atomic(folder / REPORT_HTML, self._report.to_html(self._manifest, photos_NSSC))
        write_atomic(path, text)

    def result(self, folder: Path, *, reused: bool) -> PrepareResult:
        """What the caller is told."""
        quality = self._report.quality
        return PrepareResult(
            dataset_id=self.dataset_id,
            folder=folder,
            num_photos=self._report.num_photos,
            labels=list(quality.class_counts),
            quality=quality,
            rejected=self._rejected,
            report_path=folder / REPORT_HTML,
            reused=reused,
        )


def _say(result: PrepareResult, store: Store) -> None:
    """Tell a person what was made, what is wrong with it, and what comes next."""
    quality = result.quality
    splits = ", ".join(f"{split} {number:,}" for split, number in quality.split_counts.items())
    lines = [f"{result.num_photos:,} photos of {len(result.labels)} classes: {splits}"]
    if result.rejected:
        lines.append(f"{len(result.rejected):,} could not be used:")
        lines += [f"  {bad.path}: {bad.reason}" for bad in result.rejected[:5]]
    for number, what in (
        (len(quality.within_split), "photos are there more than once"),
        (len(quality.across_splits), "photos stand in more than one split; scores will look better than they are"),
        (len(quality.two_labels), "photos stand under two classes"),
    ):
        lines += [f"{number:,} {what}"] if number else []
    lines.append(f"{'Nothing has changed; used again' if result.reused else 'Made'}: {result.dataset_id}")
    lines += [f"Report: {result.report_path}", f"Next: snapshelf train --store {store.root}"]
    for line in lines:
        console.print(line, markup=False)
