"""Products that staff change, in the index that answers and for all others to take on."""

from __future__ import annotations

import threading

from snapshelf.adapters.sqlite_changes import SqliteChanges
from snapshelf.pipelines.staff_changes import take_on
from snapshelf.types import Product
from snapshelf.web.shelves import Shelves
from snapshelf.wiring import Shelf


class ProductChanges:
    """Makes changes and exchanges of the shelf such that no change is lost. May be called from several threads.

    A change goes into the shelf of its request, which may be replaced meanwhile, and then into the file: either before
    the newer shelf takes on what the file has and begins to answer, or after that, and then it is taken on at once.
    """

    def __init__(self, shelves: Shelves, changes: SqliteChanges | None) -> None:
        """`changes` is None where a server has no store in which other indexes are."""
        self._shelves, self._changes = shelves, changes
        self._lock = threading.Lock()

    def put(self, shelf: Shelf, product: Product, photo: bytes) -> None:
        """Add a product, or replace it.

        Raises:
            PhotoError: the photo cannot be decoded; nothing was changed.
            InputError: the product's id is none.
        """
        shelf.gallery.put(product, [photo])
        if self._changes:
            with self._lock:
                self._changes.put(product, photo)
                self._take_on(self._changes, self._shelves.in_use)

    def update(self, shelf: Shelf, product: Product) -> None:
        """Change what is said of a product."""
        shelf.gallery.update(product)
        if self._changes:
            with self._lock:
                self._changes.update(product)
                self._take_on(self._changes, self._shelves.in_use)

    def remove(self, shelf: Shelf, product_id: str) -> None:
        """Remove a product."""
        shelf.gallery.remove([product_id])
        if self._changes:
            with self._lock:
                self._changes.remove([product_id])
                self._take_on(self._changes, self._shelves.in_use)

    def exchange(self, opened: Shelf) -> None:
        """Let another shelf answer, which knows every change."""
        with self._lock:
            if self._changes:
                self._take_on(self._changes, opened)
            self._shelves.replace(opened)

    def close(self) -> None:
        """Let go of the file."""
        if self._changes:
            self._changes.close()

    @staticmethod
    def _take_on(changes: SqliteChanges, shelf: Shelf) -> None:
        take_on(changes, shelf.index_card.id, shelf.gallery, shelf.index)
