"""Which photo is learnt from, which one tunes, which one tests: by product and by identical pixels, never by photo.

N is the number of photos; every list is in their order.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from snapshelf.errors import SourceError
from snapshelf.types import SPLITS, Split

VALIDATION_OF_TRAIN = 1 / 12
"""Cut from a given training split that comes without validation: 5,000 of Fashion-MNIST's 60,000, as is customary."""

SHARES: Mapping[Split, float] = {"validation": 0.1, "test": 0.1}
"""Taken from photos that come without any split; the rest is for training."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The split of every photo, and what its owner should know about it, in sentences."""

    splits: list[Split]
    notes: list[str]


def assign_splits(
    paths: Sequence[str], labels: Sequence[str], given: Sequence[Split | None], groups: Sequence[int]
) -> Assignment:
    """Keep the splits that are given, and make those that are needed.

    - Nothing is given: 80 % of a class's photos train, 10 % validate, 10 % test.
    - There is a training split but no validation: one twelfth of every class's training photos validates. A test
      split is never made up beside given ones.
    - A photo without a split among others that have one goes where its group is, else to training.

    A group (see `group_photos`) is never cut; every class keeps a training photo where it has one. The choice hangs
    on the photos' paths only, not on their order and not on chance.

    Raises:
        SourceError: splits are given, but none of the photos is for training.
    """
    if not any(given):
        return _noted(labels, _cut(paths, labels, groups, [None] * len(paths), SHARES), "80/10/10, by class")
    splits = _completed(given, groups)
    if "train" not in splits:
        raise SourceError(
            f"All {len(splits)} usable photos are given as {' and '.join(sorted(set(splits)))}; expected photos for "
            "training, in a folder or with a split named train."
        )
    if "validation" in splits:
        return _noted(labels, splits, "as given")
    cut = _cut(paths, labels, groups, splits, {"validation": VALIDATION_OF_TRAIN})
    return _noted(labels, cut, "as given, with validation cut from training")


def group_photos(keys_of_photos: Iterable[Iterable[Hashable | None]]) -> list[int]:
    """Photos that share a key, or are linked through others that do, get one number: that of the first of them.

    Keys are what must not be torn apart: a product's id, the sha256 of the pixels. None joins nothing.
    """
    parents: list[int] = []
    first_with: dict[Hashable, int] = {}
    for photo, keys in enumerate(keys_of_photos):
        parents.append(photo)
        for key in keys:
            if key is not None:
                one, other = _root(parents, first_with.setdefault(key, photo)), _root(parents, photo)
                parents[max(one, other)] = min(one, other)
    return [_root(parents, photo) for photo in range(len(parents))]


def _root(parents: list[int], photo: int) -> int:
    while parents[photo] != photo:
        parents[photo] = photo = parents[parents[photo]]
    return photo


def _completed(given: Sequence[Split | None], groups: Sequence[int]) -> list[Split]:
    of_group: dict[int, Split] = {}
    for wanted in reversed(SPLITS):  # a group that was torn apart before: what has no split yet joins its first part
        of_group |= {group: wanted for group, split in zip(groups, given, strict=True) if split == wanted}
    return [split or of_group.get(group, "train") for split, group in zip(given, groups, strict=True)]


def _cut(
    paths: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[int],
    splits: Sequence[Split | None],
    shares: Mapping[Split, float],
) -> list[Split]:
    """Take `shares` of every class out of the photos that are for training or for nothing yet.

    First groups that fit into what is still to be taken; then, where a class got nothing because its groups are
    large, its smallest one.
    """
    result: list[Split] = [split or "train" for split in splits]
    free = _free_groups(paths, groups, result)
    class_sizes = Counter(labels[photo] for photos in free for photo in photos)
    draw = _Draw(class_sizes, Counter(label for label, split in zip(labels, result, strict=True) if split == "train"))
    rounds = ((draw.split_with_room, free), (draw.split_without_any, sorted(free, key=len)))
    for choose, photos_of_groups in rounds:
        for photos in photos_of_groups:
            wanted = Counter(labels[photo] for photo in photos)
            if result[photos[0]] == "train" and draw.can_spare(wanted) and (split := choose(wanted, shares)):
                draw.take(split, wanted)
                for photo in photos:
                    result[photo] = split
    return result


def _free_groups(paths: Sequence[str], groups: Sequence[int], splits: Sequence[Split]) -> list[list[int]]:
    """The groups that are wholly for training, in the order of a draw that is always the same."""
    members: defaultdict[int, list[int]] = defaultdict(list)
    for photo, group in enumerate(groups):
        members[group].append(photo)
    free = [photos for photos in members.values() if all(splits[photo] == "train" for photo in photos)]
    return sorted(free, key=lambda photos: _lot(min(paths[photo] for photo in photos)))


class _Draw:
    """How many photos of each class were taken for each split, and how many are left for training."""

    def __init__(self, class_sizes: Counter[str], training: Counter[str]) -> None:
        self._class_sizes = class_sizes
        self._training = training
        self._taken: Counter[tuple[Split, str]] = Counter()

    def can_spare(self, wanted: Counter[str]) -> bool:
        """Whether every class keeps a photo to learn from."""
        return all(self._training[label] > count for label, count in wanted.items())

    def split_with_room(self, wanted: Counter[str], shares: Mapping[Split, float]) -> Split | None:
        """The first split whose share, at least one photo, is not exceeded by these."""
        for split, share in shares.items():
            if all(
                self._taken[split, label] + count <= max(1, round(self._class_sizes[label] * share))
                for label, count in wanted.items()
            ):
                return split
        return None

    def split_without_any(self, wanted: Counter[str], shares: Mapping[Split, float]) -> Split | None:
        """The first split that has nothing of a class yet."""
        return next((split for split in shares if any(not self._taken[split, label] for label in wanted)), None)

    def take(self, split: Split, wanted: Counter[str]) -> None:
        """Count photos for a split."""
        self._training -= wanted
        for label, count in wanted.items():
            self._taken[split, label] += count


def _lot(name: str) -> bytes:
    """A photo's place in the draw: as good as random, and always the same."""
    return hashlib.sha256(f"snapshelf split {name}".encode()).digest()


def _noted(labels: Sequence[str], splits: list[Split], how: str) -> Assignment:
    counts: defaultdict[str, Counter[Split]] = defaultdict(Counter)
    for label, split in zip(labels, splits, strict=True):
        counts[label][split] += 1
    notes = [f"The splits are {how}."]
    for split in [split for split in SPLITS if split in splits]:
        without = sorted(label for label, of_split in counts.items() if not of_split[split])
        if without:
            notes.append(f"Too few photos: no {split} photo of {', '.join(without)}. Add photos of these.")
    return Assignment(splits, notes)
