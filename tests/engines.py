"""The engines that a test asks the same of: Qdrant in process, on the client's in-memory mode, and on a real server."""

from __future__ import annotations

import contextlib
import os
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from snapshelf.adapters.exact_index import ExactIndex
from snapshelf.adapters.qdrant_edge_index import QdrantEdgeIndex
from snapshelf.ports import VectorIndex

SERVER_URL = "SNAPSHELF_TEST_QDRANT_URL"

ENGINES = ["qdrant-edge", "qdrant-in-memory", "qdrant-server"]


@contextlib.contextmanager
def make_engine(name: str, folder: Path, embedding_dim: int) -> Iterator[VectorIndex]:
    """An empty index; skips the test where there is no server to test with."""
    if name == "exact":
        yield ExactIndex(embedding_dim)
    elif name == "qdrant-edge":
        index = QdrantEdgeIndex.create(folder / "shard", embedding_dim)
        yield index
        index.close()
    else:
        with _on_a_server(os.environ.get(SERVER_URL) if name == "qdrant-server" else None, name, embedding_dim) as made:
            yield made


@contextlib.contextmanager
def _on_a_server(url: str | None, name: str, embedding_dim: int) -> Iterator[VectorIndex]:
    """A collection that is removed again; without an address, in the client's own memory."""
    client = pytest.importorskip("qdrant_client", reason="the [qdrant] extra is not installed")
    from snapshelf.adapters.qdrant_server_index import QdrantServerIndex  # noqa: PLC0415 (the extra)

    if name == "qdrant-server" and url is None:
        pytest.skip(f"no real Qdrant server: set {SERVER_URL} to one that may be written to")
    connected = client.QdrantClient(url=url) if url else client.QdrantClient(":memory:")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect")  # in the client's memory
        index = QdrantServerIndex.create(connected, f"snapshelf-test-{uuid.uuid4().hex[:8]}", embedding_dim)
    yield index
    index.drop()
    index.close()
