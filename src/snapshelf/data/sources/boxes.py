"""Photos that are parts of files: where a named file lies, and which part of it a box is."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path

from snapshelf.data.sources.files import FolderTree
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Box, Photo, Rejected


def find_photo(tree: FolderTree, folders: Iterable[str], name: str) -> str | None:
    """The path, below the source's folder, of the first file of that name in some folders, or None.

    Raises:
        PhotoError: it lies outside the source's folder, or the name cannot be that of a file.
    """
    for folder in folders:
        path = posixpath.normpath(f"{folder}/{name}" if folder else name.lstrip("/"))
        try:
            is_there = (tree.root / path).is_file()
        except OSError as error:
            raise PhotoError(f"{name[:80]!r} cannot be the name of a file ({error.strerror or error}).") from None
        if is_there:
            tree.inside(path)
            return path
    return None


def padded_box(left: float, top: float, right: float, bottom: float, padding: float) -> Box:
    """A box given by its edges, with room around it; all in fractions of the photo's width and height.

    What lies outside the photo is cut off, before and after the padding is added, which is in fractions of the box's
    own width and height.

    Raises:
        SourceError: nothing of the box lies in the photo.
    """
    if not all(math.isfinite(edge) for edge in (left, top, right, bottom)):
        raise SourceError("An edge of the box is not a number.")
    left, top, right, bottom = max(0.0, left), max(0.0, top), min(1.0, right), min(1.0, bottom)
    width, height = right - left, bottom - top
    if width <= 0 or height <= 0:
        raise SourceError("The box is empty, or lies outside the photo.")
    x, y = max(0.0, left - padding * width), max(0.0, top - padding * height)
    return Box(x, y, min(1.0, right + padding * width) - x, min(1.0, bottom + padding * height) - y)


def at_least_one(rows: Iterable[Photo | Rejected], source: Path) -> Iterator[Photo | Rejected]:
    """The rows as they are.

    Raises:
        SourceError: at the end, where not one was a photo; says what was wrong first.
    """
    num_photos, first_problem = 0, ""
    for row in rows:
        num_photos += isinstance(row, Photo)
        if isinstance(row, Rejected) and not first_problem:
            first_problem = f" The first problem: {row.path}: {row.reason}"
        yield row
    if not num_photos:
        raise SourceError(f"Found 0 photos that can be used in {source}.{first_problem}")
