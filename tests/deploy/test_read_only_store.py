"""A server whose file system may not be written, but for a folder for temporary files, as containers have it."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from snapshelf.adapters.sqlite_changes import SqliteChanges
from snapshelf.artifacts.store import Store
from snapshelf.client import Client
from snapshelf.errors import ApiError
from snapshelf.web.feedback_schemas import FeedbackIn
from snapshelf.web.schemas import ProductIn
from tests.deploy.conftest import serving
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes

_UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]

_MOUNTED = 'mount -t tmpfs tmpfs "$TMPDIR" && mount -o remount,bind,ro / && shift && exec "$@"'
"""A memory of its own at $TMPDIR, all else only to be read; with a folder before the command, that one too is kept."""

_MOUNTED_BESIDE = 'mount --bind "$1" "$1" && ' + _MOUNTED


@functools.cache
def _why_not() -> str | None:
    if shutil.which("unshare") is None:
        return "unshare is not installed"
    tried = subprocess.run(
        [*_UNSHARE, "mount", "-o", "remount,bind,ro", "/"], capture_output=True, text=True, check=False
    )
    return f"mounts are not allowed: {tried.stderr.strip()}" if tried.returncode else None


@pytest.fixture
def only_read(tmp_path: Path) -> Sequence[str]:
    """What stands before a command that may write nothing but its own `tmp_path / "tmp"`."""
    if why_not := _why_not():
        pytest.skip(why_not)
    (tmp_path / "tmp").mkdir()
    return [*_UNSHARE, "sh", "-c", _MOUNTED, "sh", ""]


def _files(root: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in root.rglob("*")}


def test_a_store_that_may_only_be_read_is_served(
    store: Store, qdrant_url: str, only_read: Sequence[str], tmp_path: Path
) -> None:
    SqliteChanges(store.changes_path).close()
    before = _files(store.root)
    settings = {"TMPDIR": str(tmp_path / "tmp"), "SNAPSHELF_ADMIN_KEY": "k" * 32}
    with serving(store.root, qdrant_url, before=only_read, settings=settings) as (_, port):
        client = Client(f"http://127.0.0.1:{port}", admin_key="k" * 32)
        large = photo_bytes(COLOURS["red thing"], 5) + b"\0" * 9_000_000  # more than an upload may take of memory
        assert client.recommend(large).prediction.label == "red thing"
        first = client.recommend(photo_bytes(COLOURS["blue thing"], 3)).recommendations[0].product
        assert first.id == "p03"
        assert client.product_image("p03")
        for change in (
            lambda: client.give_feedback(FeedbackIn(request_id="x", helpful=True)),
            lambda: client.put_product("p03", ProductIn(title="Other", category="blue thing")),
            lambda: client.delete_product("p03"),
            lambda: client.use_model("tiny-1"),
            client.feedback,
        ):
            with pytest.raises(ApiError) as refused:
                change()
            assert (refused.value.status, refused.value.type) == (503, "urn:snapshelf:problem:store-read-only")
        assert client.product("p03").title == first.title
    assert _files(store.root) == before


def test_a_store_with_its_index_inside_must_be_written_and_says_so(
    only_read: Sequence[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    settings = {"TMPDIR": str(tmp_path / "tmp")}
    with pytest.raises(pytest.fail.Exception, match="may only be read from here, but its engine"):  # noqa: SIM117
        with serving(store.root, None, before=only_read, settings=settings):
            pass


def test_with_the_store_alone_to_be_written_everything_works(tmp_path: Path, only_read: Sequence[str]) -> None:
    store = build_tiny_store(tmp_path)
    beside = [*_UNSHARE, "sh", "-c", _MOUNTED_BESIDE, "sh", str(store.root)]
    settings = {"TMPDIR": str(tmp_path / "tmp"), "SNAPSHELF_ADMIN_KEY": "k" * 32}
    with serving(store.root, None, before=beside, settings=settings) as (_, port):
        client = Client(f"http://127.0.0.1:{port}", admin_key="k" * 32)
        added = photo_bytes(COLOURS["green thing"], 77)
        client.put_product("new", ProductIn(title="New", category="green thing"), photo=added)
        assert client.recommend(added).recommendations[0].product.id == "new"
        client.give_feedback(FeedbackIn(request_id="x", correct_label="red thing"))
        assert client.feedback().total == 1
