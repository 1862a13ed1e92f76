"""An index is filled from a catalogue: what is new is embedded, what changed is written, what is gone is removed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from snapshelf.adapters.index_folder import open_folder
from snapshelf.adapters.sqlite_changes import SqliteChanges
from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.data.catalogue import Catalogue
from snapshelf.gallery import Embedder, Gallery
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.embed_photos import EntryEmbedder
from snapshelf.pipelines.index_photos import WRITE_BATCH, CatalogueWriter, Tally
from snapshelf.pipelines.index_result import IndexResult
from snapshelf.pipelines.staff_changes import note_catalogue, take_on
from snapshelf.pipelines.sync import Plan, make_plan, refuse_empty
from snapshelf.ports import Encoder
from snapshelf.progress import console, progress
from snapshelf.settings import QdrantServer

if TYPE_CHECKING:
    from snapshelf.pipelines.ray_workers import RayCluster


@dataclass(frozen=True, slots=True)
class IndexJob:
    """What `index` was asked for, but for the catalogue."""

    store: Store
    encoder: Encoder
    model: ModelCard
    limits: DecodeLimits
    num_workers: int
    remove: Sequence[str]
    sync: bool
    force: bool
    server: QdrantServer | None
    cluster: RayCluster | None
    changes: SqliteChanges
    """Of the products, by staff."""


def fill(
    job: IndexJob,
    folder: Path,
    index_id: str,
    catalogue: Catalogue | None,
    started: float,
    *,
    anew: bool = False,
    staff_until: int | None = None,
) -> IndexResult:
    """Bring an index in a folder to what a catalogue says, and to what staff changed; remove what is to be removed.

    Args:
        job: what was asked for.
        folder: where the index is, or where it is being built.
        index_id: its id.
        catalogue: None only removes.
        started: when the command began, by `time.perf_counter`.
        anew: whether the index is a new one, which has nothing but the catalogue.
        staff_until: the number of the last of staff's changes that a new index takes on here.

    Raises:
        SourceError: no row of the catalogue can be used, or too much would be removed; nothing was changed.
        StoreError: another process has the index open, or the server cannot be used.
        ClusterError: see `RayCluster.embed`.
    """
    opened, thumbnails = open_folder(folder, job.server)
    try:
        gallery = Gallery(job.encoder, opened, thumbnails, job.limits)
        tally, plan = Tally(), Plan()
        if not anew:
            take_on(job.changes, index_id, gallery, opened)
        if catalogue is not None:
            if job.sync and not anew:  # found before anything is changed
                plan = make_plan(catalogue, opened, force=job.force)
            tally = _write(job, CatalogueWriter(gallery, opened), catalogue, anew=anew)
        for product_id in job.remove:
            if opened.product(product_id) is None:
                console.print(f"There is no product {product_id!r} to remove.", markup=False)
        gone = [*job.remove, *plan.removed]
        num_photos = len(opened.photo_hashes())
        removed = sum(gallery.remove(gone[at : at + WRITE_BATCH]) for at in range(0, len(gone), WRITE_BATCH))
        if anew:
            take_on(job.changes, index_id, gallery, opened, until=staff_until, over=False)
        elif not job.store.uses_another("models", job.model.id):
            job.changes.remove(job.remove)
            note_catalogue(job.changes, index_id, opened)
        opened.optimize()
        num_left = len(opened.photo_hashes())
        return IndexResult(
            index_id=index_id,
            num_products=opened.count_products(),
            num_photos=num_left,
            added=tally.added,
            updated=tally.updated,
            unchanged=tally.unchanged,
            dropped=tally.dropped,
            embedded=tally.embedded,
            products_added=tally.products_added,
            products_changed=tally.products_changed,
            products_unchanged=tally.products_unchanged,
            products_kept=tally.products_kept + plan.kept_unnamed,
            removed_products=removed,
            removed_photos=num_photos - num_left,
            seconds=time.perf_counter() - started,
            rejected=tally.rejected,
            left_out=catalogue.left_out() if catalogue else {},
            untaught=_untaught(opened.categories(), job.model),
        )
    finally:
        opened.close()
        thumbnails.close()


def _untaught(categories: dict[str, int], model: ModelCard) -> dict[str, int]:
    """The categories that a model with labels does not know."""
    taught = {label.casefold() for label in model.labels}
    return {name: count for name, count in categories.items() if taught and name.casefold() not in taught}


def _write(job: IndexJob, writer: CatalogueWriter, catalogue: Catalogue, *, anew: bool) -> Tally:
    if job.cluster is not None:
        rows = job.cluster.embed(catalogue, writer.hashes, job.store.folder("models", job.model.id), job.limits)
    else:
        embedder = Embedder(job.encoder, job.limits)
        here = EntryEmbedder(catalogue.read, embedder, job.num_workers, catalogue.waits_for_the_web())
        rows = here.embed(catalogue.entries(), writer.hashes)
    with progress("Indexing", catalogue.count()) as step:
        writer.write(rows, step)
    if writer.tally.num_usable == 0:
        refuse_empty(writer.tally.rejected, catalogue.left_out())
    writer.drop_unseen(of_all_products=anew)
    writer.count_products()
    return writer.tally
