"""Thumbnails are there, whole, from every thread, and after a crash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from snapshelf.adapters.sqlite_thumbnails import SqliteThumbnails
from snapshelf.errors import ReadOnlyStoreError, StoreError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index" / "thumbnails.sqlite"


@pytest.fixture
def thumbnails(path: Path) -> Iterator[SqliteThumbnails]:
    store = SqliteThumbnails(path)
    yield store
    store.close()


def test_what_was_put_is_got(thumbnails: SqliteThumbnails) -> None:
    thumbnails.put([("a", "image/webp", b"one"), ("ü/b c", "image/png", b"\x00two")])
    assert thumbnails.get("a") == ("image/webp", b"one")
    assert thumbnails.get("ü/b c") == ("image/png", b"\x00two")
    assert thumbnails.get("nothing") is None


def test_put_replaces(thumbnails: SqliteThumbnails) -> None:
    thumbnails.put([("a", "image/webp", b"old")])
    thumbnails.put([("a", "image/png", b"new")])
    assert thumbnails.get("a") == ("image/png", b"new")


def test_remove_passes_over_what_is_not_there(thumbnails: SqliteThumbnails) -> None:
    thumbnails.put([("a", "image/webp", b"one"), ("b", "image/webp", b"two")])
    thumbnails.remove(["a", "nothing"])
    thumbnails.remove([])
    assert (thumbnails.get("a"), thumbnails.get("b")) == (None, ("image/webp", b"two"))


def test_a_failing_batch_leaves_nothing_behind(thumbnails: SqliteThumbnails) -> None:
    with pytest.raises(Exception, match="NOT NULL"):
        thumbnails.put([("a", "image/webp", b"one"), ("b", None, b"two")])  # type: ignore[list-item]
    assert thumbnails.get("a") is None
    thumbnails.put([("c", "image/webp", b"three")])
    assert thumbnails.get("c") is not None


def test_several_threads_may_read_and_write(thumbnails: SqliteThumbnails) -> None:
    def put_and_get(n: int) -> bool:
        thumbnails.put([(f"{n}", "image/webp", bytes([n]))])
        return thumbnails.get(f"{n}") == ("image/webp", bytes([n]))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(put_and_get, range(40)))


def test_a_put_outlives_a_killed_process(path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from snapshelf.adapters.sqlite_thumbnails import SqliteThumbnails\n"
        "SqliteThumbnails(Path(sys.argv[1])).put([('a', 'image/webp', b'one')])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9
    store = SqliteThumbnails(path)
    assert store.get("a") == ("image/webp", b"one")
    store.close()


def test_closing_leaves_one_file_that_can_be_moved(path: Path) -> None:
    store = SqliteThumbnails(path)
    store.put([("a", "image/webp", b"one")])
    store.close()
    assert [found.name for found in path.parent.iterdir()] == ["thumbnails.sqlite"]


def test_where_the_folder_may_not_be_written_it_is_read(
    path: Path, thumbnails: SqliteThumbnails, monkeypatch: pytest.MonkeyPatch
) -> None:
    thumbnails.put([("a", "image/webp", b"one")])
    monkeypatch.setattr("os.access", lambda *_: False)
    beside_a_writer = SqliteThumbnails(path)
    thumbnails.put([("b", "image/webp", b"two")])
    assert (beside_a_writer.get("a"), beside_a_writer.get("b")) == (("image/webp", b"one"), ("image/webp", b"two"))
    with pytest.raises(ReadOnlyStoreError, match="may only be read"):
        beside_a_writer.remove(["a"])
    beside_a_writer.close()
    thumbnails.close()
    alone = SqliteThumbnails(path)
    assert alone.get("a") == ("image/webp", b"one")
    alone.close()


def test_a_file_that_cannot_be_read_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(StoreError, match=r"thumbnails\.sqlite cannot be read\. Build the index anew"):
        SqliteThumbnails(path)
