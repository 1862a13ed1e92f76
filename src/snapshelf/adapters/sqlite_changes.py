"""What staff changed of the products, in one SQLite file, so that every index of a store comes to know of it.

A change goes into the index that answers. The index of another model, or one that is being built, takes it on later.
Of each product the last word is kept: what is said of it and its photo, as it came, or that it was removed.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from snapshelf.errors import StoreError
from snapshelf.types import Product

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    product_id TEXT NOT NULL UNIQUE,
    product TEXT,
    photo BLOB
);
CREATE TABLE IF NOT EXISTS known (index_id TEXT PRIMARY KEY, number INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class ProductChange:
    """The last word on a product; later ones have higher numbers."""

    number: int
    product_id: str
    product: Product | None
    """None where it was removed."""
    photo: bytes | None
    """The file as it came; None where only what is said of the product was changed."""


class SqliteChanges:
    """The changes, and how far each index knows them. May be used from several threads and processes."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it where it is not there yet.

        Raises:
            StoreError: a newer snapshelf made it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            self._connection.close()
            raise StoreError(
                f"{path} has schema {version}; this snapshelf reads up to {SCHEMA_VERSION}. Use a newer snapshelf."
            )
        if version == 0:
            self._connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = 1; COMMIT;")

    def put(self, product: Product, photo: bytes | None) -> None:
        """A product was added, or replaced; without a photo where an index has one that is not known here."""
        with self._lock, self._connection:
            self._replace(product.id, _said(product), photo)

    def update(self, product: Product) -> None:
        """What is said of a product was changed; the photo that came last stays its own."""
        with self._lock, self._connection:
            row = self._connection.execute("SELECT photo FROM changes WHERE product_id = ?", (product.id,)).fetchone()
            self._replace(product.id, _said(product), row and row[0])

    def remove(self, product_ids: Sequence[str]) -> None:
        """Products were removed."""
        with self._lock, self._connection:
            for product_id in product_ids:
                self._replace(product_id, None, None)

    def newest(self) -> int:
        """The number of the last change; 0 where there was none."""
        with self._lock:
            row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
        return row[0] if row else 0

    def unknown_to(self, index_id: str) -> Iterator[ProductChange]:
        """What an index does not know yet, oldest first; one photo at a time is in memory."""
        number = self._known(index_id)
        while (change := self._after(number)) is not None:
            yield change
            number = change.number

    def note_known(self, index_id: str, number: int) -> None:
        """An index knows everything up to a number."""
        with self._lock, self._connection:
            self._connection.execute("INSERT OR REPLACE INTO known VALUES (?, ?)", (index_id, number))

    def forget(self, index_ids: Sequence[str]) -> None:
        """Let go of what all of these indexes know, and of other indexes."""
        least = min(map(self._known, index_ids), default=0)
        with self._lock, self._connection:
            self._connection.execute("DELETE FROM changes WHERE number <= ?", (least,))
            gone = {row[0] for row in self._connection.execute("SELECT index_id FROM known")} - set(index_ids)
            self._connection.executemany("DELETE FROM known WHERE index_id = ?", [(each,) for each in gone])

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def all(self) -> Iterator[ProductChange]:
        """Every product's last word, as it stands now."""
        newest, number = self.newest(), 0
        while (change := self._after(number)) is not None and change.number <= newest:
            yield change
            number = change.number

    def _known(self, index_id: str) -> int:
        with self._lock:
            row = self._connection.execute("SELECT number FROM known WHERE index_id = ?", (index_id,)).fetchone()
        return row[0] if row else 0

    def _after(self, number: int) -> ProductChange | None:
        with self._lock:
            row = self._connection.execute(
                "SELECT number, product_id, product, photo FROM changes WHERE number > ? ORDER BY number LIMIT 1",
                (number,),
            ).fetchone()
        if row is None:
            return None
        said = row[2] and Product(**json.loads(row[2]))
        return ProductChange(row[0], row[1], said, row[3])

    def _replace(self, product_id: str, said: str | None, photo: bytes | None) -> None:
        """Under a new number."""
        self._connection.execute(
            "INSERT OR REPLACE INTO changes (product_id, product, photo) VALUES (?, ?, ?)", (product_id, said, photo)
        )


def _said(product: Product) -> str:
    return json.dumps(asdict(product))
