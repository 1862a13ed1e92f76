"""The report on a prepared data set: what is there, what is wrong with it, and what to do about it.

Shapes: N photos, S pixels a side, C = 3 channels.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.quality import Doubles, Quality, Rows, Suspect
from snapshelf.reports.page import render, thumbnail
from snapshelf.types import Rejected, Split

_MOST_CLASSES_SHOWN = 150
_MOST_GROUPS_SHOWN = 24
_MOST_SHOWN_OF_GROUP = 8
_MOST_PHOTOS_SHOWN = 24
_MOST_ROWS_SHOWN = 200
_SIDES_PX = (64, 128, 256, 512, 1024, 2048, 4096)


@dataclass(frozen=True, slots=True)
class PhotoText:
    """What a photo is called, and what it is."""

    path: str
    label: str
    split: Split


@dataclass(frozen=True, slots=True)
class Removed:
    """A photo that was taken out of the data set, from which split, and why."""

    path: str
    split: Split
    reason: str


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """What is told of a data set. Rows are looked up by `photo` and `pixels`, (S, S, C), when it is written."""

    dataset_id: str
    source: str
    format: str
    size_px: int
    num_photos: int
    labels: Sequence[str]
    label_N: NDArray[np.int32]
    split_N: NDArray[np.int8]
    quality: Quality
    suspects: Sequence[Suspect] | None
    rejected: Sequence[Rejected]
    removed: Sequence[Removed]
    longer_px: NDArray[np.int32]
    how_split: str
    advice: Sequence[str]
    without_network: str | None
    photo: Callable[[int], PhotoText]
    pixels: Callable[[int], NDArray[np.uint8]]

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
            "rejected": [bad.to_json() for bad in self.rejected],
            "removed": [asdict(gone) for gone in self.removed],
            "duplicates": self._doubles(quality.exact),
            "near_duplicates": self._doubles(quality.near),
            "two_labels": self._paths(quality.two_labels),
            "products_across_splits": self._paths(quality.product_leaks),
            "flaws": {flaw: self._paths([rows])[0] for flaw, rows in quality.flaws.items()},
            "label_suspects": None if self.suspects is None else [self._suspect(found) for found in self.suspects],
            "network_checks_left_out": self.without_network,
            "how_split": self.how_split,
            "advice": list(self.advice),
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def to_html(self) -> str:
        """`report.html`, with thumbnails."""
        quality = self.quality
        counts = quality.class_counts
        return render(
            "dataset.html",
            report=self,
            quality=quality,
            largest=max(sum(of_split.values()) for of_split in counts.values()),
            flaw_counts=Counter(bad.flaw for bad in self.rejected),
            rejected=self.rejected[:_MOST_ROWS_SHOWN],
            removed=self.removed[:_MOST_ROWS_SHOWN],
            flawed={flaw: self._pictures(rows[:_MOST_PHOTOS_SHOWN]) for flaw, rows in quality.flaws.items()},
            groups={
                "across": self._groups(quality.exact.across_splits),
                "near_across": self._groups(quality.near.across_splits),
                "two_labels": self._groups(quality.two_labels),
                "within": self._groups(quality.exact.within_split),
                "near_within": self._groups(quality.near.within_split),
                "products": self._groups(quality.product_leaks),
            },
            suspects=[
                self._picture(found.row) | {"likely": self.labels[found.likely], "probability": found.probability}
                for found in (self.suspects or [])[: 2 * _MOST_PHOTOS_SHOWN]
            ],
            examples={label: self._pictures(rows) for label, rows in self._examples().items()},
            sizes=_sizes(self.longer_px),
            unbalanced=_unbalanced(counts),
        )

    def _doubles(self, doubles: Doubles) -> dict[str, list[list[str]]]:
        return {
            "within_split": self._paths(doubles.within_split),
            "across_splits": self._paths(doubles.across_splits),
        }

    def _paths(self, groups: Iterable[Rows]) -> list[list[str]]:
        return [[self.photo(row).path for row in rows.tolist()] for rows in groups]

    def _suspect(self, found: Suspect) -> dict[str, Any]:
        photo = self.photo(found.row)
        return asdict(photo) | {"likely": self.labels[found.likely], "probability": found.probability}

    def _picture(self, row: int) -> dict[str, Any]:
        return asdict(self.photo(row)) | {"src": thumbnail(self.pixels(row))}

    def _pictures(self, rows: Rows) -> list[dict[str, Any]]:
        return [self._picture(row) for row in rows.tolist()]

    def _groups(self, groups: Sequence[Rows]) -> list[tuple[list[dict[str, Any]], int]]:
        """Of the first groups some photos, and how many there are."""
        return [(self._pictures(self._shown(rows)), len(rows)) for rows in groups[:_MOST_GROUPS_SHOWN]]

    def _shown(self, rows: Rows) -> Rows:
        """The first photos of a group, with one of each split and class among them: that is what is wrong with it."""
        kinds = self.split_N[rows].astype(np.int64) * len(self.labels) + self.label_N[rows]
        _, first = np.unique(kinds, return_index=True)
        chosen = dict.fromkeys([*np.sort(first).tolist(), *range(min(len(rows), _MOST_SHOWN_OF_GROUP))])
        return np.asarray(rows[np.sort(list(chosen)[:_MOST_SHOWN_OF_GROUP])])

    def _examples(self) -> Mapping[str, Rows]:
        """For each class a few rows, spread over all of its photos."""
        per_class = 8 if len(self.labels) <= 30 else 4
        rows_of = {label: np.flatnonzero(self.label_N == code) for code, label in enumerate(self.labels)}
        there = [label for label, rows in rows_of.items() if len(rows)][:_MOST_CLASSES_SHOWN]
        return {label: rows_of[label][:: max(1, len(rows_of[label]) // per_class)][:per_class] for label in there}


def _sizes(longer_px: NDArray[np.int32]) -> list[tuple[str, int]]:
    """How many photos are how long, in words: `up to 64 px`."""
    counts = np.bincount(np.searchsorted(_SIDES_PX, longer_px), minlength=len(_SIDES_PX) + 1).tolist()
    names = [*(f"up to {side:,} px" for side in _SIDES_PX), f"over {_SIDES_PX[-1]:,} px"]
    filled = np.flatnonzero(counts)
    return list(zip(names, counts, strict=True))[filled[0] : filled[-1] + 1]


def _unbalanced(class_counts: Mapping[str, Mapping[str, int]]) -> tuple[str, int, str, int] | None:
    """The smallest and the largest class, where the one has less than a tenth of the other's photos."""
    sizes = {label: sum(counts.values()) for label, counts in class_counts.items()}
    least, most = min(sizes, key=lambda label: sizes[label]), max(sizes, key=lambda label: sizes[label])
    return (least, sizes[least], most, sizes[most]) if 10 * sizes[least] < sizes[most] else None
