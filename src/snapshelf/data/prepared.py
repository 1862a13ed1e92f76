"""What was decoded already: the photos' pixels and, in a small SQLite file, which photo they are of.

An interrupted `prepare` goes on from it, and a later one takes every unchanged photo from it.

Shapes: N photos, S pixels a side, C = 3 channels.
"""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.dataset import PHOTOS
from snapshelf.data.decoding import Decoded
from snapshelf.errors import StoreError

JOURNAL = "journal.sqlite"

_TABLE = """
CREATE TABLE IF NOT EXISTS photos (
  path TEXT PRIMARY KEY, stamp TEXT NOT NULL, row INTEGER, sha256 TEXT, width_px INTEGER, height_px INTEGER, reason TEXT
) WITHOUT ROWID
"""
_FIND = "SELECT row, sha256, width_px, height_px, reason FROM photos WHERE path = ? AND stamp = ?"
_COMMIT_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a photo: its place among the pixels and its facts, or the reason why it was rejected."""

    row: int
    sha256: str
    width_px: int
    height_px: int
    reason: str | None


class KnownPhotos:
    """The photos of a folder that `PhotoWriter` wrote, to look up and never to change."""

    def __init__(self, folder: Path) -> None:
        uri = (folder.resolve() / JOURNAL).as_uri()
        self._connection = sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True)
        self.photos_NSSC: NDArray[np.uint8] = np.load(folder / PHOTOS, mmap_mode="r")

    def find(self, path: str, stamp: str) -> Known | None:
        """What is known of a photo, unless it has changed since."""
        found = self._connection.execute(_FIND, (path, stamp)).fetchone()
        return Known(*found) if found else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


class PhotoWriter:
    """Appends photos to a folder's `photos.npy` and notes them in its journal.

    After an interruption, what was written but not committed is cut off, and the next photo follows what was.
    """

    def __init__(self, folder: Path, size_px: int) -> None:
        """Open a folder's photos, or begin them. One process at a time may.

        Raises:
            StoreError: another process is writing there.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = _open_to_write(folder)
        self._size_px = size_px
        (last,) = self._connection.execute("SELECT MAX(row) FROM photos").fetchone()
        self.num_rows = 0 if last is None else int(last) + 1
        path = folder / PHOTOS
        self._file: BinaryIO = path.open("r+b" if path.exists() else "w+b", buffering=1 << 20)
        self._write_header()
        self._file.truncate(self._file.tell() + self.num_rows * size_px * size_px * 3)
        self._file.seek(0, os.SEEK_END)
        self._noted: list[tuple[str | int | None, ...]] = []
        self._committed_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._commit()
        self._write_header()
        self._file.close()
        self._connection.execute("COMMIT")
        self._connection.close()

    def has(self, path: str, stamp: str) -> bool:
        """Whether a photo was committed and has not changed since."""
        return self._connection.execute(_FIND, (path, stamp)).fetchone() is not None

    def add(self, stamp: str, decoded: Decoded) -> None:
        """Append a photo's pixels."""
        self._file.write(decoded.pixels_SSC.data)
        known = Known(self.num_rows, decoded.sha256, decoded.width_px, decoded.height_px, None)
        self.num_rows += 1
        self._note(decoded.photo.path, stamp, known)

    def reject(self, path: str, stamp: str, reason: str) -> None:
        """Note that a photo cannot be used."""
        self._note(path, stamp, Known(-1, "", 0, 0, reason))

    def _note(self, path: str, stamp: str, known: Known) -> None:
        values = (path, stamp, known.row, known.sha256, known.width_px, known.height_px, known.reason)
        self._noted.append(values)
        if time.monotonic() - self._committed_s > _COMMIT_EVERY_S:
            self._commit()

    def _commit(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())  # pixels first: the journal must never promise what is not there
        self._connection.executemany("INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?, ?, ?)", self._noted)
        self._connection.execute("COMMIT")
        self._connection.execute("BEGIN IMMEDIATE")
        self._noted.clear()
        self._committed_s = time.monotonic()

    def _write_header(self) -> None:
        """NumPy leaves room in the header for N to grow, so it always has the same length."""
        self._file.seek(0)
        shape = (self.num_rows, self._size_px, self._size_px, 3)
        np.lib.format.write_array_header_1_0(
            self._file, {"shape": shape, "fortran_order": False, "descr": np.dtype(np.uint8).str}
        )


def _open_to_write(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / JOURNAL, timeout=0, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute(_TABLE)
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise StoreError(
            f"{folder} is in use by another prepare of the same photos ({error}). Wait until it is done."
        ) from None
    return connection
