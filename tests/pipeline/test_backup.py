"""A store as one file, and back: everything that it is, nothing that is not, and never half of it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from snapshelf.adapters.sqlite_feedback import Feedback, SqliteFeedback
from snapshelf.artifacts.store import Store
from snapshelf.errors import ConfigError, SourceError, StoreError
from snapshelf.pipelines import backup
from snapshelf.pipelines.backup import MANIFEST, back_up, restore
from snapshelf.settings import Settings
from snapshelf.wiring import open_shelf
from tests.tiny_store import COLOURS, build_tiny_store, photo

SETTINGS = Settings(threads=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = build_tiny_store(tmp_path)
    store.config_path.write_text('name = "Shoes & more"\n', "utf-8")
    for leftover in ("models/.training-1/epoch.safetensors", "downloads/big.gz", "index/.building-1/x"):
        path = store.root / leftover
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left over")
    return store


def answer(store: Store) -> tuple[str, str, list[tuple[str, float]]]:
    shelf = open_shelf(store, SETTINGS)
    try:
        found = shelf.recommender.recommend(photo(COLOURS["red thing"], 7))
        near = [(each.product.id, round(each.similarity, 5)) for each in found.recommendations]
        return shelf.config.name, found.prediction.label, near
    finally:
        shelf.close()


@pytest.mark.parametrize("name", ["store.tar", "store.tar.gz"])
def test_a_restored_store_answers_as_the_one_that_was_backed_up(store: Store, tmp_path: Path, name: str) -> None:
    before = answer(store)
    queue = SqliteFeedback(store.feedback_path)  # open, with all of it in the log still
    queue.add(Feedback("r", helpful=True), b"jpeg")
    result = back_up(store, tmp_path / name)
    queue.close()
    copy = Store(tmp_path / "copy")
    restored = restore(tmp_path / name, copy)
    assert (restored.num_files, restored.num_bytes) == (result.num_files, result.num_bytes)
    assert answer(copy) == before
    again = SqliteFeedback(copy.feedback_path)
    assert again.newest(offset=0, limit=9)[0].has_photo
    again.close()
    assert copy.feedback_path.stat().st_mode & 0o077 == 0
    assert not list(copy.root.rglob("*left*")) + list((copy.root / "models").glob(".*"))
    assert not (copy.root / "downloads").exists()
    assert list(tmp_path.glob(".*")) == []


def test_while_it_is_served_the_rest_of_it_is_backed_up(store: Store, tmp_path: Path) -> None:
    shelf = open_shelf(store, SETTINGS)
    try:
        with pytest.raises(StoreError, match="--without-index"):
            back_up(store, tmp_path / "whole.tar")
        assert not (tmp_path / "whole.tar").exists()
        back_up(store, tmp_path / "rest.tar", with_index=False)
    finally:
        shelf.close()
    copy = Store(tmp_path / "copy")
    restore(tmp_path / "rest.tar", copy)
    assert copy.ids("models") == ["tiny-1"]
    assert copy.ids("index") == []


def test_nothing_is_written_over(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine.tar").write_bytes(b"mine")
    with pytest.raises(ConfigError, match="is there already"):
        back_up(store, tmp_path / "mine.tar")
    assert (tmp_path / "mine.tar").read_bytes() == b"mine"
    with pytest.raises(ConfigError, match="is inside the store"):
        back_up(store, store.root / "self.tar")
    with pytest.raises(ConfigError, match="is no folder"):
        back_up(store, tmp_path / "nowhere" / "a.tar")
    with pytest.raises(StoreError, match="nothing to back up"):
        back_up(Store(tmp_path / "new"), tmp_path / "b.tar")
    back_up(store, tmp_path / "good.tar")
    before = sorted(path.name for path in store.root.iterdir())
    with pytest.raises(ConfigError, match="is not empty"):
        restore(tmp_path / "good.tar", store)
    assert sorted(path.name for path in store.root.iterdir()) == before


def rewritten(archive: Path, change: dict[str, bytes | None], extra: tarfile.TarInfo | None = None) -> Path:
    """A copy of an archive in which some files are others, or are missing."""
    made = archive.with_name("changed.tar")
    with tarfile.open(archive) as old, tarfile.open(made, "w") as new:
        if extra:
            new.addfile(extra, io.BytesIO(b"x" * extra.size))
        for member in old:
            file = old.extractfile(member)
            assert file
            content = change.get(member.name, file.read())
            if content is not None:
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))
    return made


def test_what_is_damaged_cut_off_or_hostile_restores_nothing(store: Store, tmp_path: Path) -> None:
    whole = tmp_path / "whole.tar"
    back_up(store, whole, with_index=False)
    link, outside = tarfile.TarInfo("models/link"), tarfile.TarInfo("../outside")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    outside.size = 1
    absolute = tarfile.TarInfo("/tmp/snapshelf-outside")
    absolute.size = 1
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    text = tmp_path / "text.tar"
    text.write_text("no archive")
    newer = json.dumps({"schema_version": 99, "files": {}}).encode()
    cases: dict[str, Callable[[], Path]] = {
        "is damaged: models/current": lambda: rewritten(whole, {"models/current": b"tiny-9\n"}),
        "is damaged: models/tiny-1/card.json": lambda: rewritten(whole, {"models/tiny-1/card.json": None}),
        f"has no {MANIFEST}": lambda: rewritten(whole, {MANIFEST: None}),
        "cannot be read": lambda: rewritten(whole, {MANIFEST: b"{"}),
        "newer snapshelf": lambda: rewritten(whole, {MANIFEST: newer}),
        "which is no file": lambda: rewritten(whole, {}, link),
        "which lies outside": lambda: rewritten(whole, {}, outside),
        "lies outside": lambda: rewritten(whole, {}, absolute),
        "cut.tar": lambda: cut,
        "text.tar cannot be read": lambda: text,
        "gone.tar cannot be read": lambda: tmp_path / "gone.tar",
    }
    for words, archive in cases.items():
        with pytest.raises(SourceError, match=words):
            restore(archive(), Store(tmp_path / "copy"))
        assert not (tmp_path / "copy").exists(), words
    assert not (tmp_path / "outside").exists()
    assert not Path("/tmp/snapshelf-outside").exists()


def test_a_backup_that_is_killed_leaves_no_archive(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(backup, "_add", killed)
    with pytest.raises(KeyboardInterrupt):
        back_up(store, tmp_path / "a.tar")
    assert [path.name for path in tmp_path.iterdir() if "tar" in path.name] == []
