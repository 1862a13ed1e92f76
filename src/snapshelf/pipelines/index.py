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
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.fill_index import IndexJob, fill
from snapshelf.pipelines.index_result import IndexResult, say, say_plan
from snapshelf.pipelines.models import maker_of
from snapshelf.pipelines.sync import Plan, make_plan
from snapshelf.ports import Encoder
from snapshelf.progress import console
from snapshelf.settings import QdrantServer
from snapshelf.types import Split

if TYPE_CHECKING:
    from snapshelf.pipelines.ray_workers import RayCluster


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
        job = IndexJob(store, encoder, model, limits, num_workers, remove, sync, force, server, cluster, changes)
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
        if maker_of(current) != model.id:
            maker = maker_of(current)
            why = f"made by the model {maker}, not by {model.id}" if maker else "of another snapshelf and not read here"
            console.print(f"The index in use is {why}; it is left as it is.", markup=False)
    return next((folder for folder in newest_first if maker_of(folder) == model.id), None)


def _needed(store: Store, current: Path | None) -> Path:
    if current is None:
        raise ArtifactMissingError(
            f"The store {store.root} has no index of the model in use, so there is nothing to remove from. "
            f"Run: snapshelf index CATALOGUE --store {store.root}"
        )
    return current


def _change(job: IndexJob, folder: Path, catalogue: Catalogue | None, given: str, started: float) -> IndexResult:
    """Add to an index in place. Every step is durable, so a run that was killed is mended by the next."""
    card = IndexCard.read(folder)
    result = fill(job, folder, card.id, catalogue, started)
    if given and given != card.catalogue:
        card.model_copy(update={"catalogue": given}).write(folder)
    _put_in_use(job, card.id)
    return result


def _build(job: IndexJob, work: Path, catalogue: Catalogue, given: str, started: float, *, alone: bool) -> IndexResult:
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
    result = fill(job, work, card.id, catalogue, started, anew=True, staff_until=before)
    publish_folder(work, job.store.folder("index", card.id))
    _put_in_use(job, card.id)
    _remove_replaced(job, card.id)
    if alone:
        job.changes.forget(job.store.ids("index"))
    return result


def _put_in_use(job: IndexJob, index_id: str) -> None:
    """The index of a model that is not in use waits for `models use`."""
    if not job.store.uses_another("models", job.model.id):
        job.store.use("index", index_id)


def _remove_replaced(job: IndexJob, index_id: str) -> None:
    """Remove the indexes that a new one of the same model replaces; one that is being served stays until next time."""
    for name in job.store.ids("index"):
        folder = job.store.folder("index", name)
        if name == index_id or maker_of(folder) not in (job.model.id, None):
            continue
        try:
            remove_folder(folder, job.server)
        except StoreError as error:
            console.print(f"The index {name} was replaced but not removed. {error}", markup=False)
