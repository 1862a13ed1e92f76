"""An index takes on what staff changed while another one answered: see `adapters.sqlite_changes`."""

from __future__ import annotations

import logging
from contextlib import closing

from snapshelf.adapters.sqlite_changes import ProductChange, SqliteChanges
from snapshelf.artifacts.store import Store
from snapshelf.errors import PhotoError
from snapshelf.gallery import Gallery, sha256
from snapshelf.ports import VectorIndex

_log = logging.getLogger(__name__)


def take_on(
    changes: SqliteChanges,
    index_id: str,
    gallery: Gallery,
    index: VectorIndex,
    *,
    until: int | None = None,
    over: bool = True,
) -> None:
    """Bring an index to what staff changed and it does not know yet.

    Args:
        changes: the store's.
        index_id: of the index.
        gallery: through which it is changed.
        index: itself.
        until: the number of the last change to take on; None for all.
        over: also where the index says otherwise; False where a catalogue that was read since has the last word, and
            only products that it does not name are added.
    """
    for change in changes.unknown_to(index_id):
        if until is not None and change.number > until:
            return
        if over or (change.product and index.product(change.product_id) is None):
            try:
                _take_on(change, gallery, index)
            except PhotoError as error:  # the limits are narrower than they were
                _log.warning("The product %r, which staff put, is not in the index: %s", change.product_id, error)
        changes.note_known(index_id, change.number)


def _take_on(change: ProductChange, gallery: Gallery, index: VectorIndex) -> None:
    there = index.product(change.product_id)
    if change.product is None:
        if there is not None:
            gallery.remove([change.product_id])
        return
    if change.photo is not None and _hashes(index, change.product_id) != {sha256(change.photo)}:
        gallery.put(change.product, [change.photo])
    elif there not in (None, change.product):
        gallery.update(change.product)


def _hashes(index: VectorIndex, product_id: str) -> set[str]:
    return {each.photo_sha256 for each in index.product_photos(product_id)}


def note_catalogue(changes: SqliteChanges, index_id: str, index: VectorIndex) -> None:
    """After a catalogue changed the index in use: what it says of products that staff had changed is the last word."""
    for change in changes.all():
        there = index.product(change.product_id)
        if there is None:
            if change.product is not None:
                changes.remove([change.product_id])
        elif change.photo and _hashes(index, change.product_id) != {sha256(change.photo)}:
            changes.put(there, None)
        elif there != change.product:
            changes.update(there)
    changes.note_known(index_id, changes.newest())


def take_on_all(store: Store, index_id: str, gallery: Gallery, index: VectorIndex) -> None:
    """Bring an index to what staff changed in a store, where they ever did."""
    if store.changes_path.exists():
        with closing(SqliteChanges(store.changes_path)) as changes:
            take_on(changes, index_id, gallery, index)
