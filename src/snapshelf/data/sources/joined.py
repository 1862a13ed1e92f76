"""Two sources as one: photos of a store's own, and more of them from elsewhere, such as customers'."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.sources import Source
from snapshelf.data.sources.product_rows import ProductRows
from snapshelf.types import Photo, Rejected

PREFIX = "also:"
"""How the paths of the second source begin."""


class JoinedSource:
    """The rows of one source, then those of another. The second one's photos keep to no split: they go where photos
    without one go."""

    def __init__(self, first: Source, second: Source) -> None:
        self._first, self._second = first, second
        self.format = first.format

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every photo or bad row of both."""
        for row in self._first.rows():
            is_taken = isinstance(row, Photo) and row.source_file.startswith(PREFIX)
            yield Rejected(row.path, f"begins with {PREFIX!r}, as photos from elsewhere do") if is_taken else row
        for row in self._second.rows():
            path = PREFIX + row.path
            yield (
                replace(row, path=path, file=PREFIX + row.source_file, split=None)
                if isinstance(row, Photo)
                else (replace(row, path=path))
            )

    def read(self, path: str) -> bytes | NDArray[np.uint8]:
        """One file of either.

        Raises:
            PhotoError: it cannot be read.
        """
        source, own_path = self._of(path)
        return source.read(own_path)

    def stamp(self, path: str) -> str:
        """What changes when the file does."""
        source, own_path = self._of(path)
        return source.stamp(own_path)

    def has_addresses(self) -> bool:
        """Whether photos of either have to be fetched."""
        return any(isinstance(each, ProductRows) and each.has_addresses() for each in (self._first, self._second))

    def _of(self, path: str) -> tuple[Source, str]:
        is_second = path.startswith(PREFIX)
        return (self._second, path.removeprefix(PREFIX)) if is_second else (self._first, path)
