"""ImageNet as its challenges (ILSVRC, 2010 to 2017) and Kaggle lay it out: training photos in synset folders, and
validation photos in one folder with a list of what they show, or sorted into synset folders too.

`train/n01440764/n01440764_10026.JPEG`, `val/ILSVRC2012_val_00000001.JPEG`, each also below `ILSVRC/Data/CLS-LOC`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from snapshelf.data.sources.files import FolderPhotos, is_photo, is_system
from snapshelf.data.sources.imagenet_labels import (
    SYNSET,
    VALIDATION_PHOTO,
    GroundTruth,
    ListFolders,
    read_ground_truth,
    read_names,
)
from snapshelf.errors import SourceError
from snapshelf.types import SPLITS, Photo, Rejected, Split

_BASES = ("", "ILSVRC/Data/CLS-LOC", "Data/CLS-LOC")
_SPLIT_FOLDERS: dict[Split, tuple[str, ...]] = {
    "train": ("train", "ILSVRC2012_img_train"),
    "validation": ("val", "validation", "ILSVRC2012_img_val"),
    "test": ("test", "ILSVRC2012_img_test"),
}
_LIST_FOLDERS = ("", "ILSVRC", "devkit/data", "ILSVRC/devkit/data")
_DEVKITS = "ILSVRC20*_devkit*/data"
_FEWEST_SYNSETS = 2
_GLANCE = 50
"""Entries of a folder that are looked at to recognise it."""


def recognise_imagenet(path: Path) -> str | None:
    """Why a path is ImageNet, or None."""
    splits = _find_splits(path) if path.is_dir() else {}
    for folder in (*splits.values(), path):
        if _holds_synsets(folder):
            return f"the folders in {folder} are named by ImageNet's synsets"
        if folder == splits.get("validation") and _holds_validation(folder):
            return f"the photos in {folder} are named as ImageNet's for validation"
    return None


class ImagenetSource(FolderPhotos):
    """The photos of ImageNet's folders, in the order of their paths; training first, then validation, then test."""

    format = "imagenet"

    def __init__(self, root: Path) -> None:
        """Look at the first levels only, and read the list of names.

        Raises:
            SourceError: it is not a folder, or its list of names cannot be read.
        """
        if not root.is_dir():
            raise SourceError(f"{root} is not a folder. {_expected(root)}")
        self._given = root
        super().__init__(root)
        self._splits = _find_splits(self._tree.root)
        self._list_folders = self._lists()
        self._names, self._bad_names = read_names(self._list_folders)

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every photo, and what cannot be used. Photos that are all of one split have none.

        Raises:
            SourceError: at the end, where there was not one photo.
        """
        yield from self._bad_names
        num_photos = 0
        reasons: list[str] = []
        for row in self._split_rows() if self._splits else self._synsets(self._tree.root, None):
            if isinstance(row, Photo):
                num_photos += 1
            elif len(reasons) < 3:
                reasons.append(f" {row.path}: {row.reason}.")
            yield row
        if not num_photos:
            raise SourceError(
                f"Found 0 photos of ImageNet in {self._given}. {_expected(self._given)}{''.join(reasons)}"
            )

    def _lists(self) -> ListFolders:
        """Where lists may lie: the source's folder, beside the folders of the splits, and the devkits'."""
        root = self._tree.root
        named = [root / name for name in _LIST_FOLDERS]
        beside = [folder.parent for folder in self._splits.values()]
        return ListFolders(root, tuple(dict.fromkeys([*named, *beside, *sorted(root.glob(_DEVKITS))])))

    def _split_rows(self) -> Iterator[Photo | Rejected]:
        labelled = {split for split, folder in self._splits.items() if split != "test" or _holds_synsets(folder)}
        for split, folder in self._splits.items():
            if not folder.resolve().is_relative_to(self._tree.root):
                yield self._tree.rejected(folder, "a link that leaves the source's folder; it was not followed")
                continue
            yield from self._synsets(folder, split if len(labelled) > 1 else None, may_be_loose=split != "train")
            if split == "validation":
                yield from self._listed(folder, split if len(labelled) > 1 else None)
            elif split == "test":
                yield from self._unlabelled(folder)

    def _synsets(self, folder: Path, split: Split | None, *, may_be_loose: bool = False) -> Iterator[Photo | Rejected]:
        parents = (self._tree.root, folder.resolve())
        for entry in self._tree.entries(folder, parents):
            if isinstance(entry, Rejected):
                yield entry
            elif not entry.is_dir():
                if is_photo(entry) and not may_be_loose:
                    yield self._tree.rejected(entry, "lies in no synset folder such as n01440764")
            elif SYNSET.fullmatch(entry.name):
                for photo in self._tree.photos(entry, (*parents, entry.resolve())):
                    yield photo if isinstance(photo, Rejected) else self._photo(photo, entry.name, split)
            else:
                yield self._tree.rejected(entry, "a folder that is not named by a synset such as n01440764")

    def _listed(self, folder: Path, split: Split | None) -> Iterator[Photo | Rejected]:
        """The photos that lie in no synset folder, by the list of what they show."""
        truth: GroundTruth | None = None
        num_found = 0
        for entry in self._loose(folder):
            try:
                truth = truth or read_ground_truth(self._list_folders)
            except SourceError as error:
                yield self._tree.rejected(folder, str(error))
                return
            synset = truth.synset_of(entry.stem)
            num_found += synset is not None
            yield (
                self._photo(entry, synset, split)
                if synset
                else self._tree.rejected(entry, f"{truth.name} does not say what it shows")
            )
        if truth:
            yield from truth.problems
        if truth and num_found < len(truth.synsets):
            missing = len(truth.synsets) - num_found
            yield Rejected(truth.name, f"{missing:,} of the {len(truth.synsets):,} photos that it names are not there")

    def _unlabelled(self, folder: Path) -> Iterator[Rejected]:
        if num_photos := sum(1 for _ in self._loose(folder)):
            yield self._tree.rejected(
                folder, f"its {num_photos:,} photos were left out: what ImageNet's test photos show was never published"
            )

    def _loose(self, folder: Path) -> Iterator[Path]:
        """The photos that lie in a folder itself. What else lies there has been told already."""
        for entry in self._tree.entries(folder, (self._tree.root, folder.resolve())):
            if isinstance(entry, Path) and is_photo(entry) and not entry.is_dir():
                yield entry

    def _photo(self, file: Path, synset: str, split: Split | None) -> Photo:
        return Photo(self._tree.name(file), self._names.get(synset, synset), split)


def _find_splits(root: Path) -> dict[Split, Path]:
    """The folders of the splits, from the first base that has any."""
    for base in _BASES:
        candidates = [(split, root / base / name) for split, names in _SPLIT_FOLDERS.items() for name in names]
        found = {split: folder for split, folder in reversed(candidates) if folder.is_dir()}
        if found:
            return {split: found[split] for split in SPLITS if split in found}
    return {}


def _holds_synsets(folder: Path) -> bool:
    """Whether the folders in a folder, at least two, are all named by synsets."""
    names = [entry.name for entry in _glance(folder) if entry.is_dir()]
    return len(names) >= _FEWEST_SYNSETS and all(SYNSET.fullmatch(name) for name in names)


def _holds_validation(folder: Path) -> bool:
    return any(VALIDATION_PHOTO.match(entry.name) for entry in _glance(folder))


def _glance(folder: Path) -> list[Path]:
    """Some of what lies in a folder; nothing where it cannot be read."""
    try:
        return [entry for entry in itertools.islice(folder.iterdir(), _GLANCE) if not is_system(entry)]
    except OSError:
        return []


def _expected(root: Path) -> str:
    return (
        f"Expected {root}/train/n01440764/n01440764_10026.JPEG and {root}/val/ILSVRC2012_val_00000001.JPEG, or both "
        f"below {root}/{_BASES[1]}."
    )
