"""A feed's rows, read once and kept on disk by product, as variants of one product may stand anywhere in a feed.

A million rows are no more memory than one; they take about as much room on disk as the feed itself.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import groupby

from snapshelf.data.feeds.offers import Offer
from snapshelf.types import Rejected

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE products (position INTEGER PRIMARY KEY, product_id TEXT NOT NULL UNIQUE);
CREATE TABLE offers (position INTEGER, number INTEGER, content TEXT NOT NULL, PRIMARY KEY (position, number))
  WITHOUT ROWID;
CREATE TABLE keys (key TEXT PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE rejected (path TEXT NOT NULL, reason TEXT NOT NULL, product_id TEXT, unread INTEGER NOT NULL);
"""

_FIELDS = tuple(each.name for each in fields(Offer))


class Spool:
    """The rows of a feed by product, the products in the order of their first rows."""

    def __init__(self, rows: Iterable[Offer | Rejected], name: Callable[[int], str]) -> None:
        """Go through a feed. SQLite keeps it in a file without a name, which goes with the connection.

        Args:
            rows: what the feed says.
            name: how a row is called in messages, by its number.
        """
        self._name = name
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.executescript(_TABLES)
        self._connection.execute("BEGIN")
        for row in rows:
            if isinstance(row, Rejected):
                self._reject(row)
            else:
                self._add(row)
        self._connection.execute("COMMIT")

    def products(self) -> Iterator[list[Offer]]:
        """The rows of each product."""
        rows = self._connection.execute("SELECT position, content FROM offers ORDER BY position, number")
        for _, offers in groupby(rows, key=lambda row: row[0]):
            yield [Offer(**json.loads(content)) for _, content in offers]

    def rejected(self) -> Iterator[Rejected]:
        """What belongs to no product: rows without an id, with an id of another one, or that could not be read."""
        for path, reason, product_id, unread in self._connection.execute("SELECT * FROM rejected ORDER BY rowid"):
            yield Rejected(path, reason, product_id=product_id, unread=bool(unread))

    def _add(self, offer: Offer) -> None:
        if not offer.product_id:
            self._reject(Rejected(self._name(offer.number), offer.problem or "has no id"))
            return
        first = self._first_of_key(offer)
        if first != (offer.key_row or offer.number):
            reason = f"has the id {offer.key!r} of {self._name(first)} again; the first was taken."
            self._reject(Rejected(self._name(offer.number), reason, product_id=offer.product_id))
            return
        self._connection.execute("INSERT OR IGNORE INTO products (product_id) VALUES (?)", (offer.product_id,))
        query = "SELECT position FROM products WHERE product_id = ?"
        (position,) = self._connection.execute(query, (offer.product_id,)).fetchone()
        content = json.dumps({name: getattr(offer, name) for name in _FIELDS})
        self._connection.execute("INSERT INTO offers VALUES (?, ?, ?)", (position, offer.number, content))

    def _first_of_key(self, offer: Offer) -> int:
        row = offer.key_row or offer.number
        if offer.key is None:
            return row
        self._connection.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (offer.key, row))
        (first,) = self._connection.execute("SELECT row FROM keys WHERE key = ?", (offer.key,)).fetchone()
        return int(first)

    def _reject(self, bad: Rejected) -> None:
        values = (bad.path, bad.reason, bad.product_id, bad.unread)
        self._connection.execute("INSERT INTO rejected VALUES (?, ?, ?, ?)", values)
