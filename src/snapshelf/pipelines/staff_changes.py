"""An index takes on what staff changed while another one answered: see `adapters.sqlite_changes`."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from snapshelf.adapters.sqlite_changes import ProductChange, SqliteChanges
from snapshelf.artifacts.store import Store
from snapshelf.errors import PhotoError
from snapshelf.gallery import Gallery, ReadyPhoto, sha256
from snapshelf.ports import VectorIndex
from snapshelf.types import Product, ProductPhoto

AT_ONCE = 64
"""Changes that are written together: each write waits for the disk."""

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
    wanted = (each for each in changes.unknown_to(index_id) if until is None or each.number <= until)
    seen = ((each.number, each.product_id, _step(each, gallery, index, over=over)) for each in wanted)
    while some := list(islice(seen, AT_ONCE)):
        # What is changed again while it is read comes twice, and no step knows of those before it: the last one counts.
        steps = {product_id: step for _, product_id, step in some}.values()
        gallery.remove([each.removed for each in steps if each.removed])
        gallery.update(*(each.updated for each in steps if each.updated))
        gallery.put_ready([row for each in steps for row in each.put])
        changes.note_known(index_id, some[-1][0])


@dataclass(frozen=True, slots=True)
class _Step:
    """What a change is for one index; none of it where that knows it already."""

    removed: str = ""
    updated: Product | None = None
    put: Sequence[tuple[ProductPhoto, ReadyPhoto]] = ()


def _step(change: ProductChange, gallery: Gallery, index: VectorIndex, *, over: bool) -> _Step:
    there = index.product(change.product_id)
    if not over and (change.product is None or there is not None):
        return _Step()
    if change.product is None:
        return _Step(removed=change.product_id if there else "")
    if change.photo is not None and _hashes(index, change.product_id) != {sha256(change.photo)}:
        try:
            return _Step(put=gallery.ready(change.product, [change.photo]))
        except PhotoError as error:  # the limits are narrower than they were
            _log.warning("The product %r, which staff put, is not in the index: %s", change.product_id, error)
            return _Step()
    return _Step(updated=None if there in (None, change.product) else change.product)


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
    """Bring an index to what staff changed in a store, where they ever did.

    A store that may only be read is left to the server that may write it: they share the index.
    """
    if store.changes_path.exists() and os.access(store.root, os.W_OK):
        with closing(SqliteChanges(store.changes_path)) as changes:
            take_on(changes, index_id, gallery, index)
