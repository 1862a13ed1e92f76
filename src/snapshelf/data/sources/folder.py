"""Photos in folders: SOURCE/<class>/… or SOURCE/<split>/<class>/…"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

from snapshelf.data.sources.files import PHOTO_SUFFIXES, FolderPhotos, is_photo, is_system
from snapshelf.errors import SourceError
from snapshelf.types import Photo, Rejected, Split

SPLIT_NAMES: dict[str, Split] = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}
"""Folder names, in lower case, that are splits."""


def recognise_folder(path: Path) -> str | None:
    """Why a path is a folder of photos, or None."""
    if not path.is_dir():
        return None
    if FolderSource(path).has_splits:
        return "it is a folder with split folders (train, validation or test) and classes in them"
    return "it is a folder; the folders in it are taken for the classes"


class FolderSource(FolderPhotos):
    """The photos below a folder, in the order of their paths. Folders below a class belong to the class."""

    format = "folder"

    def __init__(self, root: Path) -> None:
        """Look at the folder's first level only.

        Raises:
            SourceError: it is not a folder, or may not be read.
        """
        if not root.is_dir():
            raise SourceError(f"{root} is not a folder. {_expected(root)}")
        self._given = root
        super().__init__(root)
        self._root = self._tree.root
        try:
            self.has_splits = self._finds_splits()
        except OSError as error:
            raise SourceError(f"{root} cannot be read: {error.strerror or error}. {_expected(root)}") from None

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every photo, and every other thing that lies where a photo should.

        Raises:
            SourceError: at the end, where there was not one photo.
        """
        num_photos = 0
        for row in self._split_folders() if self.has_splits else self._classes(self._root, None):
            num_photos += isinstance(row, Photo)
            yield row
        if not num_photos:
            raise SourceError(f"Found 0 photos in class folders of {self._given}. {_expected(self._given)}")

    def _finds_splits(self) -> bool:
        """Whether the first level is splits: all its folders, or `train` and others, and there are classes in them.

        A shop of toys may well have a class named `train`; that one holds photos, not folders.
        """
        folders = [entry for entry in self._root.iterdir() if entry.is_dir() and not is_system(entry)]
        splits = [folder for folder in folders if folder.name.lower() in SPLIT_NAMES]
        names = {folder.name.lower() for folder in splits}
        return (
            bool(splits)
            and ("train" in names or len(splits) == len(folders))
            and all(_holds_folders_only(folder) for folder in splits)
        )

    def _split_folders(self) -> Iterator[Photo | Rejected]:
        for entry in self._tree.entries(self._root, (self._root,)):
            if isinstance(entry, Rejected):
                yield entry
            elif entry.is_dir() and entry.name.lower() in SPLIT_NAMES:
                yield from self._classes(entry, SPLIT_NAMES[entry.name.lower()])
            elif entry.is_dir():
                yield self._tree.rejected(entry, "a folder beside train, validation and test; it was not read")
            elif is_photo(entry):
                yield self._tree.rejected(entry, "lies in no class folder")

    def _classes(self, folder: Path, split: Split | None) -> Iterator[Photo | Rejected]:
        parents = (self._root, folder.resolve())
        for entry in self._tree.entries(folder, parents):
            if isinstance(entry, Rejected):
                yield entry
            elif entry.is_dir():
                label = unicodedata.normalize("NFC", entry.name)
                yield from self._photos(entry, label, split, (*parents, entry.resolve()))
            elif is_photo(entry):
                yield self._tree.rejected(entry, "lies in no class folder")

    def _photos(
        self, folder: Path, label: str, split: Split | None, parents: tuple[Path, ...]
    ) -> Iterator[Photo | Rejected]:
        for entry in self._tree.photos(folder, parents):
            yield entry if isinstance(entry, Rejected) else Photo(self._tree.name(entry), label, split)


def _holds_folders_only(folder: Path) -> bool:
    entries = [entry for entry in folder.iterdir() if not is_system(entry)]
    return any(entry.is_dir() for entry in entries) and not any(is_photo(entry) for entry in entries)


def _expected(root: Path) -> str:
    return f"Expected {root}/<class>/photo.jpg or {root}/train/<class>/photo.jpg, files ending in {PHOTO_SUFFIXES}."
