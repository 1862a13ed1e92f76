"""What is wrong with the photos of a data set, found before anything is learnt from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import pyarrow as pa

from snapshelf.types import SPLITS


@dataclass(frozen=True, slots=True)
class Quality:
    """The findings. Groups of photos are lists of their paths, in the manifest's order.

    `within_split` are photos with identical pixels in one split, `across_splits` in more than one: the leaks.
    `two_labels` are those of either that stand under more than one label. `small` are photos that had to be enlarged
    to at least twice their size.
    """

    within_split: list[list[str]]
    across_splits: list[list[str]]
    two_labels: list[list[str]]
    small: list[str]
    class_counts: dict[str, dict[str, int]]
    split_counts: dict[str, int]


def examine(manifest: pa.Table, size_px: int) -> Quality:
    """Look through a manifest whose photos were prepared at `size_px` a side."""
    paths, labels, splits = (manifest[name].to_pylist() for name in ("path", "label", "split"))
    doubles = _same_pixels(manifest)
    within, across = [], []
    for rows in doubles:
        by_split: defaultdict[str, list[int]] = defaultdict(list)
        for row in rows:
            by_split[splits[row]].append(row)
        within += [same for same in by_split.values() if len(same) > 1]
        across += [rows] if len(by_split) > 1 else []
    sides = zip(paths, manifest["width_px"].to_pylist(), manifest["height_px"].to_pylist(), strict=True)
    counts = Counter(zip(labels, splits, strict=True))
    there = [split for split in SPLITS if split in set(splits)]
    return Quality(
        within_split=[[paths[row] for row in rows] for rows in within],
        across_splits=[[paths[row] for row in rows] for rows in across],
        two_labels=[[paths[row] for row in rows] for rows in doubles if len({labels[row] for row in rows}) > 1],
        small=[path for path, width, height in sides if 2 * max(width, height) <= size_px],
        class_counts={label: {split: counts[label, split] for split in there} for label in sorted(set(labels))},
        split_counts={split: splits.count(split) for split in there},
    )


def _same_pixels(manifest: pa.Table) -> list[list[int]]:
    """The rows of photos whose pixels are identical, two or more each."""
    rows_of: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    pictures = zip(manifest["sha256"].to_pylist(), manifest["width_px"].to_pylist(), strict=True)
    for row, picture in enumerate(pictures):
        rows_of[picture].append(row)
    return [rows for rows in rows_of.values() if len(rows) > 1]
