"""Photos in a folder, whatever lies where in it: for those whose class nobody knows, such as customers'."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from snapshelf.data.sources.files import PHOTO_SUFFIXES, FolderPhotos
from snapshelf.errors import SourceError
from snapshelf.types import Photo, Rejected


class LooseSource(FolderPhotos):
    """Every photo of a folder and of the folders in it, in the order of their paths; the labels are empty."""

    format = "folder"

    def __init__(self, root: Path) -> None:
        self._given = root
        super().__init__(root)

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every photo, and every file that is none.

        Raises:
            SourceError: at the end, where there was not one photo.
        """
        num_photos = 0
        for entry in self._tree.photos(self._tree.root, (self._tree.root,)):
            num_photos += not isinstance(entry, Rejected)
            yield entry if isinstance(entry, Rejected) else Photo(self._tree.name(entry), "")
        if not num_photos:
            raise SourceError(f"Found 0 photos in {self._given}. Expected files ending in {PHOTO_SUFFIXES}.")
