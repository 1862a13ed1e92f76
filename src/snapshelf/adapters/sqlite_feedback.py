"""What customers said, waiting for review, in one SQLite file, with the photos that they agreed to leave.

It holds no addresses. What is removed is overwritten in the file.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from snapshelf.errors import StoreError

SCHEMA_VERSION = 1

UNDO_FOR = timedelta(minutes=10)
"""So long may a customer take a remark back."""

REJECTED_PHOTOS_FOR = timedelta(days=1)
"""So long is the photo of a rejected remark kept, for staff to change their mind."""

MOST_PHOTOS = 10_000
"""Some 1.5 GB. Further remarks are kept without their photos, so that strangers cannot fill the disk."""

ReviewState = Literal["waiting", "accepted", "rejected"]

_SCHEMA = """
CREATE TABLE feedback (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at TEXT NOT NULL,
    request_id TEXT NOT NULL,
    model_id TEXT,
    predicted_label TEXT,
    helpful INTEGER,
    correct_label TEXT,
    product_id TEXT,
    comment TEXT,
    undo_sha256 TEXT,
    state TEXT NOT NULL DEFAULT 'waiting',
    label TEXT,
    reviewed_at TEXT
);
CREATE INDEX feedback_by_state ON feedback (state, id);
CREATE TABLE photos (
    feedback_id INTEGER PRIMARY KEY REFERENCES feedback (id) ON DELETE CASCADE,
    jpeg BLOB NOT NULL
);
"""

_OLD = """
INSERT INTO feedback
    (id, created_at, request_id, model_id, predicted_label, helpful, correct_label, product_id, comment)
SELECT id, created_at, request_id, model_id, predicted_label, helpful, correct_label, product_id, comment
FROM feedback_0
"""
"""What the first snapshelf kept."""

_ADD = """
INSERT INTO feedback
    (created_at, undo_sha256, request_id, model_id, predicted_label, helpful, correct_label, product_id, comment)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_PAGE = """
SELECT id, created_at, state, label, reviewed_at,
    EXISTS (SELECT 1 FROM photos WHERE feedback_id = id),
    request_id, model_id, predicted_label, helpful, correct_label, product_id, comment
FROM feedback
WHERE (:state IS NULL OR state = :state) AND (:id IS NULL OR id = :id)
ORDER BY id DESC LIMIT :limit OFFSET :offset
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
class Receipt:
    """What a customer gets for a remark: its number, and what takes it back."""

    id: int
    undo_token: str
    photo_kept: bool


@dataclass(frozen=True, slots=True)
class KeptFeedback:
    """A remark, the time it came in (UTC, ISO 8601), and what staff made of it."""

    id: int
    created_at: str
    feedback: Feedback
    state: ReviewState
    label: str | None
    """What the photo shows, as staff say: of accepted remarks about that."""
    reviewed_at: str | None
    has_photo: bool


class SqliteFeedback:
    """The review queue. May be used from several threads, and the file from several processes."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Open the file, making it where it is not there yet, for nobody but its owner to read.

        Raises:
            StoreError: a newer snapshelf made it.
        """
        self._now = now
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "secure_delete=ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        with self._changing():
            self._migrate(path)

    def add(self, feedback: Feedback, photo: bytes | None = None) -> Receipt:
        """Keep a remark, and a JPEG if the customer agreed; on disk when the call returns."""
        token = secrets.token_urlsafe(16)
        with self._changing():
            said = (self._time(), _sha256(token), *astuple(feedback))
            number = int(self._connection.execute(_ADD, said).lastrowid or 0)
            kept = photo is not None and self._num_photos() < MOST_PHOTOS
            if kept:
                self._connection.execute("INSERT INTO photos VALUES (?, ?)", (number, photo))
        return Receipt(number, token, photo_kept=kept)

    def undo(self, number: int, token: str) -> bool:
        """Take a remark back, photo and all; False where it is not the token's, reviewed, or too long ago."""
        with self._changing():
            removed = self._connection.execute(
                "DELETE FROM feedback WHERE id = ? AND undo_sha256 = ? AND state = 'waiting' AND created_at >= ?",
                (number, _sha256(token), self._time(UNDO_FOR)),
            )
        return removed.rowcount > 0

    def newest(self, *, offset: int, limit: int, state: ReviewState | None = None) -> list[KeptFeedback]:
        """A page of remarks, newest first; of one state, if it is given."""
        return self._page(state=state, offset=offset, limit=limit)

    def get(self, number: int) -> KeptFeedback | None:
        """One remark."""
        return next(iter(self._page(number=number)), None)

    def counts(self) -> dict[ReviewState, int]:
        """How many remarks there are of each state."""
        with self._lock:
            rows = dict(self._connection.execute("SELECT state, count(*) FROM feedback GROUP BY state").fetchall())
        return {state: rows.get(state, 0) for state in get_args(ReviewState)}

    def photo(self, number: int) -> bytes | None:
        """The JPEG that came with a remark."""
        with self._lock:
            row = self._connection.execute("SELECT jpeg FROM photos WHERE feedback_id = ?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def review(self, number: int, state: ReviewState, label: str | None = None) -> KeptFeedback | None:
        """Note what staff make of a remark; `waiting` takes that back. None where there is no such remark.

        Args:
            number: the remark's.
            state: what becomes of it.
            label: what the photo shows, of an accepted one; `said_label` if it is not given.
        """
        with self._changing():
            if kept := self.get(number):
                self._connection.execute(
                    "UPDATE feedback SET state = ?, label = ?, reviewed_at = ? WHERE id = ?",
                    (
                        state,
                        (label or said_label(kept.feedback)) if state == "accepted" else None,
                        None if state == "waiting" else self._time(),
                        number,
                    ),
                )
            return self.get(number)

    def forget(self, older_than: timedelta) -> int:
        """Remove remarks of before that, and photos of rejected ones; returns how many remarks it removed."""
        with self._changing():
            removed = self._connection.execute("DELETE FROM feedback WHERE created_at < ?", (self._time(older_than),))
            self._connection.execute(
                "DELETE FROM photos WHERE feedback_id IN"
                " (SELECT id FROM feedback WHERE state = 'rejected' AND reviewed_at < ?)",
                (self._time(REJECTED_PHOTOS_FOR),),
            )
        return removed.rowcount

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def _migrate(self, path: Path) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{path} has schema {version}; this snapshelf reads up to {SCHEMA_VERSION}. Use a newer snapshelf."
            )
        if version == SCHEMA_VERSION:
            return
        old = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'feedback'").fetchone()
        if old:
            self._connection.execute("ALTER TABLE feedback RENAME TO feedback_0")
        for statement in _SCHEMA.split(";\n"):
            self._connection.execute(statement)
        if old:
            self._connection.execute(_OLD)
            self._connection.execute("DROP TABLE feedback_0")
        self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _num_photos(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM photos").fetchone()[0])

    def _page(
        self, *, state: ReviewState | None = None, number: int | None = None, offset: int = 0, limit: int = 1
    ) -> list[KeptFeedback]:
        wanted = {"state": state, "id": number, "offset": offset, "limit": limit}
        with self._lock:
            rows = self._connection.execute(_PAGE, wanted).fetchall()
        return [_from_row(row) for row in rows]

    def _time(self, ago: timedelta = timedelta()) -> str:
        return (self._now() - ago).isoformat(timespec="seconds")

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """All of the block or nothing; one writer at a time."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def said_label(feedback: Feedback) -> str | None:
    """What a photo shows by what its customer says: another category, or that the model was right."""
    if feedback.helpful and feedback.product_id is None:
        return feedback.correct_label or feedback.predicted_label
    return feedback.correct_label


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _from_row(row: tuple[Any, ...]) -> KeptFeedback:
    """Of `_PAGE`."""
    number, created_at, state, label, reviewed_at, has_photo, *said = row
    feedback = Feedback(*said)
    if feedback.helpful is not None:
        feedback = replace(feedback, helpful=bool(feedback.helpful))
    return KeptFeedback(number, created_at, feedback, state, label, reviewed_at, bool(has_photo))
