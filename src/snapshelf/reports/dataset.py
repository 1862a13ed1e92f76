"""The report on a prepared data set: what is there, what is wrong with it, and what to do about it.

Shapes: N photos, S pixels a side, C = 3 channels.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from snapshelf.data.quality import Quality
from snapshelf.reports.page import render, thumbnail
from snapshelf.types import Rejected

_MOST_CLASSES_SHOWN = 150
_MOST_GROUPS_SHOWN = 24
_MOST_ROWS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """What is told of a data set."""

    dataset_id: str
    source: str
    format: str
    size_px: int
    num_photos: int
    quality: Quality
    rejected: Sequence[Rejected]
    notes: Sequence[str]

    def to_json(self) -> str:
        """`report.json`."""
        quality = self.quality
        content = {
            "dataset_id": self.dataset_id,
            "source": self.source,
            "format": self.format,
            "size_px": self.size_px,
            "num_photos": self.num_photos,
            "num_classes": len(quality.class_counts),
            "splits": quality.split_counts,
            "class_counts": quality.class_counts,
            "rejected": [asdict(bad) for bad in self.rejected],
            "duplicates": {"within_split": quality.within_split, "across_splits": quality.across_splits},
            "two_labels": quality.two_labels,
            "small": quality.small,
            "notes": list(self.notes),
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def to_html(self, manifest: pa.Table, photos_NSSC: NDArray[np.uint8]) -> str:
        """`report.html`, with thumbnails of the manifest's photos."""
        row_of = {path: row for row, path in enumerate(manifest["path"].to_pylist())}
        labels, splits = manifest["label"].to_pylist(), manifest["split"].to_pylist()

        def picture(row: int) -> dict[str, str]:
            path = manifest["path"][row].as_py()
            return {"src": thumbnail(photos_NSSC[row]), "path": path, "label": labels[row], "split": splits[row]}

        def pictures(groups: Sequence[Sequence[str]]) -> list[list[dict[str, str]]]:
            return [[picture(row_of[path]) for path in group[:8]] for group in groups[:_MOST_GROUPS_SHOWN]]

        quality = self.quality
        return render(
            "dataset.html",
            report=self,
            largest=max(sum(counts.values()) for counts in quality.class_counts.values()),
            examples={label: [picture(row) for row in rows] for label, rows in _examples(labels).items()},
            across=pictures(quality.across_splits),
            within=pictures(quality.within_split),
            two_labels=pictures(quality.two_labels),
            rejected=self.rejected[:_MOST_ROWS_SHOWN],
            unbalanced=_unbalanced(quality.class_counts),
        )


def _examples(labels: Sequence[str]) -> Mapping[str, list[int]]:
    """For each class a few rows, spread over all of its photos."""
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        rows_of[label].append(row)
    per_class = 8 if len(rows_of) <= 30 else 4
    shown = sorted(rows_of)[:_MOST_CLASSES_SHOWN]
    return {label: rows_of[label][:: max(1, len(rows_of[label]) // per_class)][:per_class] for label in shown}


def _unbalanced(class_counts: Mapping[str, Mapping[str, int]]) -> tuple[str, int, str, int] | None:
    """The smallest and the largest class, where the one has less than a tenth of the other's photos."""
    sizes = {label: sum(counts.values()) for label, counts in class_counts.items()}
    least, most = min(sizes, key=lambda label: sizes[label]), max(sizes, key=lambda label: sizes[label])
    return (least, sizes[least], most, sizes[most]) if 10 * sizes[least] < sizes[most] else None
