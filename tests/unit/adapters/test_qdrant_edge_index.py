"""What only an index on disk can get wrong: crashes, locks, threads. The rest is in the contract suite."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from snapshelf.adapters.qdrant_edge_index import QdrantEdgeIndex
from snapshelf.errors import StoreError
from snapshelf.types import Filters, Product, ProductPhoto

WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from snapshelf.adapters.qdrant_edge_index import QdrantEdgeIndex
from snapshelf.types import Product, ProductPhoto

index = QdrantEdgeIndex.create(Path(sys.argv[1]), 4)
for n in range(1_000_000):
    photo = ProductPhoto(f"{n}", f"sha-{n}", Product(f"p{n}", "title", "category"))
    index.upsert([photo], np.full((1, 4), n + 1, dtype=np.float32))
    print(n, flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "shard"


@pytest.fixture
def writer(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the index open and adds photo after photo, saying when each is there."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def test_every_acknowledged_photo_outlives_kill_9(folder: Path, writer: subprocess.Popen[str]) -> None:
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline() for _ in range(5)]
    writer.kill()
    acknowledged += writer.stdout.readlines()
    index = QdrantEdgeIndex.open(folder)
    hashes = index.photo_hashes()
    # One more may be there: written, but killed before it was said.
    assert len(hashes) - len(acknowledged) in (0, 1)
    assert all(hashes[line.strip()] == f"sha-{line.strip()}" for line in acknowledged)
    assert index.count_products() == len(hashes)
    index.close()


def test_an_index_open_in_another_process_is_refused_in_words(folder: Path, writer: subprocess.Popen[str]) -> None:
    assert writer.stdout is not None
    assert writer.stdout.readline() == "0\n"
    with pytest.raises(StoreError, match=r"Another snapshelf serves .* or change products over HTTP"):
        QdrantEdgeIndex.open(folder)


def test_who_is_refused_leaves_the_files_as_they_are(folder: Path) -> None:
    """The engine itself shortens a file of the words before it finds its log locked; nothing can be written then."""
    random = np.random.default_rng(0)
    photos = [ProductPhoto(f"{n}", f"sha-{n}", Product(f"p{n}", f"title {n}", "category")) for n in range(1300)]
    embedding_ND = random.normal(size=(1300, 4)).astype(np.float32)
    index = QdrantEdgeIndex.create(folder, 4)
    index.upsert(photos[:1200], embedding_ND[:1200])
    index.optimize()
    index.upsert(photos[1200:1250], embedding_ND[1200:1250])
    with pytest.raises(StoreError, match="Another snapshelf serves or changes the index"):
        QdrantEdgeIndex.open(folder)
    index.upsert(photos[1250:], embedding_ND[1250:])
    index.close()
    again = QdrantEdgeIndex.open(folder)
    assert again.count_products() == 1300
    again.close()


def test_closing_lets_the_next_one_in(folder: Path) -> None:
    QdrantEdgeIndex.create(folder, 4).close()
    QdrantEdgeIndex.open(folder).close()


def test_a_missing_index_names_the_folder_and_the_command(folder: Path) -> None:
    with pytest.raises(StoreError, match=r"shard cannot be used .* snapshelf index CATALOGUE"):
        QdrantEdgeIndex.open(folder)


def test_create_does_not_overwrite(folder: Path) -> None:
    QdrantEdgeIndex.create(folder, 4).close()
    with pytest.raises(StoreError, match="already contains"):
        QdrantEdgeIndex.create(folder, 4)


def test_threads_may_search_while_one_changes(folder: Path) -> None:
    index = QdrantEdgeIndex.create(folder, 4)
    embedding_ND = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    index.upsert([ProductPhoto(f"{n}", "", Product(f"p{n}", "", "c")) for n in range(64)], embedding_ND)

    def look(n: int) -> int:
        if n % 10 == 0:
            index.update_products([Product(f"p{n}", f"title {n}", "c")])
        return len(index.search(embedding_ND[n], limit=10, filters=Filters())) + len(index.products(offset=0, limit=5))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(look, range(50))) == [15] * 50
    assert index.product("p40") == Product("p40", "title 40", "c")
    index.close()
