"""Where photos come from: one file a format, all behind `Source`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from snapshelf.types import Photo, Rejected


class Source(Protocol):
    """Photos with labels, wherever they lie."""

    @property
    def format(self) -> str:
        """The name that `--format` knows it by."""

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every photo or bad row, one by one, always in the same order. Opens no photo."""

    def read(self, path: str) -> bytes | NDArray[np.uint8]:
        """One photo: its file's bytes, or, from a source that holds bare pixels, upright RGB (H, W, 3) uint8.

        Raises:
            PhotoError: it cannot be read.
        """
