"""What stands in a data set's folder beside its photos: manifest, card and reports.

Shapes: N photos, S pixels a side, C = 3 channels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snapshelf.artifacts.cards import DatasetCard
from snapshelf.artifacts.publish import write_atomic
from snapshelf.data.collect import Collected
from snapshelf.data.dataset import PHOTOS
from snapshelf.data.decoding import DecodeJob
from snapshelf.data.manifest import dataset_id, write_manifest
from snapshelf.data.quality import examine
from snapshelf.reports.dataset import DatasetReport

REPORT_JSON, REPORT_HTML = "report.json", "report.html"


class DatasetFiles:
    """The files of a data set whose photos are decoded, all but the photos themselves."""

    def __init__(self, given: str, job: DecodeJob, collected: Collected, work: Path) -> None:
        """Split the photos and name the data set; the manifest is written into `work` on the way.

        Raises:
            SourceError: splits are given, but no photo is for training.
        """
        self._preprocess = job.preprocess
        self._manifest, assignment = collected.manifest()
        self._sha256 = write_manifest(work, self._manifest, job.preprocess)
        self.dataset_id = dataset_id(given, self._sha256)
        self.report = DatasetReport(
            dataset_id=self.dataset_id,
            source=given,
            format=job.source.format,
            size_px=job.preprocess.size_px,
            num_photos=len(self._manifest),
            quality=examine(self._manifest, job.preprocess.size_px),
            rejected=collected.rejected,
            notes=assignment.notes,
        )

    def write(self, folder: Path) -> None:
        """Write everything but the photos, which are there."""
        write_manifest(folder, self._manifest, self._preprocess)
        DatasetCard(
            id=self.dataset_id,
            source=self.report.source,
            format=self.report.format,
            manifest_sha256=self._sha256,
            num_photos=len(self._manifest),
            labels=list(self.report.quality.class_counts),
            preprocess=self._preprocess,
        ).write(folder)
        self.write_report(folder)

    def write_report(self, folder: Path) -> None:
        """Write the reports, unless the same ones are there: what was rejected may differ."""
        path, text = folder / REPORT_JSON, self.report.to_json()
        if path.exists() and path.read_text("utf-8") == text:
            return
        photos_NSSC = np.load(folder / PHOTOS, mmap_mode="r")
        write_atomic(folder / REPORT_HTML, self.report.to_html(self._manifest, photos_NSSC))
        write_atomic(path, text)
