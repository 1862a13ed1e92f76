"""`snapshelf serve` in processes of their own, with one index on a Qdrant server between them."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.artifacts.store import Store
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.index import index
from snapshelf.settings import QdrantServer
from tests.engines import SERVER_URL
from tests.tiny_store import write_catalogue, write_model

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def qdrant_url() -> Iterator[str]:
    """A real Qdrant server where one is named, else what stands for it."""
    pytest.importorskip("qdrant_client", reason="the [qdrant] extra is not installed")
    from tests.qdrant_stand_in import qdrant_stand_in  # noqa: PLC0415 (the extra)

    if url := os.environ.get(SERVER_URL):
        yield url
        return
    with qdrant_stand_in() as url:
        yield url


@pytest.fixture
def store(tmp_path: Path, qdrant_url: str) -> Iterator[Store]:
    """A model in use and twelve products, whose index is on the server."""
    from snapshelf.adapters.index_folder import remove_folder  # noqa: PLC0415 (the extra)

    store, server = Store(tmp_path / "shop"), QdrantServer(qdrant_url)
    card = write_model(store.folder("models", "tiny-1"))
    store.use("models", card.id)
    encoder = OnnxEncoder(store.current("models"), num_threads=1)
    table = write_catalogue(tmp_path / "catalogue")
    index(store, encoder, card, str(table), limits=DecodeLimits(), num_workers=1, server=server)
    yield store
    remove_folder(store.current("index"), server)


@contextlib.contextmanager
def serving(
    store: Path,
    qdrant_url: str | None,
    *,
    before: Sequence[str] = (),
    port: int = 0,
    settings: Mapping[str, str] | None = None,
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that serves a store, and its port; `before` stands before the command."""
    command = [*before, sys.executable, "-m", "snapshelf", "serve", "--store", str(store), "--port", str(port)]
    environment = os.environ | {"SNAPSHELF_THREADS": "1", "SNAPSHELF_LOG_LEVEL": "warning", "COLUMNS": "200"}
    environment |= settings or {}
    if qdrant_url:
        environment["SNAPSHELF_QDRANT_URL"] = qdrant_url
    log = store.parent / f"serve-{uuid.uuid4().hex[:8]}.log"
    with log.open("w+") as file:
        process = subprocess.Popen(command, stderr=file, text=True, env=environment)
        try:
            while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
                    pytest.fail(f"the server ended: {log.read_text()}")
            yield process, int(found[1])
        finally:
            process.kill()
            process.wait()
