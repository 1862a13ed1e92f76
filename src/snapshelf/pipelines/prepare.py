"""`snapshelf prepare`: a source of photos → a data set that was checked, split and prepared, with its report.

Every photo is decoded once. What was decoded is kept beside the data sets until the data set is whole, so an
interrupted run goes on where it was; a later one takes what has not changed from the data set made before.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snapshelf.artifacts.cards import DatasetCard
from snapshelf.artifacts.publish import publish_folder, published_folder
from snapshelf.artifacts.store import Store
from snapshelf.data.collect import PlacedPhotos, collect
from snapshelf.data.dataset import FEATURES
from snapshelf.data.decoding import DecodeJob, choose_size_px
from snapshelf.data.listing import Listing
from snapshelf.data.prepared import usable_journal
from snapshelf.data.quality import PhotoFlaw
from snapshelf.data.resume import decode_missing, gather
from snapshelf.data.sources import open_source
from snapshelf.data.sources.joined import JoinedSource
from snapshelf.data.sources.options import SourceOptions
from snapshelf.errors import ConfigError, StoreError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.pipelines.checks import ALL_CHECKS, Checks, PhotoChecks
from snapshelf.pipelines.dataset_files import REPORT_HTML, DatasetFiles, Made, given
from snapshelf.progress import console
from snapshelf.reports.dataset import DatasetReport

_FLAWS: dict[PhotoFlaw, str] = {
    "tiny": "very small",
    "extreme_aspect": "very long or very wide",
    "blank": "blank",
    "dark": "dark",
    "blurred": "blurred",
    "exif_rotated": "lying on their side in the file (put upright)",
}


@dataclass(frozen=True, slots=True)
class PrepareResult:
    """What was made. `reused` says that the very same data set was there already."""

    folder: Path
    report: DatasetReport
    reused: bool

    @property
    def dataset_id(self) -> str:
        """The data set's id."""
        return self.report.dataset_id

    @property
    def labels(self) -> list[str]:
        """The categories, in the order of `class_to_idx`."""
        return list(self.report.quality.class_counts)

    @property
    def report_path(self) -> Path:
        """The report for people."""
        return self.folder / REPORT_HTML


def prepare(  # noqa: PLR0913 (the options of one command)
    store: Store,
    source: str,
    *,
    also: str | None = None,
    format: str = "auto",  # noqa: A002 (the word of `--format`)
    size_px: int | None = None,
    checks: Checks = ALL_CHECKS,
    limits: DecodeLimits,
    num_threads: int,
) -> PrepareResult:
    """Prepare photos for training and make them the store's data set in use.

    Args:
        store: where the data set goes.
        source: a folder, a file, or `fashion-mnist`.
        also: more photos of the classes, or of new ones, such as `feedback export` writes.
        format: see `data.sources.FORMATS`; of `source` alone.
        size_px: the side of the prepared squares; None is 288, or the photos' own size where all are tiny.
        checks: what is looked for beside what needs nothing but the photos, and whether leaks are taken out.
        limits: photos beyond these are rejected.
        num_threads: how many photos are decoded at a time.

    Raises:
        SourceError: the source is not there, or holds fewer than two classes of usable photos.
        ConfigError: the format or the size is not one that there is.
        StoreError: another prepare of the same source is running.
    """
    job = _begin(store, (source, also), format, size_px, limits, num_threads)
    both = given(source, also)
    work, earlier = _work_folder(store, both, job), _earlier_folder(store, both, job)
    with Listing() as listing:
        listing.fill(job.source)
        num_rows = decode_missing(job, listing, work, earlier)
        known = [work, earlier] if earlier else [work]
        columns = collect(listing, known)
        with PlacedPhotos(known, columns) as photos:
            checked = PhotoChecks(photos, work, earlier, num_threads).run(columns, checks)
            files = DatasetFiles(Made(source, also, job, listing, photos, checked), work)
            folder = store.folder("datasets", files.dataset_id)
            reused = folder == earlier
            if reused:
                files.write_report(folder)
                _keep_features(work, folder)
            elif checked.kept.all() and columns.lie_in_order(num_rows):
                files.write(work)
                publish_folder(work, folder)
            else:
                with published_folder(folder) as gathered:
                    gather(gathered, listing, columns, photos, np.flatnonzero(checked.kept))
                    files.write(gathered)
                    _keep_features(work, gathered)
    shutil.rmtree(work, ignore_errors=True)
    store.use("datasets", files.dataset_id)
    result = PrepareResult(folder, files.report, reused)
    _say(result, store)
    return result


def _keep_features(work: Path, folder: Path) -> None:
    """Features are found by the photos' content, so those of a run that ended otherwise serve here too."""
    if (work / FEATURES).exists():
        shutil.copytree(work / FEATURES, folder / FEATURES, dirs_exist_ok=True)


def _begin(
    store: Store,
    given: tuple[str, str | None],
    wanted: str,
    size_px: int | None,
    limits: DecodeLimits,
    num_threads: int,
) -> DecodeJob:
    if size_px is not None and not 8 <= size_px <= 1024:
        raise ConfigError(f"The size is {size_px} px; expected 8 to 1024.")
    config = store.config()
    options = SourceOptions.of(config, store.downloads)
    source, reason = open_source(given[0], wanted, options)
    console.print(reason, markup=False)
    size_px = size_px or choose_size_px(source, limits)
    if given[1]:
        more, reason = open_source(given[1], "auto", options)
        console.print(reason, markup=False)
        source = JoinedSource(source, more)
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
        if made_as == (given, job.source.format, job.preprocess) and usable_journal(folder):
            return folder
    return None


def _say(result: PrepareResult, store: Store) -> None:
    """Tell a person what was made, what is wrong with it, and what comes next."""
    report, quality = result.report, result.report.quality
    splits = ", ".join(f"{split} {number:,}" for split, number in quality.split_counts.items())
    lines = [f"{report.num_photos:,} photos of {len(result.labels)} classes: {splits}"]
    if report.rejected:
        lines.append(f"Could not be used: {len(report.rejected):,}")
        lines += [f"  {bad.path}: {bad.reason}" for bad in report.rejected[:5]]
    if report.removed:
        lines.append(f"Taken out, because another split has them too: {len(report.removed):,}")
    lines += [f"{what}: {number:,}" for number, what in _findings(report) if number]
    lines += report.advice
    lines.append(f"{'Nothing has changed; used again' if result.reused else 'Made'}: {result.dataset_id}")
    lines += [f"Report: {result.report_path}", f"Next: snapshelf train --store {store.root}"]
    for line in lines:
        console.print(line, markup=False)


def _findings(report: DatasetReport) -> list[tuple[int, str]]:
    quality = report.quality
    return [
        (len(quality.exact.across_splits), "Photos in more than one split, so that scores look better than they are"),
        (len(quality.near.across_splits), "Nearly the same photos in more than one split, with the same effect"),
        (len(quality.product_leaks), "Products in more than one split"),
        (len(quality.two_labels), "Photos that stand under two classes"),
        (len(report.suspects or ()), "Photos whose class is doubtful"),
        (len(quality.exact.within_split), "Photos that are there more than once"),
        (len(quality.near.within_split), "Photos that are nearly there more than once"),
        *((len(rows), f"Photos that are {_FLAWS[flaw]}") for flaw, rows in quality.flaws.items()),
    ]
