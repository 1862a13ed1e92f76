"""What lies in an index's folder, `index/<id>/`: a Qdrant Edge shard, thumbnails, and the card."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from snapshelf.adapters.qdrant_edge_index import QdrantEdgeIndex
from snapshelf.adapters.sqlite_thumbnails import SqliteThumbnails
from snapshelf.artifacts.cards import IndexCard, ModelCard
from snapshelf.artifacts.store import Store

SHARD = "shard"
THUMBNAILS = "thumbnails.sqlite"


def engine() -> str:
    """The engine's name and version, for the card."""
    return f"qdrant-edge {version('qdrant-edge-py')}"


def open_index(store: Store, model: ModelCard) -> tuple[IndexCard, QdrantEdgeIndex, SqliteThumbnails]:
    """Open the index in use, if this model made it.

    Raises:
        ArtifactMissingError: there is none yet.
        ArtifactMismatchError: another model made it.
        StoreError: another process has it open.
    """
    folder = store.current("index")
    card = IndexCard.read(folder)
    store.check_index_fits(card, model)
    return card, *open_folder(folder)


def is_index_folder(folder: Path) -> bool:
    """Whether an index was begun in a folder, whole or not."""
    return (folder / SHARD / "edge_config.json").exists()


def open_folder(folder: Path) -> tuple[QdrantEdgeIndex, SqliteThumbnails]:
    """Open an index's engine and thumbnails, whatever its card says.

    Raises:
        StoreError: there is none, or another process has it open.
    """
    return QdrantEdgeIndex.open(folder / SHARD), SqliteThumbnails(folder / THUMBNAILS)


def create_folder(folder: Path, embedding_dim: int) -> tuple[QdrantEdgeIndex, SqliteThumbnails]:
    """Begin an empty index in a folder.

    Raises:
        StoreError: there is one already.
    """
    return QdrantEdgeIndex.create(folder / SHARD, embedding_dim), SqliteThumbnails(folder / THUMBNAILS)
