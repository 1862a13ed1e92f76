"""A source's rows, gone through once and kept on disk: everything after that asks here, not the source.

So a million rows are no more memory than one, what was decoded before is found by one join, and a table is parsed once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Self

from snapshelf.data.prepared import JOURNAL
from snapshelf.data.sources import Source
from snapshelf.errors import PhotoError
from snapshelf.progress import progress
from snapshelf.types import Box, Photo, Rejected

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE rows (
  position INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, label TEXT NOT NULL, split TEXT, product_id TEXT,
  file TEXT, box TEXT, stamp TEXT NOT NULL
);
CREATE TABLE rejected (path TEXT NOT NULL, reason TEXT NOT NULL, flaw TEXT NOT NULL);
"""
_INSERT = "INSERT INTO rows (path, label, split, product_id, file, box, stamp) VALUES (?, ?, ?, ?, ?, ?, ?)"
_STEP_ROWS = 256

Joined = tuple[int, str, str, str | None, str | None, str | None, int | None, int | None, bytes | None]
"""Position, path, label, split, product's id and file; then the folder where it was found, its row there, its facts."""


class Listing:
    """Every photo of a source, once, in the source's order."""

    def __init__(self) -> None:
        """Begin an empty listing. SQLite keeps it in a file without a name, which goes with the connection."""
        self._connection = sqlite3.connect("file:", uri=True, isolation_level=None)
        self._connection.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def fill(self, source: Source) -> None:
        """Go through a source. A path that comes a second time is rejected, and says so if under another class."""
        self._connection.execute("BEGIN")
        with progress("Listing", None, "rows") as step:
            for number, row in enumerate(source.rows(), start=1):
                if isinstance(row, Rejected):
                    self.reject(row)
                else:
                    self._add(row, source)
                if number % _STEP_ROWS == 0:
                    step(_STEP_ROWS)
        self._connection.execute("COMMIT")

    def reject(self, bad: Rejected) -> None:
        """Note what cannot be used."""
        self._connection.execute("INSERT INTO rejected VALUES (?, ?, ?)", (bad.path, bad.reason, bad.flaw))

    def rejected(self) -> list[Rejected]:
        """What cannot be used, in the order in which it was found."""
        return [Rejected(*row) for row in self._connection.execute("SELECT * FROM rejected ORDER BY rowid")]

    def find_missing(self, known: Sequence[Path]) -> int:
        """Look for rows that none of some folders of decoded photos has; how many there are.

        What the first folder has as rejected is not missing, unless it could not be fetched.
        """
        wanted = ["k.reason IS NULL OR k.flaw <> 'download'", *["k.reason IS NULL"] * (len(known) - 1)]
        absent = [
            f"NOT EXISTS (SELECT 1 FROM known{number}.photos k "  # noqa: S608 (made of constants)
            f"WHERE k.path = r.path AND k.stamp = r.stamp AND ({condition}))"
            for number, condition in enumerate(wanted[: len(known)])
        ]
        self._attach(known)
        condition = " AND ".join(absent) or "1"
        self._connection.execute("DROP TABLE IF EXISTS temp.missing")
        self._connection.execute(f"CREATE TEMP TABLE missing AS SELECT position FROM rows r WHERE {condition}")  # noqa: S608 (made of constants)
        self._detach(known)
        (count,) = self._connection.execute("SELECT COUNT(*) FROM missing").fetchone()
        return int(count)

    def missing(self) -> Iterator[tuple[Photo, str]]:
        """The photos that `find_missing` found, with their stamps."""
        rows = self._connection.execute(
            "SELECT path, label, split, product_id, file, box, stamp FROM missing JOIN rows USING (position) "
            "ORDER BY position"
        )
        for path, label, split, product_id, file, box, stamp in rows:
            yield Photo(path, label, split, product_id, file, Box(*json.loads(box)) if box else None), stamp

    def join(self, known: Sequence[Path]) -> Iterator[Joined]:
        """Every row with what the first of some folders knows of it; what they rejected goes to `rejected`."""
        self._attach(known)
        try:
            yield from self._joined(len(known))
        finally:
            self._detach(known)

    def texts(self, positions: Sequence[int]) -> list[tuple[str, str, str | None]]:
        """Path, label and product's id of some rows."""
        query = "SELECT path, label, product_id FROM rows WHERE position = ?"
        return [self._connection.execute(query, (position,)).fetchone() for position in positions]

    def stamp(self, position: int) -> tuple[str, str]:
        """Path and stamp of a row."""
        path, stamp = self._connection.execute(
            "SELECT path, stamp FROM rows WHERE position = ?", (position,)
        ).fetchone()
        return path, stamp

    def _add(self, photo: Photo, source: Source) -> None:
        try:
            stamp = source.stamp(photo.source_file)
        except PhotoError as error:
            self.reject(Rejected(photo.path, str(error), "unreadable"))
            return
        box = json.dumps(astuple(photo.box)) if photo.box else None
        values = (photo.path, photo.label, photo.split, photo.product_id, photo.file, box, f"{stamp} {box or ''}")
        try:
            self._connection.execute(_INSERT, values)
        except sqlite3.IntegrityError:
            self._reject_doubled(photo)

    def _reject_doubled(self, photo: Photo) -> None:
        (label,) = self._connection.execute("SELECT label FROM rows WHERE path = ?", (photo.path,)).fetchone()
        reason = "stands more than once in the source; the first row was taken"
        if label != photo.label:
            reason = f"stands under {label!r} and again under {photo.label!r}; the first row was taken. Which is right?"
        self.reject(Rejected(photo.path, reason))

    def _joined(self, num_known: int) -> Iterator[Joined]:
        numbers = range(num_known)
        found = " ".join(f"WHEN k{number}.facts IS NOT NULL THEN {number}" for number in numbers)
        row = ", ".join(f"CASE WHEN k{number}.facts IS NOT NULL THEN k{number}.row END" for number in numbers)
        facts = ", ".join(f"k{number}.facts" for number in numbers)
        joins = " ".join(
            f"LEFT JOIN known{number}.photos k{number} ON k{number}.path = r.path AND k{number}.stamp = r.stamp"
            for number in numbers
        )
        rows = self._connection.execute(
            "SELECT position, r.path, label, split, product_id, file, "  # noqa: S608 (made of constants)
            f"CASE {found} END, COALESCE({row}, NULL), COALESCE({facts}, NULL), k0.reason, k0.flaw "
            f"FROM rows r {joins} ORDER BY position"
        )
        for *joined, reason, flaw in rows:
            if joined[-1] is None:
                self.reject(Rejected(joined[1], reason, flaw))
            else:
                yield tuple(joined)

    def _attach(self, known: Sequence[Path]) -> None:
        for number, folder in enumerate(known):
            uri = f"{(folder.resolve() / JOURNAL).as_uri()}?mode=ro&immutable=1"
            self._connection.execute(f"ATTACH ? AS known{number}", (uri,))

    def _detach(self, known: Sequence[Path]) -> None:
        for number in range(len(known)):
            self._connection.execute(f"DETACH known{number}")
