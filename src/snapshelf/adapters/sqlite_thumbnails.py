"""`ThumbnailStore` in one SQLite file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from snapshelf.errors import ReadOnlyStoreError, StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS thumbnails (
    photo_id TEXT PRIMARY KEY,
    media_type TEXT NOT NULL,
    picture BLOB NOT NULL
)
"""


class SqliteThumbnails:
    """Thumbnails by `photo_id`. May be used from several threads: one connection, one call at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it where it is not there yet; only for reading where its folder may not be written."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._only_read = not os.access(path.parent, os.W_OK)
        if self._only_read:
            self._connection = _opened_for_reading(path)
            return
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # Readers in other processes do not wait for writers. Under WAL, NORMAL may lose the last transactions in a
        # power cut; FULL syncs each, which a batch pays once.
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute(_SCHEMA)

    def put(self, thumbnails: Sequence[tuple[str, str, bytes]]) -> None:
        """Keep thumbnails: (`photo_id`, media type, bytes). All or none; on disk when the call returns."""
        self._change("INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?)", thumbnails)

    def get(self, photo_id: str) -> tuple[str, bytes] | None:
        """The media type and the bytes of a thumbnail, or None."""
        with self._lock:
            row: tuple[str, bytes] | None = self._connection.execute(
                "SELECT media_type, picture FROM thumbnails WHERE photo_id = ?", (photo_id,)
            ).fetchone()
        return row

    def remove(self, photo_ids: Sequence[str]) -> None:
        """Remove thumbnails; ids that are not there are passed over."""
        self._change("DELETE FROM thumbnails WHERE photo_id = ?", [(photo_id,) for photo_id in photo_ids])

    def close(self) -> None:
        """Let go of the file; its log is written back first, so that the folder may be moved."""
        with self._lock:
            self._connection.close()

    def _change(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if self._only_read:
            raise ReadOnlyStoreError("The store may only be read from here, so no picture can be added or removed.")
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(statement, rows)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _opened_for_reading(path: Path) -> sqlite3.Connection:
    """A connection to a file whose folder may not be written.

    Under WAL a reader needs the memory that it shares with a writer, which is there while one of this machine has the
    file open; where nobody writes, the file stays as it is, and is read without (https://sqlite.org/wal.html#readonly).
    """
    for how in ("mode=ro", "mode=ro&immutable=1"):
        with contextlib.suppress(sqlite3.OperationalError):
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, check_same_thread=False)
            connection.execute("SELECT 1 FROM thumbnails LIMIT 1").fetchone()
            return connection
    raise StoreError(f"{path} cannot be read. Build the index anew: snapshelf index CATALOGUE --store DIR --replace")
