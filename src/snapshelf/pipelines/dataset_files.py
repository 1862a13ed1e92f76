"""What stands in a data set's folder beside its photos: manifest, card and reports.

N is the number of photos.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.artifacts.cards import DatasetCard
from snapshelf.artifacts.publish import write_atomic
from snapshelf.data.collect import PlacedPhotos
from snapshelf.data.dataset import MANIFEST
from snapshelf.data.decoding import DecodeJob
from snapshelf.data.listing import Listing
from snapshelf.data.manifest import dataset_id, manifest_batches, write_manifest
from snapshelf.pipelines.checks import Checked
from snapshelf.reports.dataset import DatasetReport, PhotoText, Removed
from snapshelf.types import SPLITS

REPORT_JSON, REPORT_HTML = "report.json", "report.html"


@dataclass(frozen=True, slots=True)
class Made:
    """A data set in the making: how it was asked for, its rows, their pixels, and what was found."""

    source: str
    """By which it is named."""
    also: str | None
    """More photos from elsewhere."""
    job: DecodeJob
    listing: Listing
    photos: PlacedPhotos
    checked: Checked

    @property
    def given(self) -> str:
        """What `prepare` was given."""
        return given(self.source, self.also)


def given(source: str, also: str | None) -> str:
    """One source, or two, in words."""
    return f"{source} and {also}" if also else source


class DatasetFiles:
    """The files of a data set whose photos are decoded and checked, all but the photos themselves."""

    def __init__(self, made: Made, work: Path) -> None:
        """Write the manifest into `work`; its content names the data set."""
        self._made = made
        self._manifest = work / MANIFEST
        columns, split_N = made.checked.columns, made.checked.assignment.split_N
        batches = manifest_batches(made.listing, columns, split_N)
        self._sha256 = write_manifest(work, batches, made.job.preprocess)
        self.dataset_id = dataset_id(made.source, self._sha256)
        self.report = _report(made, self.dataset_id)

    def write(self, folder: Path) -> None:
        """Write everything but the photos, which are there."""
        if folder != self._manifest.parent:
            shutil.copyfile(self._manifest, folder / MANIFEST)
        DatasetCard(
            id=self.dataset_id,
            source=self.report.source,
            format=self.report.format,
            manifest_sha256=self._sha256,
            num_photos=self.report.num_photos,
            labels=list(self.report.quality.class_counts),
            preprocess=self._made.job.preprocess,
        ).write(folder)
        self.write_report(folder)

    def write_report(self, folder: Path) -> None:
        """Write the reports, unless the same ones are there: what was rejected may differ."""
        path, text = folder / REPORT_JSON, self.report.to_json()
        if path.exists() and path.read_text("utf-8") == text:
            return
        write_atomic(folder / REPORT_HTML, self.report.to_html())
        write_atomic(path, text)


def _report(made: Made, name: str) -> DatasetReport:
    checked = made.checked
    columns, assignment = checked.columns, checked.assignment
    place_N = np.flatnonzero(checked.kept)

    def photo(row: int) -> PhotoText:
        ((path, label, _),) = made.listing.texts([int(columns.positions_N[row])])
        return PhotoText(path, label, SPLITS[assignment.split_N[row]])

    def pixels(row: int) -> NDArray[np.uint8]:
        (pixels_SSC,) = made.photos[place_N[[row]]]
        return np.asarray(pixels_SSC)

    return DatasetReport(
        dataset_id=name,
        source=made.given,
        format=made.job.source.format,
        size_px=made.job.preprocess.size_px,
        num_photos=len(columns),
        labels=columns.labels,
        label_N=columns.label_N,
        split_N=assignment.split_N,
        quality=checked.quality,
        suspects=checked.suspects,
        rejected=made.listing.rejected(),
        removed=[
            Removed(path, SPLITS[split], f"the same photo or product is in {SPLITS[kept_in]}")
            for ((path, _, _),), split, kept_in in (
                (made.listing.texts([position]), split, kept_in) for position, split, kept_in in checked.leaks
            )
        ],
        longer_px=np.maximum(columns.facts_N["width_px"], columns.facts_N["height_px"]),
        how_split=assignment.how,
        advice=assignment.advice,
        without_network=checked.without_network,
        photo=photo,
        pixels=pixels,
    )
