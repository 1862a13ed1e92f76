"""What lies in an index's folder, `index/<id>/`: the card, thumbnails, and a Qdrant Edge shard.

Where the card names a collection, the index is on a Qdrant server instead of in a shard.
"""

from __future__ import annotations

import os
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING

from snapshelf.adapters.qdrant_edge_index import QdrantEdgeIndex, hold_shard
from snapshelf.adapters.qdrant_index import QdrantIndex
from snapshelf.adapters.sqlite_thumbnails import SqliteThumbnails
from snapshelf.artifacts.cards import IndexCard, ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.config import QdrantConfig
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError, StoreError
from snapshelf.settings import QdrantServer

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

SHARD = "shard"
THUMBNAILS = "thumbnails.sqlite"
LOCK = "in-use.lock"


def new_card(index_id: str, model: ModelCard, catalogue: str, server: QdrantServer | None) -> IndexCard:
    """The card of an index that is about to be built: on the server where there is one."""
    return IndexCard(
        id=index_id,
        model_id=model.id,
        embedding_dim=model.embedding_dim,
        engine=f"qdrant-client {_client_version()}" if server else f"qdrant-edge {version('qdrant-edge-py')}",
        collection=f"snapshelf-{index_id}" if server else None,
        catalogue=catalogue,
    )


def open_index(
    store: Store, model: ModelCard, server: QdrantServer | None = None
) -> tuple[IndexCard, QdrantIndex, SqliteThumbnails]:
    """Open the index in use, if this model made it.

    Raises:
        ArtifactMissingError: there is none yet.
        ArtifactMismatchError: another model or an older snapshelf made it.
        StoreError: another process has it open, or its server cannot be used.
    """
    folder = store.current("index")
    card = IndexCard.read(folder)
    store.check_index_fits(card, model)
    return card, *open_folder(folder, server)


def begun_card(folder: Path) -> IndexCard | None:
    """The card of an index that was begun in a folder, whole or not; None where there is none to go on with."""
    try:
        return IndexCard.read(folder)
    except (ArtifactMissingError, ArtifactMismatchError):
        return None


def open_folder(folder: Path, server: QdrantServer | None = None) -> tuple[QdrantIndex, SqliteThumbnails]:
    """Open an index's engine and thumbnails; its card says where the engine is.

    Raises:
        StoreError: there is none, another process has it open, or its server cannot be used.
    """
    card = begun_card(folder)
    if card is None or card.collection is None:
        return QdrantEdgeIndex.open(folder / SHARD), SqliteThumbnails(folder / THUMBNAILS)
    from snapshelf.adapters.qdrant_server_index import QdrantServerIndex  # noqa: PLC0415 (the [qdrant] extra)

    client = _connect(card, server)
    index = QdrantServerIndex.open(client, card.collection, _hold(folder, alone=False))
    return index, SqliteThumbnails(folder / THUMBNAILS)


def begin_folder(folder: Path, card: IndexCard, server: QdrantServer | None, config: QdrantConfig) -> None:
    """Begin an empty index in a folder, or go on with the one that was begun there with this card.

    Raises:
        StoreError: there is another one, or the server cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if card.collection is None:
        if begun_card(folder) is None:
            QdrantEdgeIndex.create(folder / SHARD, card.embedding_dim).close()
            card.write(folder)  # a shard without a card is not whole
        return
    from snapshelf.adapters.qdrant_server_index import QdrantServerIndex  # noqa: PLC0415 (the [qdrant] extra)

    client = _connect(card, server)
    card.write(folder)  # before, so that the collection that a kill leaves behind is found again
    (folder / LOCK).touch()  # for those who may only read the folder
    QdrantServerIndex.create(
        client, card.collection, card.embedding_dim, shards=config.shards, replicas=config.replicas
    ).close()


def remove_folder(folder: Path, server: QdrantServer | None = None) -> None:
    """Remove an index that nobody has open, with its collection where it is on a server.

    Raises:
        StoreError: it is open elsewhere, or its server cannot be used; it stays.
    """
    card = begun_card(folder)
    if card is None or card.collection is None:
        with hold_shard(folder / SHARD):
            shutil.rmtree(folder, ignore_errors=True)
    else:
        from snapshelf.adapters.qdrant_server_index import QdrantServerIndex  # noqa: PLC0415 (the [qdrant] extra)

        index = QdrantServerIndex(_connect(card, server), card.collection, _hold(folder, alone=True))
        try:
            index.drop()
        finally:
            index.close()
        shutil.rmtree(folder, ignore_errors=True)


def _hold(folder: Path, *, alone: bool) -> IO[str] | None:
    """Lock a folder whose index is on a server, so that nobody on this machine removes it while it is in use.

    None where that is not possible: in a copy of a store that may only be read.

    Raises:
        StoreError: it is in use, and should be had alone.
    """
    import portalocker  # noqa: PLC0415 (the [qdrant] extra)

    if os.access(folder, os.W_OK):
        file = (folder / LOCK).open("a")
    elif (folder / LOCK).exists():
        file = (folder / LOCK).open()
    else:
        return None
    how = portalocker.LockFlags.EXCLUSIVE if alone else portalocker.LockFlags.SHARED
    try:
        portalocker.lock(file, how | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.LockException:
        file.close()
        raise StoreError(f"Another snapshelf has the index {folder} open. Stop it first.") from None
    return file


def _connect(card: IndexCard, server: QdrantServer | None) -> QdrantClient:
    if server is None:
        raise StoreError(
            f"The index {card.id} is on a Qdrant server, as the collection {card.collection}, and "
            "SNAPSHELF_QDRANT_URL is not set. Set it to where the server is, or build the index in the store: "
            "snapshelf index CATALOGUE --store DIR --replace"
        )
    _client_version()
    from snapshelf.adapters.qdrant_server import connect  # noqa: PLC0415 (the [qdrant] extra)

    return connect(server)


def _client_version() -> str:
    """The version of the client, or what to do where there is none."""
    try:
        return version("qdrant-client")
    except ModuleNotFoundError:  # which PackageNotFoundError is
        raise StoreError(
            "SNAPSHELF_QDRANT_URL is set, but the client is not installed. Run: pip install 'snapshelf[qdrant]'"
        ) from None
