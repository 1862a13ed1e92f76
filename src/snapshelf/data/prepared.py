"""What was decoded already: the photos' pixels and, in a small SQLite file, which photo they are of.

An interrupted `prepare` goes on from it, and a later one takes every unchanged photo from it.

Shapes: N photos, S pixels a side, C = 3 channels.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.dataset import PHOTOS
from snapshelf.data.facts import FACTS_VERSION
from snapshelf.errors import StoreError
from snapshelf.types import Rejected

JOURNAL = "journal.sqlite"

_TABLE = """
CREATE TABLE IF NOT EXISTS photos (
  path TEXT PRIMARY KEY, stamp TEXT NOT NULL, row INTEGER, facts BLOB, reason TEXT, flaw TEXT
) WITHOUT ROWID
"""
_COMMIT_EVERY_S = 1.0


def usable_journal(folder: Path) -> bool:
    """Whether a folder has photos that this version of the program can take over."""
    path = folder / JOURNAL
    if not (path.exists() and (folder / PHOTOS).exists()):
        return False
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()
    return bool(version == FACTS_VERSION)


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
        self._noted: list[tuple[str | int | bytes | None, ...]] = []
        self._committed_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._commit()
        self._write_header()
        self._file.close()
        self._connection.execute("COMMIT")
        self._connection.close()

    def add(self, path: str, stamp: str, pixels_SSC: NDArray[np.uint8], facts: bytes) -> None:
        """Append a photo's pixels, with the bytes of its `FACTS`."""
        self._file.write(pixels_SSC.data)
        self._note((path, stamp, self.num_rows, facts, None, None))
        self.num_rows += 1

    def reject(self, bad: Rejected, stamp: str) -> None:
        """Note that a photo cannot be used."""
        self._note((bad.path, stamp, None, None, bad.reason, bad.flaw))

    def _note(self, values: tuple[str | int | bytes | None, ...]) -> None:
        self._noted.append(values)
        if time.monotonic() - self._committed_s > _COMMIT_EVERY_S:
            self._commit()

    def _commit(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())  # pixels first: the journal must never promise what is not there
        self._connection.executemany("INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?, ?)", self._noted)
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
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != FACTS_VERSION or not (folder / PHOTOS).exists():
            connection.execute("DROP TABLE IF EXISTS photos")  # its photos are decoded and measured anew
        connection.execute(_TABLE)
        connection.execute(f"PRAGMA user_version = {FACTS_VERSION}")
    except sqlite3.OperationalError as error:
        connection.close()
        raise StoreError(
            f"{folder} is in use by another prepare of the same photos ({error}). Wait until it is done."
        ) from None
    return connection
