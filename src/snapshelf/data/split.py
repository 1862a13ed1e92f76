"""Which photo is learnt from, which one tunes, which one tests: by groups of photos, never by photo.

N is the number of photos; every array is in their order. Splits are indices into `SPLITS`, -1 is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.groups import members
from snapshelf.errors import SourceError
from snapshelf.types import SPLITS, Split

TRAIN, VALIDATION, TEST = range(len(SPLITS))
NONE = -1

VALIDATION_OF_TRAIN = 1 / 12
"""Cut from a given training split that comes without validation: 5,000 of Fashion-MNIST's 60,000, as is customary."""

SHARES: Mapping[int, float] = {VALIDATION: 0.1, TEST: 0.1}
"""Taken from photos that come without any split; the rest is for training."""

FEW = 10
"""Classes with fewer photos than this are named: their scores say little."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """What the splits are made from: classes (indices of labels), given splits, groups, and places in the draw."""

    label_N: NDArray[np.int32]
    given_N: NDArray[np.int8]
    group_N: NDArray[np.int64]
    lot_N: NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Assignment:
    """The split of every photo, how they came about, and what their owner should do, in sentences."""

    split_N: NDArray[np.int8]
    how: str
    advice: list[str]


def assign_splits(photos: Grouped, labels: Sequence[str]) -> Assignment:
    """Keep the splits that are given, and make those that are needed.

    - Nothing is given: 80 % of a class's photos train, 10 % validate, 10 % test.
    - There is a training split but no validation: one twelfth of every class's training photos validates. A test
      split is never made up beside given ones.
    - A photo without a split among others that have one goes where its group is, else to training.

    A group (see `groups.connect`) is never cut; every class keeps a training photo where it has one. The choice hangs
    on the photos' paths only, not on their order and not on chance.

    Raises:
        SourceError: splits are given, but none of the photos is for training.
    """
    if (photos.given_N == NONE).all():
        return _noted(photos, labels, _cut(photos, np.zeros_like(photos.given_N), SHARES), "80/10/10, by class")
    split_N = _completed(photos)
    there = [SPLITS[split] for split in np.unique(split_N).tolist()]
    if "train" not in there:
        raise SourceError(
            f"All {len(split_N)} usable photos are given as {' and '.join(sorted(there))}; expected photos for "
            "training, in a folder or with a split named train."
        )
    if "validation" in there:
        return _noted(photos, labels, split_N, "as given")
    cut_N = _cut(photos, split_N, {VALIDATION: VALIDATION_OF_TRAIN})
    return _noted(photos, labels, cut_N, "as given, with validation cut from training")


def _completed(photos: Grouped) -> NDArray[np.int8]:
    """What has no split joins its group; where a group was torn apart before, its first part in `SPLITS`' order."""
    of_group_N = np.full(len(photos.given_N), len(SPLITS), np.int8)
    given = photos.given_N != NONE
    np.minimum.at(of_group_N, photos.group_N[given], photos.given_N[given])
    of_group_N[of_group_N == len(SPLITS)] = TRAIN
    return np.where(given, photos.given_N, of_group_N[photos.group_N]).astype(np.int8)


def _cut(photos: Grouped, split_N: NDArray[np.int8], shares: Mapping[int, float]) -> NDArray[np.int8]:
    """Take `shares` of every class out of the photos that are for training.

    First groups that fit into what is still to be taken; then, where a class got nothing because its groups are
    large, its smallest one.
    """
    result_N = split_N.copy()
    wholly_free_N = np.ones(len(split_N), bool)
    wholly_free_N[photos.group_N[split_N != TRAIN]] = False
    free_N = wholly_free_N[photos.group_N]
    draw = _Draw(Counter(photos.label_N[free_N].tolist()), Counter(photos.label_N[split_N == TRAIN].tolist()))
    sizes_N = np.bincount(photos.group_N, minlength=len(split_N))
    for choose, by_size in ((draw.split_with_room, False), (draw.split_without_any, True)):
        for rows in _in_turn(photos, np.flatnonzero(free_N), sizes_N if by_size else np.zeros_like(sizes_N)):
            wanted = Counter(photos.label_N[rows].tolist())
            if result_N[rows[0]] == TRAIN and draw.can_spare(wanted):
                split = choose(wanted, shares)
                if split is not None:
                    draw.take(split, wanted)
                    result_N[rows] = split
    return result_N


def _in_turn(photos: Grouped, free: NDArray[np.int64], sizes_N: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The free groups, the smallest sizes first, else in the order of a draw that is always the same."""
    lot_of_group_N = np.full(len(sizes_N), np.iinfo(np.uint64).max)
    np.minimum.at(lot_of_group_N, photos.group_N[free], photos.lot_N[free])
    of_free = photos.group_N[free]
    order = np.lexsort((free, of_free, lot_of_group_N[of_free], sizes_N[of_free]))
    turn_of_group = np.unique(of_free[order], return_index=True)
    turns_N = np.empty(len(sizes_N), np.int64)
    turns_N[turn_of_group[0]] = turn_of_group[1]
    for places in members(turns_N[of_free], at_least=1):
        yield free[places]


class _Draw:
    """How many photos of each class were taken for each split, and how many are left for training."""

    def __init__(self, class_sizes: Counter[int], training: Counter[int]) -> None:
        self._class_sizes = class_sizes
        self._training = training
        self._taken: Counter[tuple[int, int]] = Counter()

    def can_spare(self, wanted: Counter[int]) -> bool:
        """Whether every class keeps a photo to learn from."""
        return all(self._training[label] > count for label, count in wanted.items())

    def split_with_room(self, wanted: Counter[int], shares: Mapping[int, float]) -> int | None:
        """The first split whose share, at least one photo, is not exceeded by these."""
        for split, share in shares.items():
            if all(
                self._taken[split, label] + count <= max(1, round(self._class_sizes[label] * share))
                for label, count in wanted.items()
            ):
                return split
        return None

    def split_without_any(self, wanted: Counter[int], shares: Mapping[int, float]) -> int | None:
        """The first split that has nothing of a class yet."""
        return next((split for split in shares if any(not self._taken[split, label] for label in wanted)), None)

    def take(self, split: int, wanted: Counter[int]) -> None:
        """Count photos for a split."""
        self._training.subtract(wanted)
        for label, count in wanted.items():
            self._taken[split, label] += count


def _noted(photos: Grouped, labels: Sequence[str], split_N: NDArray[np.int8], how: str) -> Assignment:
    counts = np.zeros((len(SPLITS), len(labels)), np.int64)
    np.add.at(counts, (split_N, photos.label_N), 1)
    advice: list[str] = []
    for code, split in enumerate(SPLITS):
        without = [labels[label] for label in np.flatnonzero(counts[code] == 0).tolist()]
        if without and counts[code].any():
            advice.append(_advice(split, without))
    few = [f"{labels[label]} ({counts[:, label].sum()})" for label in np.flatnonzero(counts.sum(0) < FEW).tolist()]
    if few:
        advice.append(
            f"Fewer than {FEW} photos: {', '.join(few)}. They will hardly be recognised; add photos of these."
        )
    return Assignment(split_N, f"The splits are {how}.", advice)


def _advice(split: Split, without: Sequence[str]) -> str:
    return f"Too few photos: no {split} photo of {', '.join(without)}. Add photos of these."
