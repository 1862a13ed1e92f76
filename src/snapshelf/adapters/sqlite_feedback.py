"""What customers corrected, waiting for review, in one SQLite file. It holds no photos and no addresses."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY,
    created_at TEXT NOT NULL,
    request_id TEXT NOT NULL,
    model_id TEXT,
    predicted_label TEXT,
    helpful INTEGER,
    correct_label TEXT,
    product_id TEXT,
    comment TEXT
)
"""


@dataclass(frozen=True, slots=True)
class Feedback:
    """One remark of a customer. `model_id` and `predicted_label` say what it is about, where that is still known."""

    request_id: str
    model_id: str | None = None
    predicted_label: str | None = None
    helpful: bool | None = None
    correct_label: str | None = None
    product_id: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class KeptFeedback:
    """A remark with its number and the time it came in (UTC, ISO 8601)."""

    id: int
    created_at: str
    feedback: Feedback


class SqliteFeedback:
    """The review queue. May be used from several threads."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it where it is not there yet."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(_SCHEMA)

    def add(self, feedback: Feedback) -> int:
        """Keep a remark; on disk when the call returns. Returns its number."""
        values = (
            datetime.now(UTC).isoformat(timespec="seconds"),
            feedback.request_id,
            feedback.model_id,
            feedback.predicted_label,
            feedback.helpful,
            feedback.correct_label,
            feedback.product_id,
            feedback.comment,
        )
        with self._lock:
            cursor = self._connection.execute(
                "INSERT INTO feedback (created_at, request_id, model_id, predicted_label, helpful, correct_label,"
                " product_id, comment) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        return int(cursor.lastrowid or 0)

    def newest(self, *, offset: int, limit: int) -> list[KeptFeedback]:
        """A page of remarks, newest first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT id, created_at, request_id, model_id, predicted_label, helpful, correct_label, product_id,"
                " comment FROM feedback ORDER BY id DESC LIMIT ? OFFSET ?",
                (limit, offset),
            ).fetchall()
        return [_kept(row) for row in rows]

    def count(self) -> int:
        """How many remarks there are."""
        with self._lock:
            (count,) = self._connection.execute("SELECT count(*) FROM feedback").fetchone()
        return int(count)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()


def _kept(
    row: tuple[int, str, str, str | None, str | None, int | None, str | None, str | None, str | None],
) -> KeptFeedback:
    number, created_at, request_id, model_id, predicted_label, helpful, correct_label, product_id, comment = row
    said = None if helpful is None else bool(helpful)
    return KeptFeedback(
        number, created_at, Feedback(request_id, model_id, predicted_label, said, correct_label, product_id, comment)
    )
