"""A reader sees the old state or the new one, never half of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from snapshelf.artifacts.publish import published_folder, sha256_file, write_atomic


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    final = tmp_path / "models" / "a"
    with published_folder(final) as work:
        (work / "x").write_text("1")
        (work / "deep").mkdir()
        (work / "deep" / "y").write_text("2")
        assert not final.exists()
    assert (final / "deep" / "y").read_text() == "2"
    assert [path.name for path in final.parent.iterdir()] == ["a"]


def test_a_failure_leaves_the_old_folder_and_no_rubbish(tmp_path: Path) -> None:
    final = tmp_path / "a"
    final.mkdir()
    (final / "x").write_text("old")
    with pytest.raises(FileNotFoundError), published_folder(final) as work:
        (work / "x").write_bytes((tmp_path / "not there").read_bytes())
    assert (final / "x").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    final = tmp_path / "a"
    final.mkdir()
    (final / "old").write_text("old")
    with published_folder(final) as work:
        (work / "new").write_text("new")
    assert [path.name for path in final.iterdir()] == ["new"]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "current"
    write_atomic(path, "a\n")
    write_atomic(path, b"b\n")
    assert path.read_text() == "b\n"
    assert [other.name for other in path.parent.iterdir()] == ["current"]


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_file(tmp_path / "x") == hashlib.sha256(b"abc").hexdigest()
