"""`snapshelf index`: a catalogue → the store's index, in a Qdrant Edge shard or on a Qdrant server, and thumbnails.

An index that the model in use made is added to in place. Where there is none, or only one of another model, or with
`--replace`, a new one is built beside it and put in its place when it is whole; a build that was killed goes on with
the same command. With `--sync`, what the catalogue does not name is removed at the end; see `sync.py`.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from snapshelf.adapters.index_folder import begin_folder, begun_card, new_card, open_folder, remove_folder
from snapshelf.adapters.sqlite_changes import SqliteChanges
from snapshelf.artifacts.cards import IndexCard, ModelCard
from snapshelf.artifacts.publish import publish_folder
from snapshelf.artifacts.store import Store
from snapshelf.data.catalogue import Catalogue, open_catalogue
from snapshelf.data.sources.options import SourceOptions
from snapshelf.errors import ArtifactMissingError, StoreError
from snapshelf.gallery import Embedder, Gallery
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.embed_photos import EntryEmbedder
from snapshelf.pipelines.index_photos import WRITE_BATCH, CatalogueWriter, Tally
from snapshelf.pipelines.index_result import IndexResult, say, say_plan
from snapshelf.pipelines.staff_changes import note_catalogue, take_on
from snapshelf.pipelines.sync import Plan, make_plan, refuse_empty
from snapshelf.ports import Encoder
from snapshelf.progress import console, progress
from snapshelf.settings import QdrantServer
from snapshelf.types import Split

if TYPE_CHECKING:
    from snapshelf.pipelines.ray_workers import RayCluster


@dataclass(frozen=True, slots=True)
class _Job:
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


def index(  # noqa: PLR0913 (the options of one command)
    store: Store,
    encoder: Encoder,
    model: ModelCard,
    catalogue: str | None,
    *,
    format: str = "auto",  # noqa: A002 (the word of `--format`)
    split: Split | None = None,
    replace: bool = False,
    remove: Sequence[str] = (),
    sync: bool = False,
    force: bool = False,
    limits: DecodeLimits,
    num_workers: int,
    server: QdrantServer | None = None,
    cluster: RayCluster | None = None,
) -> IndexResult:
    """Bring a model's index to what a catalogue says, and make it the one in use, if the model is.

    Products that the catalogue does not name stay as they are, unless `replace` or `sync` is given.

    Args:
        store: where the index goes.
        encoder: the model in use, or another one of the store.
        model: its card.
        catalogue: a table's file, a folder of photos or another source; None only removes.
        format: see `data.sources.FORMATS`.
        split: only the photos of this part, where the source has parts.
        replace: build anew, with what the catalogue names and nothing else.
        remove: ids of products to remove afterwards.
        sync: remove what the catalogue does not name, in place; products whose rows cannot be used stay.
        force: with `sync`, also where more than half of the products would go: see `sync.make_plan`.
        limits: photos beyond these are rejected.
        num_workers: how many photos are worked on at a time, each on one core.
        server: where the index is built; without one, in the store's folder.
        cluster: whose machines read and embed the photos, instead of `num_workers` here; connected to.

    Raises:
        ClusterError: see `RayCluster.embed`; the same call goes on where this one was.
        SourceError: the catalogue cannot be read, no row of it can be used, or too much would be removed; the index in
            use stays as it was.
        StoreError: there is no index to remove from, another process has it open, or the server cannot be used.
    """
    started = time.perf_counter()
    current = _index_of_this_model(store, model)
    if catalogue and server and current is not None and IndexCard.read(current).collection is None:
        console.print(f"The index {current.name} is in the store; one on {server.url} takes its place.", markup=False)
        current = None
    with closing(SqliteChanges(store.changes_path)) as changes:
        job = _Job(store, encoder, model, limits, num_workers, remove, sync, force, server, cluster, changes)
        if catalogue is None:
            result = _change(job, _needed(store, current), None, "", started)
        else:
            opened = _open_catalogue(store, catalogue, format, split, limits)
            if current is not None and not replace:
                result = _change(job, current, opened, catalogue, started)
            else:
                place = server.url if server else "store"
                key = hashlib.sha256(f"{model.id}|{catalogue}|{format}|{split}|{place}".encode()).hexdigest()[:12]
                work = store.folder("index", f".building-{key}")
                result = _build(job, work, opened, catalogue, started, alone=replace)
    say(result, store, model.id)
    return result


def plan_sync(  # noqa: PLR0913 (the options of one command, as `index` has them)
    store: Store,
    model: ModelCard | None,
    catalogue: str,
    *,
    format: str = "auto",  # noqa: A002 (the word of `--format`)
    split: Split | None = None,
    force: bool = False,
    limits: DecodeLimits,
    server: QdrantServer | None = None,
) -> Plan:
    """Say what `index` with `sync` would do, and change nothing. No photo is read or fetched.

    Raises:
        SourceError: as `index` does.
        StoreError: another process has the index open.
    """
    opened = _open_catalogue(store, catalogue, format, split, limits)
    current = _index_of_this_model(store, model) if model else None
    if current is None:
        plan = make_plan(opened, None, force=force)
    else:
        index, thumbnails = open_folder(current, server)
        try:
            plan = make_plan(opened, index, force=force)
        finally:
            index.close()
            thumbnails.close()
    say_plan(plan)
    return plan


def _open_catalogue(
    store: Store,
    catalogue: str,
    format: str,  # noqa: A002 (the word of `--format`)
    split: Split | None,
    limits: DecodeLimits,
) -> Catalogue:
    options = SourceOptions.of(store.config(), store.downloads)
    opened = open_catalogue(catalogue, format, options, split=split, limits=limits)
    console.print(opened.description, markup=False)
    return opened


def _index_of_this_model(store: Store, model: ModelCard) -> Path | None:
    """The index in use if this model made it, else the newest that it made: after a roll-back it is still there."""
    newest_first = [store.folder("index", name) for name in reversed(store.ids("index"))]
    if store.has_current("index") and (current := store.folder("index", store.current("index").name)) in newest_first:
        newest_first.insert(0, current)
        if _maker(current) != model.id:
            maker = _maker(current)
            why = f"made by the model {maker}, not by {model.id}" if maker else "of another snapshelf and not read here"
            console.print(f"The index in use is {why}; it is left as it is.", markup=False)
    return next((folder for folder in newest_first if _maker(folder) == model.id), None)


def _maker(folder: Path) -> str | None:
    """The id of the model that made an index; None where its card cannot be read."""
    try:
        return IndexCard.read(folder).model_id
    except StoreError:
        return None


def _needed(store: Store, current: Path | None) -> Path:
    if current is None:
        raise ArtifactMissingError(
            f"The store {store.root} has no index of the model in use, so there is nothing to remove from. "
            f"Run: snapshelf index CATALOGUE --store {store.root}"
        )
    return current


def _change(job: _Job, folder: Path, catalogue: Catalogue | None, given: str, started: float) -> IndexResult:
    """Add to an index in place. Every step is durable, so a run that was killed is mended by the next."""
    card = IndexCard.read(folder)
    result = _fill(job, folder, card.id, catalogue, started)
    if given and given != card.catalogue:
        card.model_copy(update={"catalogue": given}).write(folder)
    _put_in_use(job, card.id)
    return result


def _build(job: _Job, work: Path, catalogue: Catalogue, given: str, started: float, *, alone: bool) -> IndexResult:
    """Build an index in a work folder, which is kept when the build is killed, and publish it.

    Where it has the catalogue `alone`, it knows what staff changed before; else it takes that on. What they change
    meanwhile it takes on in either case, when it is opened.
    """
    before = job.changes.newest()
    card = begun_card(work)
    if card is None:
        shutil.rmtree(work, ignore_errors=True)
        card = new_card(f"{job.model.id}-{secrets.token_hex(4)}", job.model, given, job.server)
    if alone:
        job.changes.note_known(card.id, before)
    begin_folder(work, card, job.server, job.store.config().qdrant)
    result = _fill(job, work, card.id, catalogue, started, anew=True, staff_until=before)
    publish_folder(work, job.store.folder("index", card.id))
    _put_in_use(job, card.id)
    _remove_replaced(job, card.id)
    if alone:
        job.changes.forget(job.store.ids("index"))
    return result


def _put_in_use(job: _Job, index_id: str) -> None:
    """The index of a model that is not in use waits for `models use`."""
    if not job.store.uses_another("models", job.model.id):
        job.store.use("index", index_id)


def _fill(
    job: _Job,
    folder: Path,
    index_id: str,
    catalogue: Catalogue | None,
    started: float,
    *,
    anew: bool = False,
    staff_until: int | None = None,
) -> IndexResult:
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


def _write(job: _Job, writer: CatalogueWriter, catalogue: Catalogue, *, anew: bool) -> Tally:
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


def _remove_replaced(job: _Job, index_id: str) -> None:
    """Remove the indexes that a new one of the same model replaces; one that is being served stays until next time."""
    for name in job.store.ids("index"):
        folder = job.store.folder("index", name)
        if name == index_id or _maker(folder) not in (job.model.id, None):
            continue
        try:
            remove_folder(folder, job.server)
        except StoreError as error:
            console.print(f"The index {name} was replaced but not removed. {error}", markup=False)
