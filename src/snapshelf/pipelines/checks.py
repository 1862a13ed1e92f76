"""What `prepare` looks for once the photos are decoded: near duplicates, leaks, doubtful labels.

The quick checks need nothing but the photos. The others look at them with a pretrained network, whose features
`train --recipe quick` then finds ready.

Shapes: N photos, D numbers a feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.collect import Columns, PlacedPhotos
from snapshelf.data.dataset import FEATURES
from snapshelf.data.groups import Pairs, connect, same_key
from snapshelf.data.leaks import sheltered_in
from snapshelf.data.near_duplicates import near_duplicates
from snapshelf.data.quality import Quality, Suspect, exact_pairs, examine
from snapshelf.data.registration import MOVABLE_PX
from snapshelf.data.split import Assignment, Grouped, assign_splits
from snapshelf.progress import console


@dataclass(frozen=True, slots=True)
class Checks:
    """What is done beside the checks that need nothing but the photos."""

    with_network: bool = True
    """Look for crops and doubtful labels too."""
    fix_leaks: bool = False
    """Take photos out of training that validation or test has too, and out of validation that test has."""


ALL_CHECKS = Checks()


@dataclass(frozen=True, slots=True)
class Checked:
    """Photos with their splits and everything that was found.

    `kept` are those that the data set is made of, and `columns`, `assignment`, `quality` and `suspects` are of these
    alone. `leaks` are those that were taken out: position in the listing, split, and the split that has them too.
    """

    columns: Columns
    assignment: Assignment
    quality: Quality
    suspects: list[Suspect] | None
    kept: NDArray[np.bool_]
    leaks: list[tuple[int, int, int]]
    without_network: str | None
    """Why the checks that need a network were left out, or None."""


class PhotoChecks:
    """The checks of one run."""

    def __init__(self, photos: PlacedPhotos, work: Path, earlier: Path | None, num_threads: int) -> None:
        """Say what is looked at and where features are kept.

        Args:
            photos: the prepared photos.
            work: the folder of the data set in the making.
            earlier: that of an earlier one, whose features are used again.
            num_threads: the cores to use.
        """
        self._photos = photos
        self._folders = [folder / FEATURES for folder in (work, earlier) if folder is not None]
        self._num_threads = num_threads

    def run(self, columns: Columns, checks: Checks) -> Checked:
        """Look through all photos, make their splits, and take out leaks if asked to.

        Raises:
            SourceError: splits are given, but none of the photos is for training.
        """
        network, missing = _network() if checks.with_network else (None, "as asked for")
        features_ND = self._features(network, columns) if network else None
        near = self._near_duplicates(columns, features_ND)
        group_N = connect(len(columns), [exact_pairs(columns), near, *_belonging(columns)])
        assignment = _assign(columns, group_N)
        stays_N = sheltered_in(group_N, assignment.split_N) if checks.fix_leaks else assignment.split_N
        kept = stays_N == assignment.split_N
        leaks = [
            (int(columns.positions_N[row]), int(assignment.split_N[row]), int(stays_N[row]))
            for row in np.flatnonzero(~kept).tolist()
        ]
        if leaks:
            columns, near, group_N = columns.take(kept), _within(near, kept), _renumbered(group_N, kept)
            features_ND = None if features_ND is None else features_ND[kept]
            assignment = Assignment(assignment.split_N[kept], assignment.how, assignment.advice)
        quality = examine(columns, assignment.split_N, near, self._photos.shape[1])
        suspects = (
            network.label_suspects(features_ND, columns.label_N.astype(np.int64), group_N, len(columns.labels))
            if network and features_ND is not None
            else None
        )
        return Checked(columns, assignment, quality, suspects, kept, leaks, missing)

    def _features(self, network: ModuleType, columns: Columns) -> NDArray[np.float32]:
        sha256_N32 = columns.facts_N["sha256"]
        features_ND: NDArray[np.float32] = network.features(self._photos, sha256_N32, self._folders, self._num_threads)
        return features_ND

    def _near_duplicates(self, columns: Columns, features_ND: NDArray[np.float32] | None) -> Pairs:
        """Among photos that are not exact copies of an earlier one."""
        first_N = connect(len(columns), [exact_pairs(columns)])
        distinct = np.flatnonzero(first_N == np.arange(len(columns)))
        facts_N, movable = columns.facts_N[distinct], self._photos.shape[1] >= MOVABLE_PX
        pairs = near_duplicates(
            facts_N["look"],
            facts_N["turned_look"],
            _Some(self._photos, distinct),
            features_ND[distinct] if features_ND is not None and movable else None,
            self._num_threads,
        )
        return distinct[pairs]


class _Some:
    """Some of the photos, by new numbers."""

    def __init__(self, photos: PlacedPhotos, rows: NDArray[np.int64]) -> None:
        self._photos = photos
        self._rows = rows
        self.shape = (len(rows), *photos.shape[1:])

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        return self._photos[self._rows[rows]]


def _network() -> tuple[ModuleType | None, str | None]:
    """The checks that need a network, or why there are none."""
    try:
        from snapshelf.pipelines import network_checks
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "timm", "cleanlab"):
            raise
        missing = f"{error.name} is not installed; run pip install 'snapshelf[train]'"
        console.print(f"Crops and doubtful labels are not looked for: {missing}", markup=False)
        return None, missing
    return network_checks, None


def _belonging(columns: Columns) -> Sequence[Pairs]:
    """Photos of one product, and parts of one file."""
    return same_key(columns.product_N, none=0), same_key(columns.file_N, none=0)


def _assign(columns: Columns, group_N: NDArray[np.int64]) -> Assignment:
    return assign_splits(Grouped(columns.label_N, columns.split_N, group_N, columns.lot_N), columns.labels)


def _within(pairs: Pairs, kept: NDArray[np.bool_]) -> Pairs:
    numbers = np.cumsum(kept) - 1
    return np.asarray(numbers[pairs[kept[pairs].all(axis=1)]])


def _renumbered(group_N: NDArray[np.int64], kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    _, first, group = np.unique(group_N[kept], return_index=True, return_inverse=True)
    renumbered: NDArray[np.int64] = first[group]
    return renumbered
