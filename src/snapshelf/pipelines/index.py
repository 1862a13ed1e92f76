"""`snapshelf index`: a catalogue → the store's index, in a Qdrant Edge shard or on a Qdrant server, and thumbnails.

An index that the model in use made is added to in place. Where there is none, or only one of another model, or with
`--replace`, a new one is built beside it and put in its place when it is whole; a build that was killed goes on with
the same command.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from snapshelf.adapters.index_folder import begin_folder, begun_card, new_card, open_folder, remove_folder
from snapshelf.artifacts.cards import IndexCard, ModelCard
from snapshelf.artifacts.publish import publish_folder
from snapshelf.artifacts.store import Store
from snapshelf.data.catalogue import Catalogue, open_catalogue
from snapshelf.data.sources.options import SourceOptions
from snapshelf.errors import ArtifactMissingError, SourceError, StoreError
from snapshelf.gallery import Gallery
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.index_photos import CatalogueWriter, Tally
from snapshelf.ports import Encoder
from snapshelf.progress import console, progress
from snapshelf.settings import QdrantServer
from snapshelf.types import Rejected, Split


@dataclass(frozen=True, slots=True)
class IndexResult:
    """What the index holds now, and what this run did. `added` to `dropped` count photos."""

    index_id: str
    num_products: int
    num_photos: int
    added: int
    updated: int
    unchanged: int
    dropped: int
    """Photos that the catalogue no longer has."""
    removed_products: int
    seconds: float
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Job:
    store: Store
    encoder: Encoder
    model: ModelCard
    limits: DecodeLimits
    num_threads: int
    remove: Sequence[str]
    server: QdrantServer | None


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
    limits: DecodeLimits,
    num_threads: int,
    server: QdrantServer | None = None,
) -> IndexResult:
    """Bring the store's index to what a catalogue says, and make it the one in use.

    Products that the catalogue does not name stay as they are, unless `replace` is given.

    Args:
        store: where the index goes.
        encoder: the model in use.
        model: its card.
        catalogue: a table's file, a folder of photos or another source; None only removes.
        format: see `data.sources.FORMATS`.
        split: only the photos of this part, where the source has parts.
        replace: build anew, with what the catalogue names and nothing else.
        remove: ids of products to remove afterwards.
        limits: photos beyond these are rejected.
        num_threads: how many photos are decoded at a time.
        server: where the index is built; without one, in the store's folder.

    Raises:
        SourceError: the catalogue cannot be read, or no row of it can be used; the index in use stays as it was.
        StoreError: there is no index to remove from, another process has it open, or the server cannot be used.
    """
    job = _Job(store, encoder, model, limits, num_threads, remove, server)
    started = time.perf_counter()
    current = _index_of_this_model(store, model)
    if catalogue and server and current is not None and IndexCard.read(current).collection is None:
        console.print(f"The index {current.name} is in the store; one on {server.url} takes its place.", markup=False)
        current = None
    if catalogue is None:
        result = _change(job, _needed(store, current), None, "", started)
    else:
        options = SourceOptions.of(store.config(), store.downloads)
        opened = open_catalogue(catalogue, format, options, split=split, limits=limits)
        console.print(opened.description, markup=False)
        if current is not None and not replace:
            result = _change(job, current, opened, catalogue, started)
        else:
            place = server.url if server else "store"
            key = hashlib.sha256(f"{model.id}|{catalogue}|{format}|{split}|{place}".encode()).hexdigest()[:12]
            result = _build(job, store.folder("index", f".building-{key}"), opened, catalogue, started)
    _say(result, store)
    return result


def _index_of_this_model(store: Store, model: ModelCard) -> Path | None:
    """The index in use if this model made it, else the newest that it made: after a roll-back it is still there."""
    newest_first = [store.folder("index", name) for name in reversed(store.ids("index"))]
    if store.has_current("index") and (current := store.folder("index", store.current("index").name)) in newest_first:
        newest_first.insert(0, current)
        if _maker(current) != model.id:
            console.print(
                f"The index in use was made by the model {_maker(current) or 'of a card that cannot be read'}, not by "
                f"{model.id}; it is left as it is.",
                markup=False,
            )
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
    job.store.use("index", card.id)
    return result


def _build(job: _Job, work: Path, catalogue: Catalogue, given: str, started: float) -> IndexResult:
    """Build an index in a work folder, which is kept when the build is killed, and publish it."""
    card = begun_card(work)
    if card is None:
        shutil.rmtree(work, ignore_errors=True)
        card = new_card(f"{job.model.id}-{secrets.token_hex(4)}", job.model, given, job.server)
    begin_folder(work, card, job.server, job.store.config().qdrant)
    result = _fill(job, work, card.id, catalogue, started, anew=True)
    publish_folder(work, job.store.folder("index", card.id))
    job.store.use("index", card.id)
    _remove_replaced(job, card.id)
    return result


def _fill(
    job: _Job, folder: Path, index_id: str, catalogue: Catalogue | None, started: float, *, anew: bool = False
) -> IndexResult:
    opened, thumbnails = open_folder(folder, job.server)
    try:
        gallery = Gallery(job.encoder, opened, thumbnails, job.limits)
        tally = Tally()
        if catalogue is not None:
            writer = CatalogueWriter(gallery, opened)
            tally = writer.tally
            with progress("Indexing", catalogue.count()) as step:
                writer.write(catalogue, job.num_threads, step)
            _refuse_empty(tally)
            writer.drop_unseen(of_all_products=anew)
        for product_id in job.remove:
            if opened.product(product_id) is None:
                console.print(f"There is no product {product_id!r} to remove.", markup=False)
        removed = gallery.remove(job.remove)
        opened.optimize()
        return IndexResult(
            index_id=index_id,
            num_products=opened.count_products(),
            num_photos=len(opened.photo_hashes()),
            added=tally.added,
            updated=tally.updated,
            unchanged=tally.unchanged,
            dropped=tally.dropped,
            removed_products=removed,
            seconds=time.perf_counter() - started,
            rejected=tally.rejected,
        )
    finally:
        opened.close()
        thumbnails.close()


def _refuse_empty(tally: Tally) -> None:
    if tally.num_usable == 0:
        reasons = "".join(f"\n  {bad.path}: {bad.reason}" for bad in tally.rejected[:5])
        raise SourceError(f"The catalogue has no row that can be used ({len(tally.rejected):,} could not).{reasons}")


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


def _say(result: IndexResult, store: Store) -> None:
    """Tell a person what was done, what could not be, and what comes next."""
    changes = [
        f"{number:,} {what}"
        for number, what in (
            (result.added, "added"),
            (result.updated, "updated"),
            (result.unchanged, "unchanged"),
            (result.dropped, "no longer in the catalogue"),
        )
        if number
    ]
    lines = [
        f"{result.num_products:,} products with {result.num_photos:,} photos, in {result.seconds:.1f} s",
        *([f"Photos: {', '.join(changes)}"] if changes else []),
        *([f"{result.removed_products:,} products removed"] if result.removed_products else []),
    ]
    if result.rejected:
        lines.append(f"{len(result.rejected):,} rows could not be used:")
        lines += [f"  {bad.path}: {bad.reason}" for bad in result.rejected[:5]]
    lines += [f"In use: {result.index_id}", f"Next: snapshelf serve --store {store.root}"]
    for line in lines:
        console.print(line, markup=False)
