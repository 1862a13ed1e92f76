"""What is wrong with the photos of a data set, found before anything is learnt from them.

N is the number of photos; rows are their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.collect import Columns
from snapshelf.data.facts import SHARPNESS_PX
from snapshelf.data.groups import Pairs, connect, members, same_key
from snapshelf.types import SPLITS

PhotoFlaw = Literal["tiny", "extreme_aspect", "blank", "dark", "blurred", "exif_rotated"]
"""What can be wrong with a photo by itself.

`tiny`: it had to be enlarged to at least twice its size. `extreme_aspect`: more than three times as long as it is wide.
`blank`: nearly of one brightness. `dark`: even its bright parts are dark. `blurred`: all its edges are soft.
`exif_rotated`: the file has it lying on its side or mirrored, and says so; it was put upright.
"""

ASPECT = 3.0
BLANK_CONTRAST = 0.06
DARK_BRIGHTNESS = 0.25
BLURRED_SHARPNESS = 0.42
_SHARPNESS_FROM_PX = 96
"""Below this size every photo has soft edges or none."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A photo whose label is doubted: its row, the class that it likely shows, and how probable that is, 0 to 1."""

    row: int
    likely: int
    probability: float


@dataclass(frozen=True, slots=True)
class Doubles:
    """Groups of photos that show the same picture, each group's rows ascending."""

    within_split: list[Rows]
    across_splits: list[Rows]


@dataclass(frozen=True, slots=True)
class Quality:
    """The findings. `exact` have identical pixels; `near` hold at least two that have not.

    `two_labels` are groups of either kind whose photos stand under more than one label. `product_leaks` are products
    with photos in more than one of the given splits.
    """

    flaws: Mapping[PhotoFlaw, Rows]
    exact: Doubles
    near: Doubles
    two_labels: list[Rows]
    product_leaks: list[Rows]
    class_counts: dict[str, dict[str, int]]
    split_counts: dict[str, int]


def exact_pairs(columns: Columns) -> Pairs:
    """Photos with the same prepared pixels, that had the same size before."""
    facts_N = columns.facts_N
    content_N = np.ascontiguousarray(facts_N["sha256"][:, :8]).view(np.uint64).ravel()
    size_N = facts_N["width_px"].astype(np.uint64) << np.uint64(32) | facts_N["height_px"].astype(np.uint64)
    return same_key(content_N ^ size_N)


def photo_flaws(facts_N: NDArray[np.void], size_px: int) -> dict[PhotoFlaw, Rows]:
    """The photos that have each flaw, where they were prepared at `size_px` a side. Blank ones are nothing else."""
    longer = np.maximum(facts_N["width_px"], facts_N["height_px"])
    shorter = np.minimum(facts_N["width_px"], facts_N["height_px"])
    tiny = 2 * longer <= size_px
    blank = facts_N["contrast"] < BLANK_CONTRAST
    dark = ~blank & (facts_N["brightness"] < DARK_BRIGHTNESS)
    is_soft = (facts_N["sharpness"] < BLURRED_SHARPNESS) & (size_px >= _SHARPNESS_FROM_PX)
    found: dict[PhotoFlaw, NDArray[np.bool_]] = {
        "tiny": tiny,
        "extreme_aspect": longer > ASPECT * shorter,
        "blank": blank,
        "dark": dark,
        "blurred": is_soft & ~(tiny | blank | dark) & (longer >= min(size_px, SHARPNESS_PX)),
        "exif_rotated": facts_N["orientation"] != 1,
    }
    return {flaw: np.flatnonzero(is_found) for flaw, is_found in found.items()}


def examine(columns: Columns, split_N: NDArray[np.int8], near: Pairs, size_px: int) -> Quality:
    """Look through photos whose splits are made and whose near duplicates were found."""
    exact = exact_pairs(columns)
    exact_group_N = connect(len(columns), [exact])
    exact_groups = list(members(exact_group_N))
    near_groups = [
        rows for rows in members(connect(len(columns), [exact, near])) if len(np.unique(exact_group_N[rows])) > 1
    ]
    products = members(connect(len(columns), [same_key(columns.product_N, none=0)]))
    return Quality(
        flaws=photo_flaws(columns.facts_N, size_px),
        exact=_doubles(exact_groups, split_N),
        near=_doubles(near_groups, split_N),
        two_labels=_mixed(_outermost(exact_groups, near_groups), columns.label_N),
        product_leaks=_mixed(products, split_N),
        class_counts=_class_counts(columns, split_N),
        split_counts={
            SPLITS[split]: int(count) for split, count in zip(*np.unique(split_N, return_counts=True), strict=True)
        },
    )


def _doubles(groups: Iterable[Rows], split_N: NDArray[np.int8]) -> Doubles:
    found = Doubles([], [])
    for rows in groups:
        splits = np.unique(split_N[rows])
        found.within_split.extend(same for split in splits if len(same := rows[split_N[rows] == split]) > 1)
        if len(splits) > 1:
            found.across_splits.append(rows)
    return found


def _outermost(exact: Iterable[Rows], near: list[Rows]) -> Iterator[Rows]:
    """Every group that is not a part of another."""
    in_near = {int(row) for rows in near for row in rows}
    yield from near
    yield from (rows for rows in exact if int(rows[0]) not in in_near)


def _mixed(groups: Iterable[Rows], value_N: NDArray[Any]) -> list[Rows]:
    return [rows for rows in groups if len(np.unique(value_N[rows])) > 1]


def _class_counts(columns: Columns, split_N: NDArray[np.int8]) -> dict[str, dict[str, int]]:
    counts = np.zeros((len(columns.labels), len(SPLITS)), np.int64)
    np.add.at(counts, (columns.label_N, split_N), 1)
    there = np.flatnonzero(counts.any(0)).tolist()
    return {
        label: {SPLITS[split]: int(row[split]) for split in there}
        for label, row in zip(columns.labels, counts, strict=True)
        if row.any()
    }
