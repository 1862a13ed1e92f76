"""`ThumbnailStore` in one SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

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
        """Open the file, making it where it is not there yet."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
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
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(statement, rows)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
